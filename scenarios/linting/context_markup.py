"""Markup, tables, and lists on one line in an evaluator context, turned into one plain line for each item."""

import html
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from ai.bounded_patterns import BoundedPattern
from scenarios.linting.context_wording import SectionKind, classify_heading, is_negative_heading

_TAG = BoundedPattern(
    r"<(/?)(p|div|section|article|br|hr|ul|ol|li|h[1-6]|table|thead|tbody|tr|td|th|b|strong|em|i|u|s|span|font|a|code|"
    r"blockquote|html|body|dl|dt|dd|label|input)\b[^<>\n]{0,2000}+>",
    2,
)
_ENTITY = BoundedPattern(r"&(?:#\d{1,7}|#x[0-9a-f]{1,6}|[a-z]{2,8});", 2)
_INLINE_TAGS = frozenset({"b", "strong", "em", "i", "u", "s", "span", "font", "a", "code", "label", "input"})
_ROW = BoundedPattern(r"[ \t\u00a0]*+\|.*\|[ \t\u00a0]*+")
_RULE_CELL = BoundedPattern(r":?-{2,}+:?")
_COUNT_COLUMN = BoundedPattern(
    r"(?:#|no\.?|nr\.?|number|id|weight(?:ing)?s?|(?:max\w*\.? )?(?:points?|pts\.?|scores?|marks?)|%|met\??|not met|"
    r"yes|no|n/?a|yes/no|y/n|done|check|rating|\W*)",
    2,
)
_WEIGHT_COLUMN = BoundedPattern(r"\b(?:weight|points?|pts|scores?|marks?|%)", 2)
_NUMBER_IN_LINE = BoundedPattern(r"(?<![^\s:])\(?(\d{1,2})[.)]\s{1,3}(?=\S)")
_BULLET_IN_LINE = BoundedPattern(r"(?<![^\s:])([•●▪■◦○‣·☐☑✓✔✅❌►➢])\s{0,3}(?=\S)")
_HYPHEN_IN_LINE = BoundedPattern(r"(?<!\S)[-–*] (?=[A-Z])")
_LABEL_IN_LINE = BoundedPattern(r"(?<![^\s])(?<=[.;!?]\s|[.;!?]\s\s|\A)([A-Z][\w '’/()-]{2,50}):\s{1,3}(?=\S)")


@dataclass(frozen=True)
class PlainLine:
    """One line of text without markup."""

    number: int  # of the author's line, from 1
    text: str
    offsets: Sequence[int]  # place in the author's text of each character, and of the end

    def cut(self, start: int, end: int) -> "PlainLine":
        return PlainLine(self.number, self.text[start:end], self.offsets[start : end + 1])


def read_plain_lines(text: str) -> list[PlainLine]:
    """Return the lines of a text. HTML tags, rows of tables, and lists on one line become lines with list markers."""
    lines: list[PlainLine] = []
    reader = _HtmlReader() if _TAG.search(text) else None
    position = 0
    for number, raw in enumerate(text.splitlines(keepends=True), 1):
        body = raw.rstrip("\r\n\v\f\x1c\x1d\x1e\x85\u2028\u2029")
        line = PlainLine(number, body, range(position, position + len(body) + 1))
        lines += reader.read(line) if reader else [line]
        position += len(raw)
    lines = [_decode_entities(line) for line in lines]
    return [part for line in _read_tables(lines) for part in _split_list(line)]


@dataclass
class _Builder:
    """A plain line under construction."""

    number: int
    text: str = ""
    offsets: list[int] = field(default_factory=list)
    end: int = 0

    def add(self, text: str, offsets: Sequence[int]) -> None:
        """Add characters with their places. A marker that the author did not write gets the place of what follows."""
        self.text += text
        self.offsets += offsets[: len(text)] if len(offsets) > 1 else [offsets[0]] * len(text)
        self.end = offsets[len(text)] if len(offsets) > len(text) else offsets[-1]

    def build(self) -> PlainLine:
        return PlainLine(self.number, self.text, [*self.offsets, self.end])


