"""Reader of CSV packs saved by spreadsheet programs, one row at a time."""

import csv
import re
from collections import deque
from collections.abc import Iterator
from itertools import chain, islice

from accounts.web.visible_text import is_blank, strip_blank
from scenarios.messages import Message, gettext_noop
from scenarios.packs.columns import (
    COLUMNS,
    REQUIRED_COLUMNS,
    TooManyUnknownColumnsError,
    UnknownColumns,
    canonical_column,
    describe_unstorable_text,
    misspelling_message,
    normalize_value,
)
from scenarios.packs.csv_cells import InvalidCellError, read_cell
from scenarios.packs.file_positions import MAX_ROW_BYTES, MAX_ROW_MEGABYTES, FilePosition
from scenarios.packs.rows import MAX_PROBLEMS, PackRow, PackValue, RowProblem, UnreadablePackError, printable_excerpt

DELIMITERS = ",;\t|"
_MAX_NAMED_COLUMNS = 20
_SEPARATOR_LINE = re.compile(rb'"?sep=([,;\t|]|\\t|tab)"?[,; \t|]*(?:\r\n?|\n)', re.IGNORECASE)
_SPACED_QUOTE = re.compile(rb'"[^"\r\n]*+"[,;\t|] ++"')  # Some programs put a space after each delimiter.
_OPENING_QUOTE = (re.compile(b'"'), re.compile(b' *+"'))  # without and with spaces before it
_LINE = re.compile(rb"[^\r\n]*+(?:\r\n?|\n|\Z)")


class CSVLineReader:
    """An iterator of decoded lines for the csv module that tracks the position of the current row."""

    def __init__(self, mark: FilePosition, delimiter: str) -> None:
        self.mark = mark  # start of the current row
        self.position = mark.position
        self.delimiter = delimiter
        self.skips_spaces = False  # True if spaces come before the opening quotation marks of cells
        self._blank = re.compile(rb"(?:[%b \t]*+[\r\n]++)*+" % delimiter.encode())

    def __iter__(self) -> "CSVLineReader":
        return self

    def __next__(self) -> str:
        start = self.position
        found = _LINE.match(self.mark.data, start)
        if not found or start == found.end():
            raise StopIteration
        self.position = found.end()
        if self.position - self.mark.position > MAX_ROW_BYTES:
            reason = gettext_noop(
                "The row that starts here is longer than %(most)s MB. Check for a missing closing quotation mark."
            )
            raise self.mark.error_at(self.mark.position, Message(reason, {"most": MAX_ROW_MEGABYTES}))
        return self.mark.text(start, self.position)

    def begin_row(self) -> None:
        """Skip blank lines in one regex match, however many there are, and mark the start of the row."""
        if blank := self._blank.match(self.mark.data, self.position):
            self.position = blank.end()
        self.mark = self.mark.moved_to(self.position)

    def cell_positions(self) -> Iterator[int]:
        """Yield the positions of the row's cells up to the first cell that is not closed properly.

        If text follows a closing quote, yield that position last.
        """
        quoted = re.compile((rb" *+" if self.skips_spaces else b"") + rb'"[^"]*+(?:""[^"]*+)*+"')
        plain = re.compile(rb"[^%b\r\n]*+" % self.delimiter.encode())
        data, position = self.mark.data, self.mark.position
        while True:
            yield position
            is_quoted = _OPENING_QUOTE[self.skips_spaces].match(data, position) is not None
            cell = (quoted if is_quoted else plain).match(data, position)
            if not cell:
                return
            if data[cell.end() : cell.end() + 1] != self.delimiter.encode():
                break
            position = cell.end() + 1
        if data[cell.end() : cell.end() + 1] not in (b"", b"\r", b"\n"):
            yield cell.end()


def read_csv_rows(data: bytes, start: int, unknown_columns: UnknownColumns) -> Iterator[PackRow]:
    """Yield the rows of a file whose text begins at `start`. Raise UnreadablePackError."""
    mark, delimiter = _read_separator_line(data, start)
    lines = CSVLineReader(mark, delimiter or _detect_delimiter(mark))
    lines.skips_spaces = _has_spaced_quotes(mark)
    records = _iterate_records(lines)
    names = _read_header(next(records, []), lines, unknown_columns)
    for number, cells in enumerate(records, 1):
        values, found = _convert_cells(names, cells)
        yield PackRow(number, lines.mark.line, values, _locate_problems(found, lines) if found else [])


def _read_separator_line(data: bytes, start: int) -> tuple[FilePosition, str]:
    """Return the position after Excel's `sep=;` line, if there is one, and the delimiter that it names, or ""."""
    mark = FilePosition(data, start)
    found = _SEPARATOR_LINE.match(data, start)
    if not found:
        return mark, ""
    return mark.moved_to(found.end()), found[1].decode() if len(found[1]) == 1 else "\t"


def _has_spaced_quotes(mark: FilePosition) -> bool:
    """Return True if the first line is like `"title", "prompt"`. Otherwise, spaces belong to the cells."""
    lines = CSVLineReader(mark, ",")
    lines.begin_row()
    return _SPACED_QUOTE.match(lines.mark.data, lines.mark.position) is not None


def _detect_delimiter(mark: FilePosition) -> str:
    """Return the delimiter that splits the first line into the most known columns."""
    lines = CSVLineReader(mark, ",")
    lines.begin_row()
    first = next(lines, "").replace('"', "")
    return max(DELIMITERS, key=lambda delimiter: sum(bool(canonical_column(name)) for name in first.split(delimiter)))


