"""Formulas of a DOCX file as text."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from evaluation.files.docx_package import REMOVED, attribute, child, name_of

if TYPE_CHECKING:
    from lxml.etree import _Element as Element


def read_math(element: "Element") -> str:
    """Return a formula in one line, such as `(a+b)/2`."""
    joined: dict[str, Callable[[list[str]], str]] = {
        "m:f": lambda parts: "/".join(part if len(part) < 2 or part.isalnum() else f"({part})" for part in parts),
        "m:sSup": "^".join,
        "m:sSub": "_".join,
        "m:rad": lambda parts: "\u221a(" + parts[-1] + ")" if parts else "",
    }
    name = name_of(element)
    if name == "m:t" or name == "w:t":
        return element.text or ""
    if name in REMOVED:
        return ""
    if name == "m:d":
        marks = {key: attribute(child(element, "m:dPr", f"m:{key}Chr")) for key in ("beg", "sep", "end")}
        begin, between, end = (
            usual if mark is None else mark for usual, mark in zip("(|)", marks.values(), strict=True)
        )
        return begin + between.join(read_math(part) for part in element if name_of(part) == "m:e") + end
    if name == "m:nary":
        return (attribute(child(element, "m:naryPr", "m:chr")) or "\u222b") + "".join(_read_each(element))
    parts = [text for text in _read_each(element) if text]
    return joined.get(name, "".join)(parts)


def _read_each(element: "Iterable[Element]") -> list[str]:
    return [read_math(part) for part in element]