class _HtmlReader:
    """Reader of lines with HTML tags. Lists stay open across lines."""

    def __init__(self) -> None:
        self._depth = 0
        self._is_row = False

    def read(self, line: PlainLine) -> list[PlainLine]:
        found, builder, position = [], _Builder(line.number), 0
        for tag in _TAG.finditer(line.text):
            builder.add(line.text[position : tag.start()], line.offsets[position : tag.start() + 1])
            position = tag.end()
            name, is_closing = tag[2].lower(), bool(tag[1])
            place = line.offsets[position : position + 1]
            if name in {"td", "th"}:
                builder.add("" if is_closing else " | ", place)
                self._is_row = True
            elif name in {"b", "strong"}:
                builder.add("**", place)
            elif name not in _INLINE_TAGS:
                found.append(self._finish(builder))
                builder = _Builder(line.number)
                self._open(name, is_closing, builder, place)
        builder.add(line.text[position:], line.offsets[position:])
        found.append(self._finish(builder))
        shown = [one for one in found if one.text.strip(" \t*-#")]
        return shown or [PlainLine(line.number, "", line.offsets[-1:])]

    def _open(self, name: str, is_closing: bool, builder: _Builder, place: Sequence[int]) -> None:
        if name in {"ul", "ol"}:
            self._depth = max(0, self._depth + (-1 if is_closing else 1))
        elif not is_closing and name in {"li", "dd"}:
            builder.add("  " * max(0, self._depth - 1) + "- ", place)
        elif not is_closing and name in {"h1", "h2", "h3", "h4", "h5", "h6"}:
            builder.add("#" * int(name[1]) + " ", place)

    def _finish(self, builder: _Builder) -> PlainLine:
        if self._is_row and builder.text.strip():
            builder.add(" |", [builder.end])
            self._is_row = False
        return builder.build()


def _decode_entities(line: PlainLine) -> PlainLine:
    found = _ENTITY.finditer(line.text)
    if not found:
        return line
    builder, position = _Builder(line.number), 0
    for entity in found:
        builder.add(line.text[position : entity.start()], line.offsets[position : entity.start() + 1])
        builder.add(html.unescape(entity[0]), line.offsets[entity.start() : entity.start() + 1])
        position = entity.end()
    builder.add(line.text[position:], line.offsets[position:])
    return builder.build()


# ---- Tables


def _read_tables(lines: Sequence[PlainLine]) -> Iterator[PlainLine]:
    """Yield the lines, with each row of a table as a list item below the heading of its column."""
    index = 0
    while index < len(lines):
        rows = _table_at(lines, index)
        if rows:
            yield from _read_table(rows)
            index += len(rows)
        else:
            yield lines[index]
            index += 1


def _table_at(lines: Sequence[PlainLine], first: int) -> list[list[PlainLine]]:
    """Return the cells of the table that begins at a line, by row, or [] if there is none."""
    for split in (_split_bars, _split_inner_bars, _split_tabs):
        if not _may_start_table(lines, first, split):
            continue
        rows: list[list[PlainLine]] = []
        while first + len(rows) < len(lines) and (cells := split(lines[first + len(rows)])):
            rows.append(cells)
        if len(rows) > 1:
            return rows
    return []


def _may_start_table(lines: Sequence[PlainLine], first: int, split: Callable[[PlainLine], list[PlainLine]]) -> bool:
    if split is _split_tabs:
        return _is_header(split(lines[first]))
    if split is _split_inner_bars:
        rule = split(lines[first + 1]) if first + 1 < len(lines) else []
        return bool(rule) and all(_RULE_CELL.fullmatch(cell.text) for cell in rule)
    return True


def _split_bars(line: PlainLine) -> list[PlainLine]:
    return _split_cells(line, "|")[1:-1] if _ROW.fullmatch(line.text) else []


def _split_inner_bars(line: PlainLine) -> list[PlainLine]:
    """Return the cells of a row without bars at its ends, as Markdown also allows."""
    return _split_cells(line, "|") if "|" in line.text else []


def _split_tabs(line: PlainLine) -> list[PlainLine]:
    cells = _split_cells(line, "\t")
    return cells if len(cells) > 1 and len(cells[0].text.strip()) > 1 else []


def _split_cells(line: PlainLine, separator: str) -> list[PlainLine]:
    cells, start = [], 0
    for text in line.text.split(separator):
        cells.append(_trim(line.cut(start, start + len(text))))
        start += len(text) + 1
    return cells


