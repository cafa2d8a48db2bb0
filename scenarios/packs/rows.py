"""Rows of a pack, their problems, and the errors for unreadable files."""

import re
from dataclasses import dataclass, field

PackValue = str | int | bool | list[str]

# Problems reported per row. More would not help the author, and a hostile file could produce thousands.
MAX_PROBLEMS = 50
_MOST_SHOWN = 60  # characters
_UNPRINTABLE = re.compile("[\0-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True)
class RowProblem:
    """A reason that a row cannot be imported, with its position in the file."""

    message: str
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
    """A file that cannot be read as a whole. `str()` gives position and reason. Retrying does not help."""

    def __init__(self, message: str, line: int | None = None, column: int | None = None) -> None:
        super().__init__(message)
        self.line = line
        self.column = column

    def __str__(self) -> str:
        place = f"Line {self.line}" if self.line else ""
        place += f", column {self.column}" if self.line and self.column else ""
        return f"{place}: {self.args[0]}" if place else str(self.args[0])


class TooManyRowsError(UnreadablePackError):
    """A file with more rows than the reader accepts."""


def printable_excerpt(text: str) -> str:
    """Return a piece of a file that is short and clean enough for a message."""
    text = _UNPRINTABLE.sub("\ufffd", text[: _MOST_SHOWN + 1])
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}…"
