"""What a pack is read into, and how it is refused."""

import re
from dataclasses import dataclass, field

PackValue = str | int | bool | list[str]

# Of one row. Whoever wrote it needs no more to see that it is of another kind; a hostile one would have thousands.
MOST_PROBLEMS = 50
_MOST_SHOWN = 60
_UNPRINTABLE = re.compile("[\0-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True)
class Problem:
    """Why a row cannot be taken, and where that stands in the file (1-based)."""

    message: str
    field: str = ""
    line: int | None = None
    column: int | None = None


@dataclass(frozen=True)
class PackRow:
    """One scenario as its file tells it. Columns of which the row says nothing are absent from `values`."""

    number: int
    line: int
    values: dict[str, PackValue]
    problems: list[Problem] = field(default_factory=list)


class PackRefused(Exception):
    """The whole file cannot be read. `str()` says where and why; trying again does not help."""

    def __init__(self, message: str, line: int | None = None, column: int | None = None) -> None:
        super().__init__(message)
        self.line = line
        self.column = column

    def __str__(self) -> str:
        place = f"Line {self.line}" if self.line else ""
        place += f", column {self.column}" if self.line and self.column else ""
        return f"{place}: {self.args[0]}" if place else str(self.args[0])


class TooManyRows(PackRefused):
    """More than whoever reads wanted."""


def shown(text: str) -> str:
    """A piece of a file that is short and clean enough to stand in a message."""
    text = _UNPRINTABLE.sub("\ufffd", text[: _MOST_SHOWN + 1])
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}…"
