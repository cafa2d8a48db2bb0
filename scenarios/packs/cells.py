"""What stands in one cell of a CSV pack: the same value goes in and comes out."""

import re

from scenarios.packs.columns import Kind
from scenarios.packs.rows import PackValue, shown

# A spreadsheet runs text that begins so. Quotes in front count as well, so that '= itself is guarded and comes back.
_RUNS = re.compile(r"'*[=+\-@\t\r]")
_BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_INTEGER = re.compile(r"[+-]?[0-9]{1,20}")
_NAME = re.compile(r'\s*+(?:"(?P<quoted>[^"]*+(?:""[^"]*+)*+)"[^\S\n]*+|(?P<plain>[^";\n][^;\n]*+)|)(?P<end>[;\n]|\Z)')


def guarded(text: str) -> str:
    """Text that a spreadsheet shows and does not run."""
    return f"'{text}" if _RUNS.match(text) else text


def unguarded(text: str) -> str:
    return text[1:] if text.startswith("'") and _RUNS.match(text) else text


def write_cell(value: PackValue) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    return guarded(value if isinstance(value, str) else "; ".join(map(_written_name, value)))


def read_cell(kind: Kind, cell: str) -> PackValue | None:
    """What a cell says, None where it says nothing. Raises ValueError with what is wrong in words for people."""
    if kind is Kind.INTEGER:
        return _integer(cell.strip())
    if kind is Kind.BOOLEAN:
        return _boolean(cell.strip())
    text = unguarded(cell)
    return (_names(text.replace("\r\n", "\n")) if kind is Kind.NAMES else text) or None


def _integer(text: str) -> int | None:
    if text and not _INTEGER.fullmatch(text):
        raise ValueError(f"This must be {Kind.INTEGER.value}, not “{shown(text)}”.")
    return int(text) if text else None


def _boolean(text: str) -> bool | None:
    if text and text.lower() not in _BOOLEANS:
        raise ValueError(f"This must be {Kind.BOOLEAN.value} (or yes, no, 1, 0), not “{shown(text)}”.")
    return _BOOLEANS.get(text.lower())


def _names(text: str) -> list[str]:
    """Names between semicolons or line breaks; one in quotes is taken as it stands, its quotes doubled."""
    names = []
    position = 0
    while position < len(text):
        found = _NAME.match(text, position)
        if not found:
            raise ValueError(
                f"A quote is not closed or text follows it: “{shown(text[position:].strip())}”. "
                'A name that holds ; or " is written "like ""this""".'
            )
        if found["quoted"] is not None:
            names.append(found["quoted"].replace('""', '"'))
        elif found["plain"]:
            names.append(found["plain"].strip())
        position = found.end()
    return names


def _written_name(name: str) -> str:
    is_plain = name and name == name.strip() and not re.search(r'[";\n]', name)
    return name if is_plain else '"' + name.replace('"', '""') + '"'
