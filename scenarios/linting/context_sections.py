"""Sections of an evaluator context: headings in common forms, with the nested items and paragraphs below them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from ai.bounded_patterns import BoundedPattern
from scenarios.linting.context_lines import (
    CAPITALS_LEVEL,
    LINE_LEVEL,
    MAX_HEADING_LENGTH,
    ContextLine,
    clean_text,
)
from scenarios.linting.context_wording import (
    SectionKind,
    Wording,
    classify_heading,
    is_clearly_not_criteria,
    is_generic_heading,
    is_heading_phrase,
    is_negative_heading,
    judge_line,
    starts_with_label,
)

_RANKS = {
    "roman": -1,
    "number": 0,
    "letter": 1,
    "bullet": 1,
    "lower": 2,
    "square": 3,
}  # usual order of markers in one list
_NESTED_INDENT = 2  # columns; one column is a slip
_WRAPPED_LENGTH = 60  # characters; a shorter line was ended by its author, not wrapped
_LABEL_WITH_VALUE = BoundedPattern(r"(?!(?:part|section|step|phase)\s+\w+\s*:)[^:]{2,60}:\s+\S", re.IGNORECASE)


@dataclass
class ContextNode:
    """A list item with its nested items, or a paragraph."""

    line: ContextLine  # the first line
    text: str  # with its continuation lines
    children: list["ContextNode"] = field(default_factory=list)


@dataclass
class ContextSection:
    """A heading and everything up to the next one."""

    kind: SectionKind | None  # None if the heading is not recognized
    heading: str = ""
    line: ContextLine | None = None  # of the heading
    level: int = 0
    is_certain: bool = True  # False for headings such as “Family” or “Risk”, which may have counselor actions below
    nodes: list[ContextNode] = field(default_factory=list)

    @property
    def has_items(self) -> bool:
        return any(node.line.marker for node in self.nodes)

    @property
    def paragraphs(self) -> list[ContextNode]:
        return [node for node in self.nodes if not node.line.marker]


def split_sections(lines: Sequence[ContextLine]) -> list[ContextSection]:
    """Return the sections in order. The first has no heading."""
    reader = _SectionReader(lines)
    for index in range(len(lines)):
        reader.read(index)
    _restore_bare_headings(reader.sections)
    return reader.sections


def _restore_bare_headings(sections: list[ContextSection]) -> None:
    """Turn headings with nothing below them back into lines, so that none of the author's lines is lost.

    “Goals” or “Background” alone says nothing and may be dropped.
    """
    for before, section, after in zip(sections[:-1], sections[1:], [*sections[2:], None], strict=False):
        is_outer = after is not None and after.level > section.level
        is_known = is_generic_heading(section.heading) or is_clearly_not_criteria(section.heading)
        if section.line and not section.nodes and not is_outer and not is_known:
            before.nodes.append(ContextNode(section.line, section.heading))


def _marker_of(section: ContextSection) -> str:
    return section.line.marker if section.line else ""


class _SectionReader:
    """State of a line-by-line reading of a text."""

    def __init__(self, lines: Sequence[ContextLine]) -> None:
        self._lines = lines
        self._outer: list[ContextSection] = []  # enclosing headings, outermost first
        self._open_items: list[ContextNode] = []  # the latest item and those above it
        self._last_number = max((index for index, line in enumerate(lines) if line.marker == "number"), default=-1)
        self.sections = [ContextSection(None)]

    def read(self, index: int) -> None:
        line = self._lines[index]
        level = self._heading_level(index)
        if level and self._has_content(index, level):
            self._open_section(index, level)
        elif line.marker and not (line.level and not level):
            if self._find_sibling(line):
                self._leave_section(line)
            self._add_item(line, index)
        elif self._continues(index):
            node = self._latest_node()
            node.text = f"{node.text} {line.text}"
        else:
            self._open_items = []
            self.sections[-1].nodes.append(ContextNode(line, line.text))

    # ---- Headings

    def _heading_level(self, index: int) -> int:
        """Return the level of the line if it is a heading, or else 0."""
        line = self._lines[index]
        following = self._lines[index + 1] if index + 1 < len(self._lines) else None
        if line.marker and line.level in {0, CAPITALS_LEVEL}:
            is_heading = following and (self._is_item_heading(line, following) or self._is_topic(line, following))
            return LINE_LEVEL if is_heading else 0
        if line.level:
            return line.level
        if following is None or len(line.text) > MAX_HEADING_LENGTH or self._is_wrapped(index):
            return 0
        if _LABEL_WITH_VALUE.match(line.text):
            return 0
        if is_heading_phrase(line.text):
            return LINE_LEVEL
        if following.marker and line.text[-1] in ".?" and is_heading_phrase(line.text.rstrip(".? ")):
            return LINE_LEVEL
        after_next = self._lines[index + 2] if index + 2 < len(self._lines) else None
        is_next_heading = after_next is not None and self._is_item_heading(following, after_next)
        has_list = bool(following.marker) and not following.level and not is_next_heading
        return LINE_LEVEL if has_list and line.text[-1] not in ".!?;," else 0

    def _is_item_heading(self, line: ContextLine, following: ContextLine) -> bool:
        """Return True for “1. Presenting problem” above other items or prose, and False for “1. Suicide assessment”."""
        if following.marker == line.marker and following.depth <= line.depth:
            is_nested = following.indent - line.indent >= _NESTED_INDENT
            if not is_nested:
                return False
        kind = classify_heading(line.text)
        is_named = is_heading_phrase(line.text) or (kind is not None and line.text.endswith(":"))
        is_plain = is_generic_heading(line.text) if kind is SectionKind.CRITERIA else is_clearly_not_criteria(line.text)
        section = self.sections[-1]
        is_new_level = section.kind is not SectionKind.CRITERIA or not self._open_items
        return is_named and is_plain and (is_new_level or _marker_of(section) == line.marker)

    def _find_sibling(self, line: ContextLine) -> ContextSection | None:
        """Return the enclosing section with the same kind of number as this line, unless it holds criteria.

        “2. Asks about suicide” does not belong to “1. Background”.
        """
        siblings = (
            section
            for section in self._outer
            if section.line and section.line.marker == line.marker in {"number", "roman", "letter"}
            if section.line.depth == line.depth and abs(section.line.indent - line.indent) < _NESTED_INDENT
        )
        found = next(siblings, None)
        return found if found and found.kind is not SectionKind.CRITERIA else None

    def _is_topic(self, line: ContextLine, following: ContextLine) -> bool:
        """Return True for “2. Rapport” above other items, after “1. Background” with items of its own."""
        is_nested = following.marker and (
            following.marker != line.marker
            or following.depth > line.depth
            or following.indent - line.indent >= _NESTED_INDENT
        )
        is_short = " " not in line.text  # one word, such as “Closing”, is a topic
        is_action = judge_line(line.text) is Wording.ACTION and not is_short
        return bool(is_nested and not is_action and self._find_sibling(line))

    def _leave_section(self, line: ContextLine) -> None:
        """Close the section of the sibling heading. What follows has no heading."""
        sibling = self._find_sibling(line)
        while self._outer and self._outer.pop() is not sibling:
            pass
        self.sections.append(ContextSection(None))
        self._open_items = []

    def _has_content(self, index: int, level: int) -> bool:
        """Return False for a point in bold or capitals, which looks like a heading but has nothing below it."""
        line = self._lines[index]
        if classify_heading(line.text) is not None and judge_line(line.text) is not Wording.ACTION:
            return True
        following = self._lines[index + 1] if index + 1 < len(self._lines) else None
        if following is None:
            return False
        next_level = following.level if not following.marker else 0
        return not next_level or next_level > level

    def _open_section(self, index: int, level: int) -> None:
        line = self._lines[index]
        while self._outer and self._outer[-1].level >= level:
            self._outer.pop()
        kind = classify_heading(line.text)
        if self._is_title(index) and kind is not SectionKind.CRITERIA:
            kind = None
        is_certain = kind is not SectionKind.FACTS or is_clearly_not_criteria(line.text)
        if self._outer and (kind is None or (self._outer[-1].kind is kind and self._outer[-1].is_certain)):
            kind, is_certain = self._outer[-1].kind, self._outer[-1].is_certain
        section = ContextSection(kind, clean_text(line.text), line, level, is_certain)
        self._outer.append(section)
        self.sections.append(section)
        self._open_items = []

    def _is_title(self, index: int) -> bool:
        """Return True for a first heading directly above another one, such as “Scenario 12”."""
        is_first = len(self.sections) == 1 and not self.sections[0].nodes
        following = self._lines[index + 1] if index + 1 < len(self._lines) else None
        return is_first and following is not None and 0 < self._lines[index].level < following.level

    # ---- Items and paragraphs

    def _add_item(self, line: ContextLine, index: int) -> None:
        is_negated = line.is_negative and not is_negative_heading(line.text)
        node = ContextNode(line, f"Do not: {line.text}" if is_negated else line.text)
        while self._open_items and not self._is_nested(line, self._open_items[-1].line, index):
            self._open_items.pop()
        siblings = self._open_items[-1].children if self._open_items else self.sections[-1].nodes
        siblings.append(node)
        self._open_items.append(node)

    def _is_nested(self, line: ContextLine, above: ContextLine, index: int) -> bool:
        """Return True if the item belongs below `above`, by its number, its indent, or its kind of marker."""
        if line.marker == above.marker == "number" and line.depth != above.depth:
            return line.depth > above.depth
        shift = line.indent - above.indent
        if abs(shift) >= _NESTED_INDENT:
            return shift > 0
        if _RANKS[line.marker] <= _RANKS[above.marker]:
            return False
        # A list after a numbered item is nested if it follows immediately, or if the numbering continues after it.
        return not line.is_after_blank or index < self._last_number

    def _latest_node(self) -> ContextNode:
        return self._open_items[-1] if self._open_items else self.sections[-1].nodes[-1]

    def _continues(self, index: int) -> bool:
        """Return True if a plain line continues the item or paragraph before it."""
        return bool(self.sections[-1].nodes) and self._is_wrapped(index)

    def _is_wrapped(self, index: int) -> bool:
        line, previous = self._lines[index], self._lines[index - 1] if index else None
        if previous is None or not self.sections[-1].nodes:
            return False
        if line.is_after_blank:
            return bool(self._open_items) and line.indent - self._open_items[-1].line.indent >= _NESTED_INDENT
        if previous.marker and line.indent - previous.indent >= _NESTED_INDENT:
            return True
        text = line.words
        if starts_with_label(line.text):
            return False
        if text[0].islower() or previous.text[-1] in ",–—-(&":
            return True
        is_ended = previous.text[-1] in ".!?;:"
        return not is_ended and len(previous.words) >= _WRAPPED_LENGTH and not is_heading_phrase(line.text)
