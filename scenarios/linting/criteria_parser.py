"""Parser that finds the counselor's points in an evaluator context, shared by advice, previews, and grading."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from ai.bounded_patterns import BoundedPattern
from scenarios.linting import left_out_reasons as reasons
from scenarios.linting.context_lines import clean_text, read_lines
from scenarios.linting.context_sections import ContextNode, ContextSection, split_sections
from scenarios.linting.context_sentences import split_prose, split_subjects
from scenarios.linting.context_wording import (
    SectionKind,
    Wording,
    addresses_counselor,
    classify_heading,
    describes_state,
    is_clearly_not_criteria,
    is_generic_heading,
    is_negative_heading,
    judge_line,
    starts_with_action,
)
from scenarios.linting.passages import TextPassage, trim_passage
from scenarios.messages import Message

# Points in one grading. With the general rubric, the answer for 40 takes at most half of the largest token limit.
MAX_CRITERIA = 40
MAX_CRITERION_LENGTH = 1000  # characters of a criterion with its nested items
_LABEL = BoundedPattern(r"([A-Za-z][\w /&'’()-]{1,60}):\s+(?=\S)")


@dataclass(frozen=True)
class CriterionPoint:
    """One point to grade."""

    text: str  # with its nested items
    passage: TextPassage  # its first line, as written


@dataclass(frozen=True)
class LeftOutLine:
    """A line, or the rest of one, that is not graded."""

    text: str
    line: int  # from 1
    reason: Message


@dataclass(frozen=True)
class ParsedContext:
    """The points of an evaluator context in order, and every line that is not graded."""

    points: list[CriterionPoint] = field(default_factory=list)
    left_out: list[LeftOutLine] = field(default_factory=list)
    is_list: bool = False  # False if the points were taken from prose
    first_ignored: int | None = None  # position in the text of the first point past the limit
    repeated: list[TextPassage] = field(default_factory=list)  # points that repeat an earlier one, at most MAX_CRITERIA


def parse_evaluator_context(evaluator_context: str) -> ParsedContext:
    """Return the points to grade, and the lines left out with the reason. Headings count as neither.

    Nested items refine the point above them. The heading decides whether a section is graded. Below a heading that is
    not recognized, each line is judged by its wording.
    """
    lines = read_lines(evaluator_context)
    sections = split_sections(lines)
    has_items = any(section.has_items for section in sections)
    if not has_items and all(section.kind is None for section in sections):
        points, left_out = _parse_prose(evaluator_context, sections)
    else:
        has_criteria = any(section.kind is SectionKind.CRITERIA for section in sections)
        collector = _PointCollector(has_items, has_criteria, _has_facts(sections))
        for section in sections:
            collector.add_section(section)
        points, left_out = collector.points, collector.left_out
    points, repeated = _drop_repeated(points)
    left_out += [
        LeftOutLine(
            later.text, _line_of(evaluator_context, later), reasons.repeats(_line_of(evaluator_context, earlier))
        )
        for earlier, later in repeated
    ]
    left_out += [
        LeftOutLine(point.text, _line_of(evaluator_context, point), reasons.too_many(MAX_CRITERIA))
        for point in points[MAX_CRITERIA:]
    ]
    first_ignored = points[MAX_CRITERIA].passage.start if len(points) > MAX_CRITERIA else None
    left_out.sort(key=lambda one: one.line)
    passages = [later.passage for _earlier, later in repeated][:MAX_CRITERIA]
    return ParsedContext(points[:MAX_CRITERIA], left_out, has_items, first_ignored, passages)


def _drop_repeated(
    points: Sequence[CriterionPoint],
) -> tuple[list[CriterionPoint], list[tuple[CriterionPoint, CriterionPoint]]]:
    """Return the points without repetitions, and each repetition after the point that it repeats.

    A point that is written twice would count twice.
    """
    first: dict[str, CriterionPoint] = {}
    repeated = []
    for point in points:
        earlier = first.setdefault(" ".join(point.text.lower().rstrip(" .;,:").split()), point)
        if earlier is not point:
            repeated.append((earlier, point))
    return list(first.values()), repeated


def _has_facts(sections: Sequence[ContextSection]) -> bool:
    return any(
        section.kind is SectionKind.FACTS or any(judge_line(node.text) is Wording.FACT for node in section.nodes)
        for section in sections
    )


def _line_of(text: str, point: CriterionPoint) -> int:
    return len(text[: point.passage.start].splitlines()) or 1


def _parse_prose(text: str, sections: Sequence[ContextSection]) -> tuple[list[CriterionPoint], list[LeftOutLine]]:
    """Leave out what is worded as facts. If nothing is worded as an action, the whole text is one point."""
    units = [part for section in sections for unit in section.paragraphs for part in split_prose(unit)]
    wordings = [_judge_with_label(unit.text) for unit in units]
    if len(units) < 2 or Wording.ACTION not in wordings:
        whole, number = trim_passage(text, 0), units[0].line.number if units else 1
        shown = " ".join(unit.text for unit in units)
        return _fit(shown, whole, number) if shown else ([], [])
    points: list[CriterionPoint] = []
    left_out: list[LeftOutLine] = []
    for unit, wording in zip(units, wordings, strict=True):
        if wording is Wording.FACT:
            left_out.append(LeftOutLine(unit.text, unit.line.number, reasons.CALLER_FACT))
        else:
            taken, cut = _fit(_without_label(unit.text), unit.line.passage, unit.line.number)
            points += taken
            left_out += cut
    return points, left_out


def _without_label(text: str) -> str:
    """Remove a label that only says that the rest is graded: “What the counselor should do: …”."""
    label = _LABEL.match(text)
    is_plain = label is not None and is_generic_heading(label[1]) and not is_negative_heading(label[1])
    return text[label.end() :] if label and is_plain else text


def _judge_with_label(text: str) -> Wording:
    """Classify a line by its label, such as “Goals: …”, or else by its wording."""
    label = _LABEL.match(text)
    kind = classify_heading(label[1]) if label else None
    if kind is None:
        return judge_line(text)
    return Wording.ACTION if kind is SectionKind.CRITERIA else Wording.FACT


def _fit(text: str, passage: TextPassage, line: int) -> tuple[list[CriterionPoint], list[LeftOutLine]]:
    """Return the point, cut at a space if it is too long, and the rest as a line left out."""
    if len(text) <= MAX_CRITERION_LENGTH:
        return [CriterionPoint(text, passage)], []
    end = text.rfind(" ", 0, MAX_CRITERION_LENGTH + 1)
    end = end if end > 0 else MAX_CRITERION_LENGTH
    rest = LeftOutLine(text[end:].strip(), line, reasons.too_long(MAX_CRITERION_LENGTH))
    return [CriterionPoint(text[:end].strip(), passage)], [rest]


class _PointCollector:
    """Collector of points and left-out lines from a text with lists or recognized headings."""

    def __init__(self, has_items: bool, has_criteria: bool, has_facts: bool) -> None:
        self.points: list[CriterionPoint] = []
        self.left_out: list[LeftOutLine] = []
        self._has_items = has_items
        self._has_criteria = has_criteria
        self._has_facts = has_facts

    def add_section(self, section: ContextSection) -> None:
        for node in section.nodes:
            if node.line.marker:
                self._add_item(node, section)
                continue
            for part in split_subjects(node):
                self._add_paragraph(part, section)

    def _add_item(self, node: ContextNode, section: ContextSection) -> None:
        if reason := self._find_item_reason(node, section):
            self._leave_out(node, reason)
            # A point may be nested below a fact: “The counselor should ask where they are” below “He mentions pills”.
            for child in node.children:
                self._add_item(child, section)
            return
        self._take(node, section)

    def _find_item_reason(self, node: ContextNode, section: ContextSection) -> Message | None:
        """Return the reason to leave an item out, or None to grade it."""
        kind, heading, is_certain, text = section.kind, section.heading, section.is_certain, node.text
        if kind is None and (label := _LABEL.match(node.text)) and len(label[1].split()) <= 4:
            kind, heading = classify_heading(label[1]), label[1]
            kind = None if starts_with_action(label[1]) else kind
            if kind is SectionKind.FACTS and not is_clearly_not_criteria(label[1]):
                is_certain, text = False, node.text[label.end() :]
        if kind is SectionKind.CRITERIA:
            return None
        wording = judge_line(text)
        if kind is not None:
            is_taken = _is_duty(node, kind) or (not is_certain and wording is Wording.ACTION)
            return None if is_taken else reasons.of_section(kind, heading)
        is_state = self._has_facts and wording is Wording.UNCLEAR and describes_state(node.text)
        if wording is Wording.FACT or is_state:
            return reasons.CALLER_FACT
        is_action = wording is Wording.ACTION or any(judge_line(one.text) is Wording.ACTION for one in node.children)
        return None if is_action or not self._has_criteria else reasons.UNCLEAR

    def _add_paragraph(self, node: ContextNode, section: ContextSection) -> None:
        if reason := self._find_paragraph_reason(node, section):
            self._leave_out(node, reason)
        else:
            self._take(node, section)

    def _find_paragraph_reason(self, node: ContextNode, section: ContextSection) -> Message | None:
        wording = judge_line(node.text)
        if section.kind is SectionKind.CRITERIA:
            return reasons.OUTSIDE_LIST if section.has_items and wording is not Wording.ACTION else None
        if section.kind is not None:
            is_taken = _is_duty(node, section.kind) or (not section.is_certain and wording is Wording.ACTION)
            return None if is_taken else reasons.of_section(section.kind, section.heading)
        if addresses_counselor(node.text):
            return None
        label = _LABEL.match(node.text)
        kind = classify_heading(label[1]) if label else None
        if label and kind is SectionKind.CRITERIA:
            is_action = judge_line(node.text[label.end() :]) is Wording.ACTION
            return None if is_action or not self._has_items else reasons.OUTSIDE_LIST
        if label and kind is not None:
            return reasons.of_section(kind, label[1])
        if wording is Wording.FACT:
            return reasons.CALLER_FACT
        is_taken = wording is Wording.ACTION and not self._has_items
        return None if is_taken else reasons.OUTSIDE_LIST if self._has_items else reasons.UNCLEAR

    def _leave_out(self, node: ContextNode, reason: Message) -> None:
        self.left_out.append(LeftOutLine(node.text, node.line.number, reason))

    def _take(self, node: ContextNode, section: ContextSection) -> None:
        text, dropped = _compose(_prefix(node, section) + node.text, node.children)
        taken, cut = _fit(text, node.line.passage, node.line.number)
        self.points += taken
        self.left_out += cut
        for child in dropped:
            self._leave_out(child, reasons.too_long(MAX_CRITERION_LENGTH))


def _is_duty(node: ContextNode, kind: SectionKind) -> bool:
    return kind is SectionKind.FACTS and addresses_counselor(node.text)


def _prefix(node: ContextNode, section: ContextSection) -> str:
    """Return the heading if the item needs it. Without “Avoid”, for example, it would mean the opposite."""
    heading = clean_text(section.heading).rstrip(" :")
    if section.kind is not SectionKind.CRITERIA or not heading:
        return ""
    if is_negative_heading(heading):
        is_negative = is_negative_heading(node.text)
        return "" if is_negative else f"{heading}: "
    return f"{heading}: " if starts_with_action(heading) and judge_line(node.text) is Wording.UNCLEAR else ""


def _compose(text: str, children: Sequence[ContextNode]) -> tuple[str, list[ContextNode]]:
    """Return the point with the nested items that fit, and the items that do not fit."""
    kept: list[ContextNode] = []
    dropped: list[ContextNode] = []
    length = len(text)
    for child in _flatten(children):
        length += len(child.text) + 2
        (dropped if length > MAX_CRITERION_LENGTH or dropped else kept).append(child)
    if not kept:
        return text, dropped
    details = "; ".join(child.text.rstrip(" ;,.:") for child in kept)
    return f"{text.rstrip(' :;,.')}: {details}", dropped


def _flatten(nodes: Iterable[ContextNode]) -> Iterator[ContextNode]:
    for node in nodes:
        yield node
        yield from _flatten(node.children)