def _trim(line: PlainLine) -> PlainLine:
    start = len(line.text) - len(line.text.lstrip())
    return line.cut(start, max(start, len(line.text.rstrip())))


def _is_header(cells: Sequence[PlainLine]) -> bool:
    return any(_COUNT_COLUMN.fullmatch(cell.text.strip(" *")) for cell in cells) or all(
        classify_heading(cell.text) is not None for cell in cells
    )


def _read_table(rows: list[list[PlainLine]]) -> Iterator[PlainLine]:
    has_rule = all(_RULE_CELL.fullmatch(cell.text) for cell in rows[1])
    body = [row for row in rows if not all(_RULE_CELL.fullmatch(cell.text) or not cell.text for cell in row)]
    header = body[0] if body and (has_rule or _is_header(body[0])) else []
    body = body[1:] if header else body
    weights = {at for at, cell in enumerate(header) if _WEIGHT_COLUMN.search(cell.text)}
    counts = {at for at, cell in enumerate(header) if _COUNT_COLUMN.fullmatch(cell.text.strip(" *"))}
    columns = [at for at in range(max(map(len, rows))) if at not in counts]
    named = [at for at in columns if at < len(header)]
    kinds = [(classify_heading(header[at].text), is_negative_heading(header[at].text)) for at in named]
    if len(set(kinds)) > 1 and all(kind is not None for kind, _is_negative in kinds):
        for at in named:
            yield from _read_column(header[at], [row[at : at + 1] for row in body])
        return
    subject = header[named[0]] if named and kinds[0][0] not in {None, SectionKind.CRITERIA} else None
    yield from _read_column(
        subject,
        [[row[at] for at in columns if at < len(row)] for row in body],
        [
            [(header[at].text, row[at].text) for at in weights & counts if at < len(row) and row[at].text]
            for row in body
        ],
    )


def _read_column(
    heading: PlainLine | None, rows: list[list[PlainLine]], weights: list[list[tuple[str, str]]] | None = None
) -> Iterator[PlainLine]:
    """Yield the heading and one list item for each row. Weights and points stand in parentheses after it."""
    if heading:
        builder = _Builder(heading.number)
        builder.add(heading.text, heading.offsets)
        builder.add(":", heading.offsets[-1:])
        yield builder.build()
    for number, row in enumerate(rows):
        cells = [cell for cell in row if cell.text]
        if cells:
            builder = _Builder(cells[0].number)
            builder.add("- ", cells[0].offsets[:1])
            for index, cell in enumerate(cells):
                builder.add(": " if index else "", cell.offsets[:1])
                builder.add(cell.text, cell.offsets)
            for name, value in weights[number] if weights else []:
                builder.add(f" ({name.strip(' *').lower()}: {value})", [builder.end])
            yield builder.build()


# ---- Lists on one line


def _split_list(line: PlainLine) -> list[PlainLine]:
    """Return the items of a list that was written on one line, or the line itself."""
    starts = _item_starts(line.text)
    if not starts:
        return [line]
    bounds = sorted({0, *starts, len(line.text)})
    parts = [_trim(line.cut(start, end)) for start, end in zip(bounds, bounds[1:], strict=False)]
    return [part for part in parts if part.text]


def _item_starts(text: str) -> list[int]:
    """Return where the items begin: after numbers in order, the same bullet, hyphens, or known headings."""
    numbers: list[int] = []
    for found in _NUMBER_IN_LINE.finditer(text):
        if int(found[1]) == len(numbers) + 1:
            numbers.append(found.start())
    bullets = _BULLET_IN_LINE.finditer(text)
    same = [found.start() for found in bullets if found[1] == bullets[0][1] or found[1] in "✅❌✓☑☐"]
    hyphens = [found.start() for found in _HYPHEN_IN_LINE.finditer(text)]
    for starts, fewest in ((numbers, 2), (same, 2), (hyphens, 3)):
        if len(starts) >= fewest and _is_lead(text[: starts[0]]):
            return starts
    labels = [found for found in _LABEL_IN_LINE.finditer(text) if classify_heading(found[1]) is not None]
    return [found.start() for found in labels] if len(labels) > 1 and not labels[0].start() else []


def _is_lead(before: str) -> bool:
    return not before.strip() or before.rstrip().endswith(":")
