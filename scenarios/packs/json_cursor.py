"""Cursor that steps through a JSON document value by value without parsing it whole."""

import json
import re
from dataclasses import dataclass

from scenarios.packs.file_positions import MAX_ROW_BYTES, TOO_LONG, FilePosition
from scenarios.packs.rows import UnreadablePackError

MAX_NESTING = 20  # brackets
MAX_DIGITS = 20  # digits of a number

_SPACE = re.compile(rb"[ \t\n\r]*+")
# Matches up to the end of a string or its first error: closing quote, raw line break, or end of file.
_TEXT = re.compile(rb'"[^"\\\r\n]*+(?:\\[^\r\n][^"\\\r\n]*+)*+')
_WORD = re.compile(rb'[^ \t\n\r,:"\[\]{}]*+')
_BETWEEN = re.compile(rb'[^"\[\]{}]*+')

_IN_OUR_WORDS = {
    "Unterminated string starting at": "This text is not closed on its line. "
    "Put a quote at its end; a line break inside a text is written \\n.",
    "Invalid control character at": "A raw control character stands in a text. Write a tab as \\t; remove others.",
    "Expecting ',' delimiter": "A comma or a closing bracket is missing before this.",
    "Expecting ':' delimiter": "A colon is missing between a name and its value.",
    "Expecting value": "A value is missing or is no JSON. A text stands in double quotes.",
    "Expecting property name enclosed in double quotes": "A name in double quotes is missing, "
    "or a comma stands before a closing bracket.",
}


@dataclass(frozen=True)
class UnreadableNumber:
    """A number that cannot be stored. Stands in for the value, so that the error can name its field."""

    why: str


@dataclass(frozen=True)
class JSONObject:
    """An object's names and values as written, including duplicate names."""

    pairs: "list[tuple[str, JSONValue]]"


JSONValue = str | int | float | bool | list["JSONValue"] | JSONObject | UnreadableNumber | None


def _integer(digits: str) -> int | UnreadableNumber:
    return _too_many_digits() if len(digits.lstrip("-")) > MAX_DIGITS else int(digits)


def _fraction(digits: str) -> float | UnreadableNumber:
    return _too_many_digits() if sum(map(str.isdigit, digits)) > MAX_DIGITS else float(digits)


def _too_many_digits() -> UnreadableNumber:
    return UnreadableNumber(f"The number has more than {MAX_DIGITS} digits.")


def _no_number(name: str) -> UnreadableNumber:
    return UnreadableNumber(f"{name} is not a number in JSON. Write a whole number or leave the field out.")


_DECODER = json.JSONDecoder(
    object_pairs_hook=JSONObject, parse_int=_integer, parse_float=_fraction, parse_constant=_no_number
)


class JSONCursor:
    """A position in a JSON document. Every step raises UnreadablePackError if the document is not as expected."""

    def __init__(self, mark: FilePosition) -> None:
        self.data = mark.data
        self.mark = mark  # at or before the position; positions in errors are counted from here
        self.position = mark.position
        self.row = 0

    def peek(self) -> bytes:
        """Skip whitespace and return the next byte, or b"" at the end."""
        if space := _SPACE.match(self.data, self.position):
            self.position = space.end()
        return self.data[self.position : self.position + 1]

    def take(self, byte: bytes) -> bool:
        """Step over this byte if it is next, and return True if it was."""
        taken = self.peek() == byte
        self.position += taken
        return taken

    def expect(self, byte: bytes, message: str) -> None:
        if not self.take(byte):
            raise self.error_at(self.position, message)

    def name(self) -> str:
        """Step over a member's name and colon, and return the name."""
        if self.peek() != b'"':
            raise self.error_at(self.position, _IN_OUR_WORDS["Expecting property name enclosed in double quotes"])
        name = self.parsed(self.value(0))
        self.expect(b":", _IN_OUR_WORDS["Expecting ':' delimiter"])
        return str(name)

    def value(self, depth: int) -> int:
        """Step over a value nested `depth` brackets deep and return its start. Its content is not checked yet."""
        first = self.peek()
        start = self.position
        if first and first in b"[{":
            self._step_over_brackets(depth)
        elif first == b'"':
            self._step_over_text()
        else:
            self._step_over(_WORD)
        self._check_length(start)
        return start

    def parsed(self, start: int) -> JSONValue:
        """Return the parsed value between `start` and the position. Raise UnreadablePackError if it is not JSON."""
        text = self.mark.text(start, self.position)
        try:
            value: JSONValue = _DECODER.decode(text)
        except json.JSONDecodeError as error:
            raise self._not_json(start, text, error) from None
        return value

    def error_at(self, position: int, message: str) -> UnreadablePackError:
        return self.mark.error_at(position, f"Row {self.row}. {message}" if self.row else message)

    def _step_over(self, what: re.Pattern[bytes]) -> None:
        if found := what.match(self.data, self.position):
            self.position = found.end()

    def _step_over_text(self) -> bool:
        """Step over a string. Return False, with the position at the error, if it is not closed."""
        self._step_over(_TEXT)
        closed = self.data[self.position : self.position + 1] == b'"'
        self.position += closed
        return closed

    def _step_over_brackets(self, depth: int) -> None:
        """Step to the matching closing bracket, or to the point at which no parser could go on.

        The parser then reports the error there.
        """
        start, outside = self.position, depth
        while True:
            self._step_over(_BETWEEN)
            self._check_length(start)
            byte = self.data[self.position : self.position + 1]
            if byte == b'"':
                if self._step_over_text():
                    continue
                return
            if not byte:
                return
            depth += 1 if byte in b"[{" else -1
            if depth > MAX_NESTING:
                raise self.error_at(self.position, f"Brackets are nested more than {MAX_NESTING} deep here.")
            self.position += 1
            if depth == outside:
                return

    def _check_length(self, start: int) -> None:
        if self.position - start > MAX_ROW_BYTES:
            raise self.error_at(start, f"What begins here {TOO_LONG}. Is a bracket or a quote not closed?")

    def _not_json(self, start: int, text: str, error: json.JSONDecodeError) -> UnreadablePackError:
        position = start + len(text[: error.pos].encode())
        if position >= len(self.data):
            return self.error_at(position, "The file ends before its last bracket is closed. Is it whole?")
        reason = _IN_OUR_WORDS.get(error.msg) or f"This is not JSON: {error.msg}."
        return self.error_at(position, reason)
