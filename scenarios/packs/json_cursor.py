"""Cursor that steps through a JSON document value by value without parsing it all at once."""

import json
import re
from dataclasses import dataclass

from scenarios.messages import Message, gettext_noop
from scenarios.packs.file_positions import MAX_ROW_BYTES, MAX_ROW_MEGABYTES, FilePosition
from scenarios.packs.rows import UnreadablePackError

MAX_NESTING = 20  # brackets
MAX_DIGITS = 20  # digits of a number

_SPACE = re.compile(rb"[ \t\n\r]*+")
# Matches up to the end of a string or its first error: closing quote, raw line break, or end of file.
_TEXT = re.compile(rb'"[^"\\\r\n]*+(?:\\[^\r\n][^"\\\r\n]*+)*+')
_WORD = re.compile(rb'[^ \t\n\r,:"\[\]{}]*+')
_NON_BRACKETS = re.compile(rb'[^"\[\]{}]*+')

_MISSING_COLON = Message(gettext_noop("A colon is missing between a name and its value."))
_MISSING_NAME = Message(
    gettext_noop("A name in double quotation marks is missing, or there is a comma before a closing bracket.")
)
_PARSER_MESSAGES = {
    "Unterminated string starting at": Message(
        gettext_noop(
            "This text is not closed on its line. Add a closing quotation mark. Write a line break inside text as \\n."
        )
    ),
    "Invalid control character at": Message(
        gettext_noop("Text contains a raw control character. Write a tab as \\t, and remove any others.")
    ),
    "Expecting ',' delimiter": Message(gettext_noop("A comma or a closing bracket is missing before this.")),
    "Expecting ':' delimiter": _MISSING_COLON,
    "Expecting value": Message(
        gettext_noop("A value is missing or is not valid JSON. Put text in double quotation marks.")
    ),
    "Expecting property name enclosed in double quotes": _MISSING_NAME,
}


@dataclass(frozen=True)
class UnreadableNumber:
    """A number that cannot be stored. Stands in for the value, so that the error can name its field."""

    reason: Message


@dataclass(frozen=True)
class JSONObject:
    """An object's names and values as written, including duplicate names."""

    pairs: "list[tuple[str, JSONValue]]"


JSONValue = str | int | float | bool | list["JSONValue"] | JSONObject | UnreadableNumber | None


def _parse_integer(digits: str) -> int | UnreadableNumber:
    return _reject_long_number() if len(digits.lstrip("-")) > MAX_DIGITS else int(digits)


def _parse_fraction(digits: str) -> float | UnreadableNumber:
    return _reject_long_number() if sum(map(str.isdigit, digits)) > MAX_DIGITS else float(digits)


def _reject_long_number() -> UnreadableNumber:
    return UnreadableNumber(Message(gettext_noop("This number has more than %(most)s digits."), {"most": MAX_DIGITS}))


def _reject_constant(name: str) -> UnreadableNumber:
    reason = gettext_noop("%(name)s is not a number in JSON. Enter a whole number, or leave the field out.")
    return UnreadableNumber(Message(reason, {"name": name}))


_DECODER = json.JSONDecoder(
    object_pairs_hook=JSONObject, parse_int=_parse_integer, parse_float=_parse_fraction, parse_constant=_reject_constant
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
        """Step over `byte` if it is next. Return True if it was."""
        is_taken = self.peek() == byte
        self.position += is_taken
        return is_taken

    def expect(self, byte: bytes, reason: Message) -> None:
        if not self.take(byte):
            raise self.error_at(self.position, reason)

    def take_name(self) -> str:
        """Step over a member's name and colon, and return the name."""
        if self.peek() != b'"':
            raise self.error_at(self.position, _MISSING_NAME)
        name = self.parse_from(self.skip_value(0))
        self.expect(b":", _MISSING_COLON)
        return str(name)

    def skip_value(self, depth: int) -> int:
        """Step over a value nested `depth` brackets deep and return its start. Do not check its content."""
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

    def parse_from(self, start: int) -> JSONValue:
        """Parse the value between `start` and the position. Raise UnreadablePackError if it is not JSON."""
        text = self.mark.text(start, self.position)
        try:
            value: JSONValue = _DECODER.decode(text)
        except json.JSONDecodeError as error:
            raise self._build_json_error(start, text, error) from None
        return value

    def error_at(self, position: int, reason: Message) -> UnreadablePackError:
        if self.row:
            reason = Message(gettext_noop("Row %(row)s. %(reason)s"), {"row": self.row, "reason": reason})
        return self.mark.error_at(position, reason)

    def _step_over(self, pattern: re.Pattern[bytes]) -> None:
        if found := pattern.match(self.data, self.position):
            self.position = found.end()

    def _step_over_text(self) -> bool:
        """Step over a string. Return False, with the position at the error, if it is not closed."""
        self._step_over(_TEXT)
        is_closed = self.data[self.position : self.position + 1] == b'"'
        self.position += is_closed
        return is_closed

    def _step_over_brackets(self, depth: int) -> None:
        """Step to the matching closing bracket, or to the point at which any parser would fail.

        The parser then reports the error there.
        """
        start, outside = self.position, depth
        while True:
            self._step_over(_NON_BRACKETS)
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
                reason = gettext_noop("Brackets are nested more than %(most)s levels deep here.")
                raise self.error_at(self.position, Message(reason, {"most": MAX_NESTING}))
            self.position += 1
            if depth == outside:
                return

    def _check_length(self, start: int) -> None:
        if self.position - start > MAX_ROW_BYTES:
            reason = gettext_noop(
                "The value that starts here is longer than %(most)s MB. "
                "Check for a missing closing bracket or quotation mark."
            )
            raise self.error_at(start, Message(reason, {"most": MAX_ROW_MEGABYTES}))

    def _build_json_error(self, start: int, text: str, error: json.JSONDecodeError) -> UnreadablePackError:
        position = start + len(text[: error.pos].encode())
        if position >= len(self.data):
            reason = gettext_noop("The file ends before its last bracket is closed. It may be incomplete.")
            return self.error_at(position, Message(reason))
        unknown = Message(gettext_noop("This is not valid JSON: %(reason)s."), {"reason": error.msg})
        return self.error_at(position, _PARSER_MESSAGES.get(error.msg, unknown))
