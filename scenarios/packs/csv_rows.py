"""Reads a CSV pack as a spreadsheet saves it, one row at a time."""

import csv
import re
from collections import deque
from collections.abc import Iterator
from itertools import chain, islice

from scenarios.packs.cells import read_cell
from scenarios.packs.columns import (
    COLUMNS,
    REQUIRED,
    Notes,
    TooManyUnknown,
    canonical,
    misspelt,
    text_problem,
    tidied,
)
from scenarios.packs.places import MOST_ROW_BYTES, TOO_LONG, Bookmark
from scenarios.packs.rows import MOST_PROBLEMS, PackRefused, PackRow, PackValue, Problem, shown

DELIMITERS = ",;\t"
_MOST_NAMED = 20
_COMMA = "Is a text that holds a comma not in quotes?"
_LINE = re.compile(rb"[^\r\n]*+(?:\r\n?|\n|\Z)")


class Lines:
    """Hands the csv module decoded lines, and knows where the row begins that it is reading."""

    def __init__(self, mark: Bookmark, delimiter: str) -> None:
        self.mark = mark
        self.position = mark.position
        self.delimiter = delimiter
        self._blank = re.compile(rb"(?:[%b \t]*+[\r\n]++)*+" % delimiter.encode())

    def __iter__(self) -> "Lines":
        return self

    def __next__(self) -> str:
        start = self.position
        found = _LINE.match(self.mark.data, start)
        if not found or start == found.end():
            raise StopIteration
        self.position = found.end()
        if self.position - self.mark.position > MOST_ROW_BYTES:
            raise self.mark.refusal(self.mark.position, f"The row that begins here {TOO_LONG}. Is a quote not closed?")
        return self.mark.text(start, self.position)

    def begin_row(self) -> None:
        """Pass over lines that are blank, in one go however many they are, and mark the row."""
        if blank := self._blank.match(self.mark.data, self.position):
            self.position = blank.end()
        self.mark = self.mark.moved_to(self.position)

    def cell_places(self) -> Iterator[int]:
        """Where the cells of the row begin, up to the first that is not closed as it should be, and there where."""
        quoted = re.compile(rb'"[^"]*+(?:""[^"]*+)*+"')
        plain = re.compile(rb"[^%b\r\n]*+" % self.delimiter.encode())
        data, position = self.mark.data, self.mark.position
        while True:
            yield position
            cell = (quoted if data[position : position + 1] == b'"' else plain).match(data, position)
            if not cell:
                return
            if data[cell.end() : cell.end() + 1] != self.delimiter.encode():
                break
            position = cell.end() + 1
        if data[cell.end() : cell.end() + 1] not in (b"", b"\r", b"\n"):
            yield cell.end()


def csv_rows(data: bytes, start: int, notes: Notes) -> Iterator[PackRow]:
    """The rows of a file whose text begins at `start`. Raises PackRefused."""
    lines = Lines(Bookmark(data, start), _delimiter(data, start))
    records = _records(lines)
    names = _columns(next(records, []), lines, notes)
    for number, cells in enumerate(records, 1):
        values, found = _judged(names, cells)
        yield PackRow(number, lines.mark.line, values, _placed(found, lines) if found else [])


def _delimiter(data: bytes, start: int) -> str:
    """The one that cuts the first line into the most columns we know."""
    lines = Lines(Bookmark(data, start), ",")
    lines.begin_row()
    first = next(lines, "").replace('"', "")
    return max(DELIMITERS, key=lambda delimiter: sum(bool(canonical(name)) for name in first.split(delimiter)))


def _records(lines: Lines) -> Iterator[list[str]]:
    """Rows as cells, without those that are empty."""
    reader = csv.reader(lines, delimiter=lines.delimiter, strict=True)
    while True:
        lines.begin_row()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise _broken(lines, error) from None
        if any(cell.strip() for cell in cells):
            yield cells


