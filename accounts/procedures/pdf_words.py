"""Letters of a PDF page joined into words and rows. Runs in the sandbox of `pdf_sandbox.py`."""

import math
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

_WORD_GAP = 0.18  # gap between two letters that separates words, in letter heights; kerning stays below 0.1
_RTL = frozenset({"R", "AL"})


@dataclass(frozen=True, slots=True)
class Word:
    """Text with its box in points, y pointing up. Form fields are words that may contain spaces."""

    x0: float
    x1: float
    y0: float
    y1: float
    text: str

    @property
    def center(self) -> float:
        return (self.y0 + self.y1) / 2

    @property
    def height(self) -> float:
        return self.y1 - self.y0


Row = list[Word]  # words at one height, from left to right


def build_words(letters: Iterable[Word]) -> list[Word]:
    """Join letters into words, which spaces or gaps separate. Letters printed twice count once."""
    words = []
    for row in group_rows(letters):
        gap, distance = _word_gap(row)
        pending: Row = []
        for letter in row:
            if pending and _is_same_print(pending[-1], letter):
                continue
            is_apart = pending and letter.x0 - pending[-1].x1 > gap and letter.x0 - pending[-1].x0 > distance
            if pending and (letter.text.isspace() or is_apart):
                words.append(_join_letters(pending))
                pending = []
            if not letter.text.isspace():
                pending.append(letter)
        if pending:
            words.append(_join_letters(pending))
    return words


def _word_gap(row: Row) -> tuple[float, float]:
    """Return the gap and the distance between left edges, in points, above which two letters belong to two words.

    In spaced-out type, the gap is measured beyond the usual gap of the row. Evenly spaced letters may be narrow and
    leave gaps, so only their distance counts.
    """
    height = median(letter.height for letter in row)
    pairs = [(left, right) for left, right in zip(row, row[1:], strict=False) if left.text + right.text != ".."]
    if len(pairs) > 3:
        pitch = median(right.x0 - left.x0 for left, right in pairs)
        if sum(abs(right.x0 - left.x0 - pitch) < 0.03 * pitch for left, right in pairs) > 0.7 * len(pairs):
            return -math.inf, 1.5 * pitch
        usual = median(right.x0 - left.x1 for left, right in pairs)
        if 0.08 * height < usual < 0.5 * height:
            return _WORD_GAP * height + usual, -math.inf
    return _WORD_GAP * height, -math.inf


def _is_same_print(one: Word, other: Word) -> bool:
    """Return True if bold type was imitated by printing a letter twice."""
    return one.text == other.text and other.x0 - one.x0 < 0.3 * max(one.x1 - one.x0, 0.1)


def _join_letters(letters: Row) -> Word:
    text = to_logical_order([letter.text for letter in letters])
    return Word(
        letters[0].x0,
        max(letter.x1 for letter in letters),
        min(letter.y0 for letter in letters),
        max(letter.y1 for letter in letters),
        "".join(text),
    )


def to_logical_order(parts: Sequence[str]) -> list[str]:
    """Return letters or words, given from left to right, in reading order: Hebrew and Arabic from right to left."""
    directions = [direction_of(part) for part in parts]
    if "R" not in directions:
        return list(parts)
    is_rtl = directions.count("R") >= directions.count("L")
    runs: list[tuple[str, list[str]]] = []
    for part, direction in zip(parts, directions, strict=True):
        side = direction or (runs[-1][0] if runs else ("R" if is_rtl else "L"))
        if not runs or runs[-1][0] != side:
            runs.append((side, []))
        runs[-1][1].append(part)
    ordered = [run[::-1] if side == "R" else run for side, run in (reversed(runs) if is_rtl else runs)]
    return [part for run in ordered for part in run]


def direction_of(text: str) -> str:
    kinds = {unicodedata.bidirectional(letter) for letter in text}
    if kinds & _RTL:
        return "R"
    return "L" if kinds & {"L", "EN", "AN"} else ""


def group_rows(words: Iterable[Word]) -> list[Row]:
    """Return the words by row from top to bottom, each row from left to right.

    Superscripts join their row. Lines above each other stay apart, even beside large type that reaches over both.
    """
    rows: list[Row] = []
    center = height = 0.0
    for line in _group_lines(words):
        tallest = max(line, key=lambda word: word.height)
        is_near = bool(rows) and center - tallest.center < 0.5 * max(height, tallest.height)
        if is_near and not _stand_above(rows[-1], line):
            rows[-1] = sorted([*rows[-1], *line], key=lambda word: word.x0)
            if tallest.height > height:
                center, height = tallest.center, tallest.height
        else:
            rows.append(line)
            center, height = tallest.center, tallest.height
    return rows


def _group_lines(words: Iterable[Word]) -> list[Row]:
    """Return the words whose middles are at one height, from top to bottom, each line from left to right."""
    lines: list[Row] = []
    for word in sorted(words, key=lambda word: -word.center):
        if lines and lines[-1][0].center - word.center < 0.15 * min(word.height, lines[-1][0].height):
            lines[-1].append(word)
        else:
            lines.append([word])
    for line in lines:
        line.sort(key=lambda word: word.x0)
    return lines


def _stand_above(upper: Row, lower: Row) -> bool:
    """Return True if a word of one row stands above a word of the other. Both are ordered from left to right."""
    first = second = 0
    while first < len(upper) and second < len(lower):
        one, other = upper[first], lower[second]
        shared = min(one.x1, other.x1) - max(one.x0, other.x0)
        if shared > 0.5 * min(one.x1 - one.x0, other.x1 - other.x0) > 0 and not _is_same_print(one, other):
            return True
        if one.x1 < other.x1:
            first += 1
        else:
            second += 1
    return False
