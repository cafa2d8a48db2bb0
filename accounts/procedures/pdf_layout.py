"""Reading order of the words of a PDF page: rows, columns, and tables.

Runs in the sandbox of `pdf_sandbox.py` and imports nothing from the project but its siblings there.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from accounts.procedures.pdf_words import Row, Word, direction_of, group_rows, to_logical_order

COLUMN_GAP = "   "  # between cells of one row; tables of contents are recognized by it
_MIN_GUTTER = 0.9  # gap between two columns, in letter heights
_MIN_NARROW_GUTTER = 0.5  # the same in rows that reach a gutter found in others; spaces between words are narrower
_MIN_COLUMN_ROWS = 3  # fewer rows side by side are just lines with gaps
_DENSE_BLOCK_ROWS = 5  # rows between gaps; smaller blocks are rows of a table


Rule = tuple[float, float, float]  # a straight line: its two ends, and its position on the other axis


@dataclass(frozen=True)
class Rules:
    """Lines drawn on a page, such as those of tables."""

    horizontal: Sequence[Rule] = ()  # left, right, height
    vertical: Sequence[Rule] = ()  # bottom, top, x

    def cross(self, region: list[Row], x: float) -> list[float]:
        """Return the heights of lines between two rows of the region that cross its gutter."""
        top, bottom = region[0][0].center, region[-1][0].center
        crossing = (rule for rule in self.horizontal if rule[0] < x - 15.0 and rule[1] > x + 15.0)
        return [height for _, _, height in crossing if bottom < height < top]

    def divide(self, left: Word, right: Word) -> bool:
        """Return True if a vertical line separates two words of a row."""
        return any(
            bottom < left.center < top and left.x1 - 1.0 <= x <= right.x0 + 1.0 for bottom, top, x in self.vertical
        )


_NO_RULES = Rules()


def read_lines(words: Sequence[Word], rules: Rules = _NO_RULES) -> list[str]:
    """Return the lines of a page in reading order: columns one after the other, tables row by row."""
    rows = group_rows(words)
    if not rows:
        return []
    columns = _find_columns(rows, rules)
    if columns is None:
        return [_join_row(row) for row in rows]
    above, region, below = rows[: columns.first], rows[columns.first : columns.end], rows[columns.end :]
    left, right = _split_rows(region, columns.x)
    lines = [*read_lines(_flatten(above), rules)]
    if columns.is_table:
        lines += _read_table(region, columns.x, rules)
    else:
        lines += [*read_lines(left, rules), *read_lines(right, rules)]
    return [*lines, *read_lines(_flatten(below), rules)]


def join_hyphenated(pages: Sequence[str]) -> list[str]:
    """Join words hyphenated at the end of a line. Keep the hyphen if the word has it elsewhere."""
    compounds = {word for page in pages for word in page.lower().split() if "-" in word.strip("-")}
    return ["\n".join(_join_lines(page.split("\n"), compounds)) for page in pages]


def _join_lines(lines: list[str], compounds: set[str]) -> list[str]:
    joined: list[str] = []
    for line in lines:
        before = joined[-1].rpartition(" ")[2] if joined else ""
        if len(before) > 2 and before.endswith("-") and before[-2].islower() and line[:1].islower():
            rest, _, following = line.partition(" ")
            is_compound = f"{before}{rest}".lower().strip(".,;:!?()") in compounds
            is_compound |= before.lower() == "self-" and not rest.startswith(("ish", "less"))  # self-harm, but selfish
            joined[-1] = f"{joined[-1] if is_compound else joined[-1][:-1]}{rest}"
            if following:
                joined.append(following)
        else:
            joined.append(line)
    return joined


def _flatten(rows: Iterable[Row]) -> Row:
    return [word for row in rows for word in row]


def _join_row(row: Row) -> str:
    height = median(word.height for word in row)
    parts = [row[0].text]
    for left, right in zip(row, row[1:], strict=False):
        parts.append(COLUMN_GAP if right.x0 - left.x1 > 1.2 * height else " ")
        parts.append(right.text)
    if any(direction_of(word.text) == "R" for word in row):
        return " ".join(to_logical_order([word.text for word in row]))
    return "".join(parts)


@dataclass(frozen=True)
class _Columns:
    """Rows `first` to `end` of a page, divided by a gutter at `x`."""

    first: int
    end: int
    x: float
    is_table: bool


def _find_columns(rows: list[Row], rules: Rules) -> _Columns | None:
    """Return the tallest part of the page that one gutter divides. If there are several, choose the leftmost gutter."""
    height = median(word.height for row in rows for word in row)
    gutter = max(_MIN_GUTTER * height, 6.0)
    best: _Columns | None = None
    segments = [_segments(row, gutter, rules) for row in rows]
    for x in _repeated_left_edges(segments):
        for first, end in _divided_runs(rows, segments, x, _MIN_NARROW_GUTTER * height):
            is_table = not _is_running_text(rows[first:end], x, rules)
            if is_table:
                end = _end_of_table(rows, first, end, x, rules)
            if best is None or end - first > best.end - best.first:
                best = _Columns(first, end, x, is_table)
    return best


def _segments(row: Row, gutter: float, rules: Rules) -> list[tuple[float, float]]:
    """Return (left, right) of each part of a row, separated by lines or by gaps of at least `gutter`."""
    found: list[tuple[float, float]] = []
    for index, word in enumerate(row):
        if found and word.x0 - found[-1][1] < gutter and not rules.divide(row[index - 1], word):
            found[-1] = (found[-1][0], max(found[-1][1], word.x1))
        else:
            found.append((word.x0, word.x1))
    return found


def _repeated_left_edges(rows: list[list[tuple[float, float]]]) -> list[float]:
    """Return the x positions at which several rows begin or continue after a gap, from left to right."""
    edges = sorted(left for row in rows for left, _ in row)
    groups: list[list[float]] = []
    for edge in edges:
        if groups and edge - groups[-1][0] < 3.0:
            groups[-1].append(edge)
        else:
            groups.append([edge])
    return [group[0] for group in groups[1:] if len(group) >= _MIN_COLUMN_ROWS][:20]


def _divided_runs(
    rows: list[Row], segments: list[list[tuple[float, float]]], x: float, narrow: float
) -> Iterable[tuple[int, int]]:
    """Yield (first, end) of the runs of rows with words on both sides of `x` and no part of a row across it."""
    start = 0
    for index in range(len(rows) + 1):
        if index < len(rows) and not (
            any(left < x - 1.0 and right > x - 0.5 for left, right in segments[index])
            and not _has_gap_at(rows[index], x, narrow)
        ):
            continue
        if run := _trim_run(rows, start, index, x):
            yield run
        start = index + 1


def _has_gap_at(row: Row, x: float, narrow: float) -> bool:
    """Return True if a word begins at `x` after a gap of at least `narrow`, as in a full line of a narrow column."""
    return any(
        abs(right.x0 - x) < 1.5 and right.x0 - left.x1 >= narrow for left, right in zip(row, row[1:], strict=False)
    )


def _trim_run(rows: list[Row], start: int, end: int, x: float) -> tuple[int, int] | None:
    """Limit a run to its columns. Return None if too few rows are side by side."""
    right = [index for index in range(start, end) if rows[index][-1].x0 >= x - 1.0]
    while right and rows[right[0]][0].x0 > x + 3.0:  # a centered title above the columns
        right.pop(0)
    if len(right) < _MIN_COLUMN_ROWS:
        return None
    first, last = right[0], right[-1]
    left = [index for index in range(first, end) if rows[index][0].x0 < x - 1.0]
    if sum(index <= last + 1 for index in left) < _MIN_COLUMN_ROWS:
        return None
    # Rows with only a left column may follow. A heading of the full-width text below belongs to that text.
    stop = max(last, left[-1]) + 1
    while stop > last + 1 and stop == end < len(rows) and _distance(rows, stop - 1) <= _distance(rows, stop - 2):
        stop = end = stop - 1
    return first, stop


def _end_of_table(rows: list[Row], first: int, end: int, x: float, rules: Rules) -> int:
    """Return the end of a table, whose last row may have more lines in its first cell than in the others."""
    last = max(index for index in range(first, end) if rows[index][-1].x0 >= x - 1.0)
    usual = median(_distance(rows, index) for index in range(first, last))
    stop = last + 1
    while stop < end and _distance(rows, stop - 1) <= 1.35 * usual and not rules.cross(rows[stop - 1 : stop + 1], x):
        stop += 1
    return stop


def _distance(rows: list[Row], index: int) -> float:
    """Return the distance in points from a row to the next one."""
    return rows[index][0].center - rows[index + 1][0].center


def _split_rows(region: list[Row], x: float) -> tuple[Row, Row]:
    words = _flatten(region)
    return [word for word in words if word.x0 < x - 1.0], [word for word in words if word.x0 >= x - 1.0]


def _is_running_text(region: list[Row], x: float, rules: Rules) -> bool:
    """Return True if the sides are columns of text that runs from line to line, not cells of a table."""
    if rules.cross(region, x):
        return False
    left, right = (group_rows(side) for side in _split_rows(region, x))
    if _starts_sections(left) and _starts_sections(right):
        return True
    blocks = _blocks_by_gap(region)
    if len(blocks) > 1 and len(region) / len(blocks) < _DENSE_BLOCK_ROWS and _are_cells(blocks, x):
        return False
    continued = [_count_continued(side) for side in (left, right)]
    return min(continued) > 0 and sum(continued) >= 0.2 * (len(left) + len(right))


def _starts_sections(side: list[Row]) -> bool:
    """Return True if a line of this column begins with a section number and a title, such as `1.2 Safety`."""
    return any(
        len(row) > 1
        and row[1].text[:1].isupper()
        and row[0].text.replace(".", "").isdigit()
        and ("." in row[0].text.rstrip(".") or len(row[0].text) > 2)
        for row in side
    )


def _count_continued(side: list[Row]) -> int:
    """Return the number of lines that continue the sentence of the line above."""
    if not side:
        return 0
    widest = max(row[-1].x1 for row in side)
    narrowest = min(row[0].x0 for row in side)
    is_full = [row[-1].x1 - row[0].x0 > 0.75 * (widest - narrowest) for row in side]
    return sum(
        row[0].text[:1].islower() or (full and row[0].text[:1].isalpha() and not row[0].text[:1].isupper())
        for full, row in zip(is_full, side[1:], strict=False)
    )


def _blocks_by_gap(region: list[Row]) -> list[list[Row]]:
    """Group the rows into blocks, separated by wider gaps on both sides of the gutter."""
    pitches = [_distance(region, index) for index in range(len(region) - 1)]
    usual = sorted(pitches)[len(pitches) // 4]  # between lines of one cell; short cells make the median larger
    blocks = [[region[0]]]
    for pitch, row in zip(pitches, region[1:], strict=True):
        if pitch > 1.35 * usual:
            blocks.append([])
        blocks[-1].append(row)
    return blocks


def _are_cells(blocks: list[list[Row]], x: float) -> bool:
    """Return True if each block begins on both sides at the same height, as the rows of a table do."""
    return all(block[0][0].x0 < x - 1.0 <= block[0][-1].x0 for block in blocks)


def _read_table(region: list[Row], x: float, rules: Rules) -> list[str]:
    """Return the lines of a table, row by row and cell by cell."""
    heights, edges = rules.cross(region, x), _cell_edges(region, x, rules)
    blocks: list[list[Row]] = []
    for part in [region] if heights else _blocks_by_gap(region):
        # Without drawn lines, a part is one table row if the text of its first cell continues over several lines.
        # Otherwise, each table row begins with its first cell.
        is_one_row = not heights and _count_continued(group_rows(_split_rows(part, x)[0])) > 0
        for index, row in enumerate(part):
            if not index or (not is_one_row and _starts_table_row(row, part[index - 1], heights, x)):
                blocks.append([])
            blocks[-1].append(row)
    return [line for block in blocks for line in _read_table_row(block, edges)]


def _starts_table_row(row: Row, above: Row, heights: list[float], x: float) -> bool:
    if heights:
        return any(row[0].center < height < above[0].center for height in heights)
    return row[0].x0 < x - 1.0 and not row[0].text[:1].islower()


def _cell_edges(region: list[Row], x: float, rules: Rules) -> list[float]:
    """Return the left edges of the columns of a table, beginning with the second column at `x`."""
    gutter = max(_MIN_GUTTER * median(word.height for row in region for word in row), 6.0)
    segments = [_segments(row, gutter, rules) for row in region]
    edges = (edge for edge in _repeated_left_edges(segments) if edge > x + 1.0)
    parts = [part for row in segments for part in row]
    return [x, *(edge for edge in edges if not any(left < edge - 1.0 and right > edge - 0.5 for left, right in parts))]


def _read_table_row(block: list[Row], edges: list[float]) -> list[str]:
    cells: dict[int, Row] = {}
    for word in _flatten(block):
        cells.setdefault(bisect_right(edges, word.x0 + 1.0), []).append(word)
    texts = [[_join_row(row) for row in group_rows(cells[index])] for index in sorted(cells)]
    if all(len(lines) == 1 for lines in texts[:-1]):
        first = COLUMN_GAP.join([*(lines[0] for lines in texts[:-1]), texts[-1][0]])
        return [first, *texts[-1][1:]]
    return [line for lines in texts for line in lines]
