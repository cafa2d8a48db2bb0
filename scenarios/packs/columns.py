"""Columns of a pack: names, alternative spellings, and types."""

import difflib
import re
from enum import Enum, auto

from accounts.web.visible_text import remove_unseen
from scenarios.messages import Message, gettext_noop
from scenarios.packs.rows import PackValue, printable_excerpt

MAX_UNKNOWN_COLUMNS = 100  # no pack has this many, but other kinds of files do
_MIN_SIMILARITY = 0.8  # an unknown name this similar to a column counts as a misspelling of it


class ColumnType(Enum):
    TEXT = auto()
    INTEGER = auto()
    BOOLEAN = auto()
    NAMES = auto()


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

_PARENTHESES = re.compile(r"\([^()]*+\)")
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def _normalize_column(name: str) -> str:
    """Return a form that is equal for `evaluatorContext`, `“Evaluator context”`, and `Evaluator context* (notes)`."""
    plain = _PARENTHESES.sub("", remove_unseen(name))
    return re.sub(r"[\s_“”„'\"-]+", "", plain).strip("*?:").lower()


# Account columns in files from other systems. They hold a number, an id, or a name.
_ACCOUNT_NAMES = ("account_id", "account_number", "account_no", "account_name")
_CANONICAL = {_normalize_column(name): name for name in COLUMNS} | {
    _normalize_column(name): "account" for name in _ACCOUNT_NAMES
}


def canonical_column(name: str) -> str:
    """Return our name for the column, or "" if it is unknown."""
    return _CANONICAL.get(_normalize_column(name), "")


class TooManyUnknownColumnsError(Exception):
    """More unknown column names than any pack would have. The reader adds the position."""

    message = Message(
        gettext_noop("The file has more than %(most)s unknown columns. Is it really a scenario pack?"),
        {"most": MAX_UNKNOWN_COLUMNS},
    )

    def __str__(self) -> str:
        return str(self.message)


class UnknownColumns:
    """Unknown column names found by a reader, each matched only once."""

    def __init__(self) -> None:
        self._intended: dict[str, str] = {}

    @property
    def ignored_columns(self) -> set[str]:
        return {name for name, intended in self._intended.items() if not intended}

    def ignore(self, name: str) -> None:
        self._record(printable_excerpt(name), "")

    def closest_column(self, name: str) -> str:
        """Return the column that an unknown name probably misspells, or "" if the name should be ignored."""
        name = printable_excerpt(name)
        if name not in self._intended:
            near = difflib.get_close_matches(_normalize_column(name), _CANONICAL, 1, _MIN_SIMILARITY)
            self._record(name, _CANONICAL[near[0]] if near else "")
        return self._intended[name]

    def _record(self, name: str, intended: str) -> None:
        self._intended[name] = intended
        if len(self._intended) > MAX_UNKNOWN_COLUMNS:
            raise TooManyUnknownColumnsError


def misspelling_message(name: str, intended: str) -> Message:
    return Message(
        gettext_noop("There is no column “%(name)s”. Did you mean “%(meant)s”?"),
        {"name": printable_excerpt(name), "meant": intended},
    )


def describe_unstorable_text(text: str) -> Message | None:
    """Return the reason that a row may not contain this text, or None if it may."""
    found = _UNSTORABLE.search(text)
    if not found:
        return None
    if found[0] == "\0":
        return Message(gettext_noop("The text contains a NUL character, which can’t be stored. Remove it."))
    return Message(
        gettext_noop("The text contains an incomplete character (%(character)s), which can’t be stored. Remove it."),
        {"character": f"\\u{ord(found[0]):04x}"},
    )


def normalize_value(name: str, value: PackValue) -> PackValue:
    """Return the value as stored: LF line endings, and titles without surrounding whitespace."""
    if isinstance(value, list):
        return [one.replace("\r\n", "\n") for one in value]
    if not isinstance(value, str):
        return value
    text = value.replace("\r\n", "\n")
    return text.strip() if name == "title" else text
