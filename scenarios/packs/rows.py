"""Rows of a pack, their problems, and the errors for unreadable files."""

import re
from dataclasses import dataclass, field

from scenarios.messages import Message, gettext_noop

PackValue = str | int | bool | list[str]

# Problems reported per row. More would not help the author, and a hostile file could produce thousands.
MAX_PROBLEMS = 50
_MAX_EXCERPT_LENGTH = 60  # characters
_UNPRINTABLE = re.compile("[\0-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True)
class RowProblem:
    """A reason that a row cannot be imported, with its position in the file."""

    message: Message
    field: str = ""  # column name, if known
    line: int | None = None  # from 1
    column: int | None = None  # characters, from 1


@dataclass(frozen=True)
class PackRow:
    """One scenario as read from a file. Columns that the row leaves out are absent from `values`."""

    number: int  # from 1, header not counted
    line: int  # from 1
    values: dict[str, PackValue]
    problems: list[RowProblem] = field(default_factory=list)


class UnreadablePackError(Exception):
    """A file that cannot be read in full. Retrying does not help."""

    def __init__(self, reason: Message, line: int | None = None, column: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line
        self.column = column

    @property
    def message(self) -> Message:
        """Return position and reason in one message."""
        place = {"line": self.line, "column": self.column, "reason": self.reason}
        if self.line and self.column:
            return Message(gettext_noop("Line %(line)s, column %(column)s: %(reason)s"), place)
        return Message(gettext_noop("Line %(line)s: %(reason)s"), place) if self.line else self.reason

    def __str__(self) -> str:
        return str(self.message)


class TooManyRowsError(UnreadablePackError):
    """A file with more rows than the reader accepts."""


def printable_excerpt(text: str) -> str:
    """Return the text shortened and without control characters, for use in a message."""
    text = _UNPRINTABLE.sub("\ufffd", text[: _MAX_EXCERPT_LENGTH + 1])
    return text if len(text) <= _MAX_EXCERPT_LENGTH else f"{text[:_MAX_EXCERPT_LENGTH]}…"
