"""Conversion of values to CSV cells and back without loss."""

import re

from accounts.web.spreadsheets import escape_formula, unescape_formula
from accounts.web.visible_text import strip_blank
from scenarios.messages import Message, gettext_noop
from scenarios.packs.columns import ColumnType
from scenarios.packs.rows import PackValue, printable_excerpt

# Spreadsheet programs write true and false in the language of the computer.
_YES = (
    "true",
    "yes",
    "1",
    "y",
    "t",
    "x",
    "on",
    "✓",
    "✔",
    "☑",
    "1.0",
    "wahr",
    "ja",
    "verdadero",
    "sí",
    "si",
    "vrai",
    "oui",
    "vero",
    "sì",
    "verdadeiro",
    "sim",
    "waar",
)
_NO = (
    "false",
    "no",
    "0",
    "n",
    "f",
    "off",
    "✗",
    "✘",
    "☐",
    "0.0",
    "-",
    "falsch",
    "nein",
    "falso",
    "faux",
    "non",
    "não",
    "onwaar",
    "nee",
)
_BOOLEANS = dict.fromkeys(_YES, True) | dict.fromkeys(_NO, False)
# Spreadsheet programs add “.0”, and people add a unit.
_INTEGER = re.compile(r"([+-]?[0-9]{1,20})(?:[.,]0{1,2})?\s*(?:m|mins?|minutes?)?\.?", re.IGNORECASE)
NO_VALUE = {"", "null", "none", "n/a", "nil", "undefined"}  # what programs write for an empty cell
_NAME = re.compile(r'\s*+(?:"(?P<quoted>[^"]*+(?:""[^"]*+)*+)"[^\S\n]*+|(?P<plain>[^";\n][^;\n]*+)|)(?P<end>[;\n]|\Z)')


class InvalidCellError(ValueError):
    """A cell whose text is not valid for its column. `message` gives the reason."""

    def __init__(self, message: Message) -> None:
        super().__init__(str(message))
        self.message = message


def write_cell(value: PackValue) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    return escape_formula(value if isinstance(value, str) else "; ".join(map(_quote_name, value)))


def read_cell(kind: ColumnType, cell: str) -> PackValue | None:
    """Return the cell's value, or None if it is empty. Raise InvalidCellError."""
    if kind in {ColumnType.INTEGER, ColumnType.BOOLEAN}:
        plain = strip_blank(cell)
        if plain.lower() in NO_VALUE:
            return None
        return _parse_integer(plain) if kind is ColumnType.INTEGER else _parse_boolean(plain)
    text = unescape_formula(cell)
    return (_split_names(text.replace("\r\n", "\n")) if kind is ColumnType.NAMES else text) or None


def _parse_integer(text: str) -> int | None:
    found = _INTEGER.fullmatch(text)
    if text and not found:
        raise InvalidCellError(
            Message(
                gettext_noop("Enter a whole number, such as 15, instead of “%(found)s”."),
                {"found": printable_excerpt(text)},
            )
        )
    return int(found[1]) if found else None


def _parse_boolean(text: str) -> bool | None:
    if text and text.lower() not in _BOOLEANS:
        raise InvalidCellError(
            Message(
                gettext_noop("Enter true or false (or yes, no, 1, or 0) instead of “%(found)s”."),
                {"found": printable_excerpt(text)},
            )
        )
    return _BOOLEANS.get(text.lower())


def _split_names(text: str) -> list[str]:
    """Split names at semicolons and line breaks. A quoted name is taken literally; a doubled quote stands for one."""
    names = []
    position = 0
    while position < len(text):
        found = _NAME.match(text, position)
        if not found:
            raise InvalidCellError(
                Message(
                    gettext_noop(
                        "A quotation mark is not closed, or there is text after it: “%(found)s”. "
                        'Write a name that contains ; or " like this: "like ""this""".'
                    ),
                    {"found": printable_excerpt(text[position:].strip())},
                )
            )
        if found["quoted"] is not None:
            names.append(found["quoted"].replace('""', '"'))
        elif found["plain"]:
            names.append(found["plain"].strip())
        position = found.end()
    return names


def _quote_name(name: str) -> str:
    is_plain = name and name == name.strip() and not re.search(r'[";\n]', name)
    return name if is_plain else '"' + name.replace('"', '""') + '"'
