import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from recordings.playback.byte_ranges import ByteRange, UnsatisfiableRangeError, parse_range


@pytest.mark.parametrize(
    ("header", "size", "span"),
    [
        ("", 100, None),
        ("bytes=0-9", 100, ByteRange(0, 9)),
        ("bytes=0-0", 100, ByteRange(0, 0)),
        ("bytes=90-", 100, ByteRange(90, 99)),
        ("bytes=90-1000", 100, ByteRange(90, 99)),
        ("bytes=-10", 100, ByteRange(90, 99)),
        ("bytes=-1000", 100, ByteRange(0, 99)),
        ("bytes=99-99", 100, ByteRange(99, 99)),
        ("bytes=0-9,20-29", 100, None),
        ("bytes=9-0", 100, None),
        ("bytes=-", 100, None),
        ("bytes=a-b", 100, None),
        ("bytes=0x1-2", 100, None),
        ("bytes=٠-٩", 100, None),
        ("items=0-9", 100, None),
        ("bytes 0-9", 100, None),
        ("bytes=0-" + "9" * 400, 100, None),
        (" bytes=0-9 ", 100, ByteRange(0, 9)),
    ],
)
def test_parse_range_reads_only_single_ranges(header, size, span):
    assert parse_range(header, size) == span


@pytest.mark.parametrize(
    ("header", "size"),
    [("bytes=100-", 100), ("bytes=100-200", 100), ("bytes=-0", 100), ("bytes=0-", 0), ("bytes=-5", 0)],
)
def test_parse_range_rejects_range_outside_file(header, size):
    with pytest.raises(UnsatisfiableRangeError):
        parse_range(header, size)


def expected_positions(first: str, last: str, size: int) -> list[int] | str:
    """Return the requested positions, found by checking every byte of the file."""
    positions = range(size)
    if not first:
        requested = [position for position in positions if position >= size - int(last)]
    elif last and int(last) < int(first):
        return "whole"
    else:
        requested = [position for position in positions if int(first) <= position <= (int(last) if last else size)]
    return requested or "unsatisfiable"


numbers = st.integers(0, 60).map(str) | st.just("")


@given(numbers, numbers, st.integers(0, 50))
@example("0", "49", 50)
def test_parse_range_matches_counted_positions(first, last, size):
    if not first and not last:
        return

    try:
        span = parse_range(f"bytes={first}-{last}", size)
        found: object = list(range(span.first, span.last + 1)) if span else "whole"
    except UnsatisfiableRangeError:
        found = "unsatisfiable"

    assert found == expected_positions(first, last, size)


@given(st.text(max_size=40) | st.from_regex(re.compile(r"bytes=[-0-9,]{0,30}"), fullmatch=True), st.integers(0, 10**12))
def test_parse_range_never_exceeds_file(header, size):
    try:
        span = parse_range(header, size)
    except UnsatisfiableRangeError:
        return

    assert span is None or 0 <= span.first <= span.last < size
