"""Goes through a JSON document value by value without parsing it whole."""

import json
import re
from dataclasses import dataclass

from scenarios.packs.places import MOST_ROW_BYTES, TOO_LONG, Bookmark
from scenarios.packs.rows import PackRefused

MOST_NESTED = 20
MOST_DIGITS = 20

_SPACE = re.compile(rb"[ \t\n\r]*+")
# Up to where a text ends or goes wrong: the closing quote, a raw line break or the end of the file.
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
class Unreadable:
    """A number that is no value of ours, and why. It stands in for the number, so that its field can be named."""

    why: str


@dataclass(frozen=True)
class Members:
    """An object's names and values as they were written, doubled names too."""

    pairs: "list[tuple[str, JSONValue]]"


JSONValue = str | int | float | bool | list["JSONValue"] | Members | Unreadable | None


def _integer(digits: str) -> int | Unreadable:
    return _too_many_digits() if len(digits.lstrip("-")) > MOST_DIGITS else int(digits)


def _fraction(digits: str) -> float | Unreadable:
    return _too_many_digits() if sum(map(str.isdigit, digits)) > MOST_DIGITS else float(digits)


def _too_many_digits() -> Unreadable:
    return Unreadable(f"The number has more than {MOST_DIGITS} digits.")


def _no_number(name: str) -> Unreadable:
    return Unreadable(f"{name} is not a number in JSON. Write a whole number or leave the field out.")


_DECODER = json.JSONDecoder(
    object_pairs_hook=Members, parse_int=_integer, parse_float=_fraction, parse_constant=_no_number
)


class Cursor:
    """A place in a JSON document. Every step raises PackRefused where the document is not what the step expects."""

    def __init__(self, mark: Bookmark) -> None:
        self.data = mark.data
        self.mark = mark  # at or before the position; refusals are counted from here
        self.position = mark.position
        self.row = 0

    def peek(self) -> bytes:
        """The next byte that is no space; empty at the end."""
        if space := _SPACE.match(self.data, self.position):
            self.position = space.end()
        return self.data[self.position : self.position + 1]

    def take(self, byte: bytes) -> bool:
        """Step over this byte if it is the next."""
        taken = self.peek() == byte
        self.position += taken
        return taken

    def expect(self, byte: bytes, message: str) -> None:
        if not self.take(byte):
            raise self.refusal(self.position, message)

    def name(self) -> str:
        """Step over a member's name and its colon."""
        if self.peek() != b'"':
            raise self.refusal(self.position, _IN_OUR_WORDS["Expecting property name enclosed in double quotes"])
        name = self.parsed(self.value(0))
        self.expect(b":", _IN_OUR_WORDS["Expecting ':' delimiter"])
        return str(name)

    def value(self, depth: int) -> int:
        """Step over a value that stands in so many brackets; where it begins. What is inside is not judged yet."""
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
        """The value from there to the position. Raises PackRefused where it is no JSON."""
        text = self.mark.text(start, self.position)
        try:
            value: JSONValue = _DECODER.decode(text)
        except json.JSONDecodeError as error:
            raise self._not_json(start, text, error) from None
        return value

    def refusal(self, position: int, message: str) -> PackRefused:
        return self.mark.refusal(position, f"Row {self.row}. {message}" if self.row else message)

    def _step_over(self, what: re.Pattern[bytes]) -> None:
        if found := what.match(self.data, self.position):
            self.position = found.end()

    def _step_over_text(self) -> bool:
        """Whether the text is closed. Where it is not the position is where it goes wrong."""
        self._step_over(_TEXT)
        closed = self.data[self.position : self.position + 1] == b'"'
        self.position += closed
        return closed

    def _step_over_brackets(self, depth: int) -> None:
        """To the last closing bracket, or to where no parser could go on; the parser then says what is wrong there."""
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
            if depth > MOST_NESTED:
                raise self.refusal(self.position, f"Brackets are nested more than {MOST_NESTED} deep here.")
            self.position += 1
            if depth == outside:
                return

    def _check_length(self, start: int) -> None:
        if self.position - start > MOST_ROW_BYTES:
            raise self.refusal(start, f"What begins here {TOO_LONG}. Is a bracket or a quote not closed?")

    def _not_json(self, start: int, text: str, error: json.JSONDecodeError) -> PackRefused:
        position = start + len(text[: error.pos].encode())
        if position >= len(self.data):
            return self.refusal(position, "The file ends before its last bracket is closed. Is it whole?")
        reason = _IN_OUR_WORDS.get(error.msg) or f"This is not JSON: {error.msg}."
        return self.refusal(position, reason)
