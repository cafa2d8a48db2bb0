"""Numbers of list paragraphs and headings in a DOCX file, as Word shows them."""

import re
from typing import TYPE_CHECKING

from evaluation.files.docx_package import Styles, attribute, child, is_on, name_of

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

_LEVELS = 9
_ROMAN = (
    (1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"),
    (50, "l"), (40, "xl"), (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"),
)  # fmt: skip
_BULLET = "\u2022"


def _to_roman(number: int) -> str:
    text = ""
    for value, letters in _ROMAN:
        count, number = divmod(number, value)
        text += letters * min(count, 10)
    return text


def _to_letters(number: int) -> str:
    """Return a, b, …, z, aa, bb, … as Word does, which repeats the letter."""
    return chr(ord("a") + (number - 1) % 26) * min((number - 1) // 26 + 1, 10) if number > 0 else ""


def _to_ordinal(number: int) -> str:
    endings = {1: "st", 2: "nd", 3: "rd"}
    return f"{number}{'th' if number % 100 in {11, 12, 13} else endings.get(number % 10, 'th')}"


def format_number(number: int, kind: str) -> str:
    """Return a number in one of Word's formats. Unknown formats are decimal."""
    formats = {
        "lowerRoman": lambda: _to_roman(number),
        "upperRoman": lambda: _to_roman(number).upper(),
        "lowerLetter": lambda: _to_letters(number),
        "upperLetter": lambda: _to_letters(number).upper(),
        "decimalZero": lambda: f"{number:02d}",
        "ordinal": lambda: _to_ordinal(number),
        "none": lambda: "",
    }
    return formats.get(kind, lambda: str(number))()


class Numbering:
    """Counters of all lists in a document. Call `number_paragraph` once for each paragraph, in order."""

    def __init__(self, root: "Element | None", styles: Styles) -> None:
        self._styles = styles
        parts = list(root) if root is not None else []
        self._abstract = {attribute(one, "abstractNumId"): one for one in parts if name_of(one) == "w:abstractNum"}
        self._lists = {attribute(one, "numId"): one for one in parts if name_of(one) == "w:num"}
        self._counters: dict[str, list[int | None]] = {}
        self._started: set[str] = set()  # ids of lists whose own start numbers were applied

    def number_paragraph(self, paragraph: "Element") -> str:
        """Count a paragraph and return its number or bullet, or an empty string."""
        list_id, level = self._find_list(paragraph)
        numbered = self._lists.get(list_id)
        abstract_id = attribute(child(numbered, "w:abstractNumId")) if numbered is not None else None
        if numbered is None or abstract_id is None or not 0 <= level < _LEVELS:
            return ""
        definition = self._level(list_id, level)
        if definition is None:
            return ""
        counters = self._counters.setdefault(abstract_id, [None] * _LEVELS)
        if list_id not in self._started:
            self._started.add(list_id)
            self._apply_start_overrides(numbered, counters)
        self._count(list_id, counters, level)
        return self._format(list_id, definition, counters, level)

    def _find_list(self, paragraph: "Element") -> tuple[str, int]:
        """Return the id and the level of a paragraph's list, from the paragraph or its style."""
        properties = child(paragraph, "w:pPr", "w:numPr")
        list_id, level = attribute(child(properties, "w:numId")), attribute(child(properties, "w:ilvl"))
        style_id = attribute(child(paragraph, "w:pPr", "w:pStyle")) or self._styles.default_paragraph
        for one_id, style in self._styles.chain(style_id):
            properties = child(style, "w:pPr", "w:numPr")
            if properties is not None and list_id is None:
                list_id = attribute(child(properties, "w:numId"))
                level = level or attribute(child(properties, "w:ilvl")) or self._level_of_style(list_id, one_id)
        return list_id or "0", int(level) if level and level.isdigit() else 0

    def _level_of_style(self, list_id: str | None, style_id: str) -> str | None:
        for level in self._definition(list_id or ""):
            if name_of(level) == "w:lvl" and attribute(child(level, "w:pStyle")) == style_id:
                return attribute(level, "ilvl")
        return None

    def _definition(self, list_id: str) -> "list[Element]":
        """Return the levels of a list, which may be defined in a list style."""
        for _ in range(5):
            abstract = self._abstract.get(attribute(child(self._lists.get(list_id), "w:abstractNumId")))
            link = attribute(child(abstract, "w:numStyleLink"))
            if abstract is None or link is None:
                break
            linked = next((style for _, style in self._styles.chain(link)), None)
            list_id = attribute(child(linked, "w:pPr", "w:numPr", "w:numId")) or ""
        return list(abstract) if abstract is not None else []

    def _level(self, list_id: str, level: int) -> "Element | None":
        """Return the definition of a level, which the list itself may override."""
        overrides = [one for one in self._lists[list_id] if name_of(one) == "w:lvlOverride"]
        own = (child(one, "w:lvl") for one in overrides if attribute(one, "ilvl") == str(level))
        found = next((one for one in own if one is not None), None)
        if found is not None:
            return found
        levels = (one for one in self._definition(list_id) if name_of(one) == "w:lvl")
        return next((one for one in levels if attribute(one, "ilvl") == str(level)), None)

    @staticmethod
    def _apply_start_overrides(numbered: "Element", counters: list[int | None]) -> None:
        for override in numbered:
            start, level = attribute(child(override, "w:startOverride")), attribute(override, "ilvl")
            if start and level and start.isdigit() and level.isdigit() and int(level) < _LEVELS:
                counters[int(level)] = int(start) - 1

    def _count(self, list_id: str, counters: list[int | None], level: int) -> None:
        for above in range(level):
            if counters[above] is None:
                counters[above] = self._start(list_id, above)
        before = counters[level]
        counters[level] = self._start(list_id, level) if before is None else before + 1
        for below in range(level + 1, _LEVELS):
            definition = self._level(list_id, below)
            if attribute(child(definition, "w:lvlRestart")) != "0":
                counters[below] = None

    def _start(self, list_id: str, level: int) -> int:
        start = attribute(child(self._level(list_id, level), "w:start")) or "0"
        return int(start) if start.isdigit() else 0

    def _format(self, list_id: str, definition: "Element", counters: list[int | None], level: int) -> str:
        kind = attribute(child(definition, "w:numFmt")) or "decimal"
        pattern = attribute(child(definition, "w:lvlText")) or ""
        if kind == "bullet":
            return _BULLET if pattern else ""
        is_legal = is_on(child(definition, "w:isLgl"))

        def fill(found: re.Match[str]) -> str:
            index = int(found[1]) - 1
            own_kind = attribute(child(self._level(list_id, index), "w:numFmt")) or "decimal"
            return format_number(counters[index] or 0, "decimal" if is_legal else own_kind)

        return re.sub(r"%([1-9])", fill, pattern)
