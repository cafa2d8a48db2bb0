"""Lines of a streamed answer, however the network cuts them."""

from collections.abc import AsyncIterator

import pytest
from asgiref.sync import async_to_sync

from ai.stream_events import _iter_lines


async def lines_of(chunks: list[bytes]) -> list[str]:
    async def arriving() -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk

    return [line async for line in _iter_lines(arriving())]


@pytest.mark.parametrize(
    ("chunks", "lines"),
    [
        ([b"a\r", b"\nb\n\n", b"c"], ["a", "b", "", "c"]),
        ([b"caf\xc3", b"\xa9\n"], ["café"]),
        ([b"caf\xc3"], ["caf\ufffd"]),
        ([b"\xef\xbb", b"\xbfdata\r\n"], ["data"]),
        (["a\u2028b\x85c\n".encode()], ["a\u2028b\x85c"]),
    ],
)
def test_line_ends_only_at_cr_and_lf(chunks, lines):
    assert async_to_sync(lines_of)(chunks) == lines
