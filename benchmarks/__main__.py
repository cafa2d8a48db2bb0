"""What depends on speed and memory: `make bench` measures it and writes docs/measured.md."""

import json
import os
import platform
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

from tests.services import missing, private_postgres

ROOT = Path(__file__).resolve().parent.parent
REPORT = ROOT / "docs" / "measured.md"
SIZES = (1_000, 3_000, 10_000)


def main() -> None:
    sections = [imports_on("SQLite", "")]
    if reason := missing("postgres"):
        sections.append(f"### On PostgreSQL\n\nNot measured: {reason}.\n")
    else:
        with private_postgres() as url:
            sections.append(imports_on("PostgreSQL", url))
    text = "\n".join([HEAD.format(day=date.today(), python=platform.python_version(), cores=os.cpu_count()), *sections])
    REPORT.write_text(text)
    print(text)


HEAD = """# Measured

By `make bench`, on {day}: Python {python}, {cores} cores. Times are for comparison within one run.

## Importing scenarios

A pack of rows of about 2.2 KB is read, checked and written, each with its context file and two skills; every size in a
process of its own. Memory is the process's peak above what it held before the import began.
"""


def imports_on(name: str, url: str) -> str:
    runs = [import_of(size, url) for size in SIZES]
    first, last = runs[0], runs[-1]
    growth = (last["seconds"] / last["rows"]) / (first["seconds"] / first["rows"])
    rows = [
        f"| {run['rows']:,} | {run['file_mb']:.1f} MB | {run['seconds']:.1f} s "
        f"| {1000 * run['seconds'] / run['rows']:.2f} ms | {run['mb_above_idle']:.0f} MB |"
        for run in runs
    ]
    return "\n".join(
        [
            f"### On {name}",
            "",
            "| rows | file | time | per row | memory above idle |",
            "|---:|---:|---:|---:|---:|",
            *rows,
            "",
            f"One of {last['rows']:,} rows takes {growth:.2f} times what one of {first['rows']:,} does (1 is linear).",
            f"A pack of 100 rows takes {first['queries_for_100']} queries, from the file to the last scenario.",
            "",
        ]
    )


def import_of(rows: int, url: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.imports", str(rows), url]
    printed = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    run: dict[str, Any] = json.loads(printed)
    assert run["scenarios"] == rows + 100, run
    return run


if __name__ == "__main__":
    main()
