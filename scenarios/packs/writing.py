"""Writes a scenario pack that reads back as the same rows. Nothing is held: rows may come from a query."""

import csv
import json
from collections.abc import Iterable, Mapping
from typing import TextIO

from scenarios.packs.cells import write_cell
from scenarios.packs.columns import COLUMNS
from scenarios.packs.json_rows import LIST
from scenarios.packs.rows import PackValue


def write_json(rows: Iterable[Mapping[str, PackValue]], out: TextIO) -> None:
    out.write(f'{{\n  "{LIST}": [')
    separator = "\n"
    for row in rows:
        told = {name: row[name] for name in COLUMNS if name in row}
        # A JSON text holds no raw line break, so those here are the indentation's own.
        out.write(separator + "    " + json.dumps(told, ensure_ascii=False, indent=2).replace("\n", "\n    "))
        separator = ",\n"
    out.write("\n  ]\n}\n")


def write_csv(rows: Iterable[Mapping[str, PackValue]], out: TextIO) -> None:
    """Open `out` with `newline=""`, and as `utf-8-sig` for people: without that mark a spreadsheet misreads accents.

    A cell cannot tell an empty text or list from none: they are read back as not said.
    """
    # In quotes a cell stays whole: a spreadsheet that cuts at ; or tabs would run what follows one.
    sheet = csv.writer(out, quoting=csv.QUOTE_ALL)
    sheet.writerow(COLUMNS)
    for row in rows:
        sheet.writerow([write_cell(row[name]) if name in row else "" for name in COLUMNS])
