"""Columns of a pack: names, alternative spellings, and types."""

import difflib
import re
from enum import Enum

from scenarios.packs.rows import PackValue, printable_excerpt

MAX_UNKNOWN_COLUMNS = 100  # a pack never has so many; another kind of file does
_NEAR = 0.8  # similarity from which an unknown name counts as misspelled


class ColumnType(Enum):
    TEXT = "text"
    INTEGER = "a whole number such as 15"
    BOOLEAN = "true or false"
    NAMES = "a list of names"


COLUMNS = {
    "title": ColumnType.TEXT,
    "prompt": ColumnType.TEXT,
    "description": ColumnType.TEXT,
    "content_notes": ColumnType.TEXT,
    "evaluator_context": ColumnType.TEXT,
    "mode": ColumnType.TEXT,
    "category": ColumnType.TEXT,
    "difficulty": ColumnType.TEXT,
    "estimated_minutes": ColumnType.INTEGER,
    "skills": ColumnType.NAMES,
    "account": ColumnType.TEXT,
    "opens": ColumnType.TEXT,
    "patience": ColumnType.TEXT,
    "relevant_policy_sections": ColumnType.TEXT,
    "is_one_time": ColumnType.BOOLEAN,
    "is_active": ColumnType.BOOLEAN,
}
REQUIRED_COLUMNS = ("title", "prompt")

_NO_PART_OF_A_TEXT = re.compile("[\0\ud800-\udfff]")


def _squashed(name: str) -> str:
    """Return a form that is equal for `evaluatorContext`, `Evaluator context`, and `evaluator-context`."""
    return re.sub(r"[\s_-]+", "", name).lower()


_CANONICAL = {_squashed(name): name for name in COLUMNS}


def canonical_column(name: str) -> str:
    """Return our name for the column, or "" if it is unknown."""
    return _CANONICAL.get(_squashed(name), "")


class TooManyUnknownColumnsError(Exception):
    """More unknown column names than any pack has. The reader adds the position."""

    def __str__(self) -> str:
        return (
            f"The file names more than {MAX_UNKNOWN_COLUMNS} columns that a pack does not have. "
            "Is it another kind of file?"
        )


class UnknownColumns:
    """Unknown column names found by a reader, each matched only once."""

    def __init__(self) -> None:
        self._meant: dict[str, str] = {}

    @property
    def ignored_columns(self) -> set[str]:
        return {name for name, meant in self._meant.items() if not meant}

    def ignore(self, name: str) -> None:
        self._keep(printable_excerpt(name), "")

    def closest_column(self, name: str) -> str:
        """Return the column that an unknown name probably misspells, or "" if the name is to be ignored."""
        name = printable_excerpt(name)
        if name not in self._meant:
            near = difflib.get_close_matches(_squashed(name), _CANONICAL, 1, _NEAR)
            self._keep(name, _CANONICAL[near[0]] if near else "")
        return self._meant[name]

    def _keep(self, name: str, meant: str) -> None:
        self._meant[name] = meant
        if len(self._meant) > MAX_UNKNOWN_COLUMNS:
            raise TooManyUnknownColumnsError


def misspelling_message(name: str, meant: str) -> str:
    return f"There is no column “{printable_excerpt(name)}”. Did you mean “{meant}”?"


def describe_unstorable_text(text: str) -> str:
    """Return the reason that a row may not contain this text, or "" if it may."""
    found = _NO_PART_OF_A_TEXT.search(text)
    if not found:
        return ""
    what = "a NUL character" if found[0] == "\0" else f"half of a character (\\u{ord(found[0]):04x})"
    return f"The text holds {what}, which cannot be stored. Remove it."


def normalize_value(name: str, value: PackValue) -> PackValue:
    """Return the value as stored: LF line ends, and titles without surrounding whitespace."""
    if isinstance(value, list):
        return [one.replace("\r\n", "\n") for one in value]
    if not isinstance(value, str):
        return value
    text = value.replace("\r\n", "\n")
    return text.strip() if name == "title" else text
