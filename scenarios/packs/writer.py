"""Writer of scenario packs that read back as the same rows. Rows are streamed and may come from a query."""

import csv
import json
from collections.abc import Iterable, Mapping
from typing import TextIO

from scenarios.packs.columns import COLUMNS
from scenarios.packs.csv_cells import write_cell
from scenarios.packs.json_reader import LIST_KEY
from scenarios.packs.rows import PackValue


def write_json(rows: Iterable[Mapping[str, PackValue]], out: TextIO) -> None:
    out.write(f'{{\n  "{LIST_KEY}": [')
    separator = "\n"
    for row in rows:
        values = {name: row[name] for name in COLUMNS if name in row}
        # Strings in JSON contain no raw line breaks, so every line break here belongs to the indentation.
        out.write(separator + "    " + json.dumps(values, ensure_ascii=False, indent=2).replace("\n", "\n    "))
        separator = ",\n"
    out.write("\n  ]\n}\n")


def write_csv(rows: Iterable[Mapping[str, PackValue]], out: TextIO) -> None:
    """Write rows to `out`, opened with `newline=""` and, for spreadsheet programs, `utf-8-sig`.

    Without the byte order mark, these programs misread accented letters. A cell cannot distinguish an empty text or
    list from an absent value, so both are read back as absent.
    """
    # Quote every cell: a program that splits at ; or tabs would run the text after one as a formula.
    sheet = csv.writer(out, quoting=csv.QUOTE_ALL)
    sheet.writerow(COLUMNS)
    for row in rows:
        sheet.writerow([write_cell(row[name]) if name in row else "" for name in COLUMNS])
