"""CSV cells that no spreadsheet program runs as formulas. Imports no Django, so packs can use it."""

import csv
import re
from collections.abc import Iterable, Sequence
from typing import TextIO

from accounts.web.visible_text import UNSEEN

# A program that uses a different separator than ours may start a cell in the middle of a text: after a comma, a
# semicolon, a tab, a vertical bar, or a line break. It ignores spaces, invisible characters, and quotation marks before
# the sign, and some read full-width signs as well. Apostrophes before the sign count as part of it, so that unescaping
# exactly reverses escaping.
_IGNORED = rf'(?:[^\S\t\r\n]|[{UNSEEN}"])*+'
_STARTS = rf"(?:\A|(?<=[,;\t\r\n|])){_IGNORED}"
_SIGNS = r"[=+\-@\uff1d\uff0b\uff0d\uff20]"
_UNESCAPED = re.compile(rf"({_STARTS})(?='*{_SIGNS})|\A(?='*[\t\r])")
_ESCAPED = re.compile(rf"({_STARTS})'(?='*{_SIGNS})|\A'(?='*[\t\r])")


def escape_formula(text: str) -> str:
    """Return the text with an apostrophe before each sign that would begin a formula."""
    return _UNESCAPED.sub(r"\1'", text)


def unescape_formula(text: str) -> str:
    return _ESCAPED.sub(r"\1", text)


def write_safe_rows(rows: Iterable[Sequence[object]], out: TextIO) -> None:
    """Write rows with formulas escaped and every cell quoted."""
    sheet = csv.writer(out, quoting=csv.QUOTE_ALL)
    for row in rows:
        sheet.writerow([escape_formula(cell) if isinstance(cell, str) else cell for cell in row])