def _iterate_records(lines: CSVLineReader) -> Iterator[list[str]]:
    """Yield rows as lists of cells, skipping empty rows."""
    reader = csv.reader(lines, delimiter=lines.delimiter, strict=True, skipinitialspace=lines.skips_spaces)
    while True:
        lines.begin_row()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise _build_csv_error(lines, error) from None
        if not all(map(is_blank, cells)):
            yield cells


def _build_csv_error(lines: CSVLineReader, error: csv.Error) -> UnreadablePackError:
    limit = csv.field_size_limit()
    if "field limit" in str(error):
        reason = gettext_noop(
            "The cell that starts here is longer than %(most)s characters. Check for a missing closing quotation mark."
        )
        return lines.mark.error_at(_find_long_cell(lines, limit), Message(reason, {"most": f"{limit:,}"}))
    cell_start, position = deque(chain([lines.mark.position], lines.cell_positions()), maxlen=2)
    if lines.mark.data[position : position + 1] == b'"':
        return lines.mark.error_at(position, Message(gettext_noop("This quotation mark is never closed.")))
    reason = gettext_noop(
        "There is text after the closing quotation mark of the cell that starts on line %(line)s. "
        "To include a quotation mark in a cell, write it twice."
    )
    return lines.mark.error_at(position, Message(reason, {"line": lines.mark.moved_to(cell_start).line}))


def _find_long_cell(lines: CSVLineReader, max_length: int) -> int:
    """Return the position of the first cell that is longer than `max_length` characters or never ends."""
    position = lines.mark.position
    for next_position in lines.cell_positions():
        if next_position - position > max_length:
            break
        position = next_position
    return position


def _read_header(header: list[str], lines: CSVLineReader, unknown_columns: UnknownColumns) -> list[str | None]:
    """Return our name for each column: "" for ignored columns, None for empty headers. Raise UnreadablePackError."""
    names: list[str | None] = []
    for position, title in zip(lines.cell_positions(), header, strict=False):
        name = canonical_column(title)
        if name and name in names:
            reason = gettext_noop("The column “%(name)s” appears twice. Keep one.")
            raise lines.mark.error_at(position, Message(reason, {"name": name}))
        if not name and not is_blank(title):
            _check_unknown_column(strip_blank(title), position, lines, unknown_columns)
        names.append(None if is_blank(title) else name)
    missing = [name for name in REQUIRED_COLUMNS if name not in names]
    if missing:
        raise lines.mark.error_at(lines.mark.position, _missing_columns_message(missing, header))
    return names


def _check_unknown_column(title: str, position: int, lines: CSVLineReader, unknown_columns: UnknownColumns) -> None:
    try:
        intended = unknown_columns.closest_column(title)
    except TooManyUnknownColumnsError as error:
        raise lines.mark.error_at(position, error.message) from None
    if intended:
        raise lines.mark.error_at(position, misspelling_message(title, intended))


def _missing_columns_message(missing: list[str], header: list[str]) -> Message:
    names = ", ".join(f"“{name}”" for name in missing)
    found = [printable_excerpt(name.strip()) for name in header[:_MAX_NAMED_COLUMNS] if name.strip()]
    if not found:
        return Message(gettext_noop("The first line names no columns. Required: %(names)s."), {"names": names})
    more = ["…"] if len(header) > _MAX_NAMED_COLUMNS else []
    return Message(
        gettext_noop("Required columns are missing: %(names)s. Columns found: %(found)s."),
        {"names": names, "found": ", ".join(found + more)},
    )


def _convert_cells(names: list[str | None], cells: list[str]) -> tuple[dict[str, PackValue], dict[int, RowProblem]]:
    """Return a row's values, and its problems by cell index."""
    values: dict[str, PackValue] = {}
    problems: dict[int, RowProblem] = {}
    for number, (name, cell) in enumerate(zip(names, cells, strict=False)):
        if len(problems) == MAX_PROBLEMS:
            break
        if name is None and not is_blank(cell):
            reason = gettext_noop(
                "“%(text)s” is in a column without a name. Put text that contains a comma in quotation marks."
            )
            problems[number] = RowProblem(Message(reason, {"text": printable_excerpt(cell)}))
        if not name:
            continue
        try:
            value = _parse_value(name, cell)
        except InvalidCellError as error:
            problems[number] = RowProblem(error.message, name)
        else:
            if value is not None:
                values[name] = value
    if not all(map(is_blank, cells[len(names) :])):
        reason = gettext_noop(
            "This row has %(cells)s cells, but the first line has only %(columns)s. "
            "Put text that contains a comma in quotation marks."
        )
        problems[len(names)] = RowProblem(Message(reason, {"cells": len(cells), "columns": len(names)}))
    return values, problems


def _parse_value(name: str, cell: str) -> PackValue | None:
    if reason := describe_unstorable_text(cell):
        raise InvalidCellError(reason)
    value = read_cell(COLUMNS[name], cell)
    value = None if value is None else normalize_value(name, value)
    return None if value == "" else value


def _locate_problems(problems: dict[int, RowProblem], lines: CSVLineReader) -> list[RowProblem]:
    """Return the problems with the positions of their cells."""
    mark = lines.mark
    located = []
    for number, position in enumerate(islice(lines.cell_positions(), max(problems) + 1)):
        if problem := problems.get(number):
            mark = mark.moved_to(position)
            located.append(RowProblem(problem.message, problem.field, mark.line, mark.column))
    return located
