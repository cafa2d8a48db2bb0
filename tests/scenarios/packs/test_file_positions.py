import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.messages import Message
from scenarios.packs.file_positions import FilePosition

PIECES = st.lists(st.sampled_from(["a", "é", "語", "🙂", "\n", "\r\n", "\r", "\u2028"]), max_size=30)


@given(PIECES, st.lists(st.integers(0, 30)))
def test_position_is_independent_of_intermediate_steps(pieces, stops):
    text = "".join(pieces)
    # A carriage return and its line feed are one piece: no position lies between them.
    pieces = re.findall("\r\n|.", text, re.DOTALL)
    offsets = [len("".join(pieces[:stop]).encode()) for stop in sorted(stops)]

    position = FilePosition(text.encode(), 0)
    for offset in [*offsets, len(text.encode())]:
        position = position.moved_to(offset)

    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    assert (position.line, position.column) == (len(lines), len(lines[-1]) + 1)


def test_error_at_returns_position():
    refusal = FilePosition("é\nüb!".encode(), 0).error_at(6, Message("No."))

    assert (str(refusal), refusal.line, refusal.column) == ("Line 2, column 3: No.", 2, 3)


def test_invalid_utf_8_is_rejected_at_its_byte():
    position = FilePosition(b"caf\xc3\xa9\nth\xe9", 0)

    with pytest.raises(Exception, match="^Line 2, column 3: The file is not UTF-8: the byte 0xE9 is invalid here"):
        position.text(0, len(position.data))
