"""Fields of a DOCX file: those that have begun, and form fields of legacy forms."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from evaluation.files.docx_package import attribute, child, is_on, name_of
from evaluation.files.docx_symbols import CHECKED, UNCHECKED

if TYPE_CHECKING:
    from lxml.etree import _Element as Element


@dataclass
class Field:
    """A field that has begun but not ended."""

    code: str = ""
    has_result: bool = False


def read_form_field(element: "Element") -> str:
    """Return the state of a check box or a list in a legacy form. The result of a text field is ordinary text."""
    box = child(element, "w:ffData", "w:checkBox")
    if box is not None:
        checked = child(box, "w:checked")
        return CHECKED if is_on(checked if checked is not None else child(box, "w:default")) else UNCHECKED
    choices = child(element, "w:ffData", "w:ddList")
    if choices is None:
        return ""
    entries = [attribute(entry) or "" for entry in choices if name_of(entry) == "w:listEntry"]
    chosen = child(choices, "w:result")
    index = attribute(chosen if chosen is not None else child(choices, "w:default")) or "0"
    return entries[int(index)] if index.isdigit() and int(index) < len(entries) else ""