def _broken(lines: Lines, error: csv.Error) -> PackRefused:
    most = csv.field_size_limit()
    if "field limit" in str(error):
        reason = f"The cell that begins here is longer than {most:,} characters. Is its quote not closed?"
        return lines.mark.refusal(_long_cell(lines, most), reason)
    opened, position = deque(chain([lines.mark.position], lines.cell_places()), maxlen=2)
    if lines.mark.data[position : position + 1] == b'"':
        return lines.mark.refusal(position, "The quote that opens here is never closed.")
    reason = (
        f"Text follows the quote that closes the cell which begins in line {lines.mark.moved_to(opened).line}. "
        "A quote inside a cell is written twice."
    )
    return lines.mark.refusal(position, reason)


def _long_cell(lines: Lines, most: int) -> int:
    """Where the first cell begins that is longer than that, or the one that never ends."""
    place = lines.mark.position
    for after in lines.cell_places():
        if after - place > most:
            break
        place = after
    return place


def _columns(header: list[str], lines: Lines, notes: Notes) -> list[str | None]:
    """Our name of each column: empty where it is ignored, None where the header is. Raises PackRefused."""
    names: list[str | None] = []
    for place, written in zip(lines.cell_places(), header, strict=False):
        name = canonical(written)
        if name and name in names:
            raise lines.mark.refusal(place, f"The column “{name}” stands here a second time. Keep one.")
        if not name and written.strip():
            _note_unknown(written.strip(), place, lines, notes)
        names.append(name if written.strip() else None)
    missing = [name for name in REQUIRED if name not in names]
    if missing:
        wanted = " and no ".join(f"“{name}”" for name in missing)
        raise lines.mark.refusal(lines.mark.position, f"There is no column {wanted}. Found: {_listed(header)}.")
    return names


def _note_unknown(written: str, place: int, lines: Lines, notes: Notes) -> None:
    try:
        meant = notes.meant_by(written)
    except TooManyUnknown as error:
        raise lines.mark.refusal(place, str(error)) from None
    if meant:
        raise lines.mark.refusal(place, misspelt(written, meant))


def _listed(header: list[str]) -> str:
    found = [shown(name.strip()) for name in header[:_MOST_NAMED] if name.strip()]
    return (", ".join(found) or "nothing") + (", …" if len(header) > _MOST_NAMED else "")


def _judged(names: list[str | None], cells: list[str]) -> tuple[dict[str, PackValue], dict[int, Problem]]:
    """A row's values, and its problems by the number of the cell that has them."""
    values: dict[str, PackValue] = {}
    problems: dict[int, Problem] = {}
    for number, (name, cell) in enumerate(zip(names, cells, strict=False)):
        if len(problems) == MOST_PROBLEMS:
            break
        if name is None and cell.strip():
            problems[number] = Problem(f"“{shown(cell)}” stands in a column without a name. {_COMMA}")
        if not name:
            continue
        try:
            value = _value(name, cell)
        except ValueError as error:
            problems[number] = Problem(str(error), name)
        else:
            if value is not None:
                values[name] = value
    if len(cells) > len(names):
        why = f"The row has {len(cells)} cells, the first line only {len(names)}. {_COMMA}"
        problems[len(names)] = Problem(why)
    return values, problems


def _value(name: str, cell: str) -> PackValue | None:
    if why := text_problem(cell):
        raise ValueError(why)
    value = read_cell(COLUMNS[name], cell)
    value = None if value is None else tidied(name, value)
    return None if value == "" else value


def _placed(problems: dict[int, Problem], lines: Lines) -> list[Problem]:
    """The problems with the places where their cells begin."""
    mark = lines.mark
    placed = []
    for number, position in enumerate(islice(lines.cell_places(), max(problems) + 1)):
        if problem := problems.get(number):
            mark = mark.moved_to(position)
            placed.append(Problem(problem.message, problem.field, mark.line, mark.column))
    return placed
