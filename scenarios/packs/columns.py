"""The columns of a pack: their names, how else they may be spelled, and what they hold."""

import difflib
import re
from enum import Enum

from scenarios.packs.rows import PackValue, shown

MOST_UNKNOWN = 100
_NEAR = 0.8


class Kind(Enum):
    TEXT = "text"
    INTEGER = "a whole number such as 15"
    BOOLEAN = "true or false"
    NAMES = "a list of names"


COLUMNS = {
    "title": Kind.TEXT,
    "prompt": Kind.TEXT,
    "description": Kind.TEXT,
    "content_notes": Kind.TEXT,
    "evaluator_context": Kind.TEXT,
    "mode": Kind.TEXT,
    "category": Kind.TEXT,
    "difficulty": Kind.TEXT,
    "estimated_minutes": Kind.INTEGER,
    "skills": Kind.NAMES,
    "account": Kind.TEXT,
    "opens": Kind.TEXT,
    "patience": Kind.TEXT,
    "relevant_policy_sections": Kind.TEXT,
    "is_one_time": Kind.BOOLEAN,
    "is_active": Kind.BOOLEAN,
}
REQUIRED = ("title", "prompt")

_NO_PART_OF_A_TEXT = re.compile("[\0\ud800-\udfff]")


def _squashed(name: str) -> str:
    """`evaluatorContext`, `Evaluator context` and `evaluator-context` are one name."""
    return re.sub(r"[\s_-]+", "", name).lower()


_CANONICAL = {_squashed(name): name for name in COLUMNS}


def canonical(name: str) -> str:
    """Our name of the column that is called so, or an empty text."""
    return _CANONICAL.get(_squashed(name), "")


class TooManyUnknown(Exception):
    """More names that mean nothing here than any pack has; whoever reads knows where."""

    def __str__(self) -> str:
        return f"The file names more than {MOST_UNKNOWN} columns that a pack does not have. Is it another kind of file?"


class Notes:
    """What a reader tells beside the rows: the names it did not know, each judged once."""

    def __init__(self) -> None:
        self._meant: dict[str, str] = {}

    @property
    def ignored_columns(self) -> set[str]:
        return {name for name, meant in self._meant.items() if not meant}

    def ignore(self, name: str) -> None:
        self._keep(shown(name), "")

    def meant_by(self, name: str) -> str:
        """The column that an unknown name seems to misspell; empty where it resembles none and is ignored."""
        name = shown(name)
        if name not in self._meant:
            near = difflib.get_close_matches(_squashed(name), _CANONICAL, 1, _NEAR)
            self._keep(name, _CANONICAL[near[0]] if near else "")
        return self._meant[name]

    def _keep(self, name: str, meant: str) -> None:
        self._meant[name] = meant
        if len(self._meant) > MOST_UNKNOWN:
            raise TooManyUnknown


def misspelt(name: str, meant: str) -> str:
    return f"There is no column “{shown(name)}”. Did you mean “{meant}”?"


def text_problem(text: str) -> str:
    """Why no part of a row may hold this text; empty when it may."""
    found = _NO_PART_OF_A_TEXT.search(text)
    if not found:
        return ""
    what = "a NUL character" if found[0] == "\0" else f"half of a character (\\u{ord(found[0]):04x})"
    return f"The text holds {what}, which cannot be stored. Remove it."


def tidied(name: str, value: PackValue) -> PackValue:
    """A value as it is kept: line breaks are LF, and a title has no space around it."""
    if isinstance(value, list):
        return [one.replace("\r\n", "\n") for one in value]
    if not isinstance(value, str):
        return value
    text = value.replace("\r\n", "\n")
    return text.strip() if name == "title" else text
