"""Measurements of speed and memory: `make bench` writes them to docs/measured.md and docs/measured.json.

`make bench ARGS=gateway` or `ARGS=imports` runs one of them and keeps the earlier figures of the others.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import NamedTuple

import boto3

from benchmarks.calls.disk import measure_disk
from benchmarks.calls.report import LongCallFigures, MeasurementWindow, gateway_section
from benchmarks.evaluations import GradingFigures, UploadFigures
from benchmarks.pages import PageTimes
from benchmarks.recordings import RecordingFigures
from benchmarks.report import ROOT, describe_machine, write_section
from benchmarks.scenario_imports import ImportFigures
from tests.support.servers import missing_reason, private_postgres, private_s3

FIGURES = ROOT / "docs" / "measured.json"
SIZES = (1_000, 3_000, 10_000)
S3_CREDENTIALS = {"aws_access_key_id": "bench", "aws_secret_access_key": "bench"}


class Measurement(NamedTuple):
    """Result of one benchmark."""

    text: str  # section of docs/measured.md
    figures: Mapping[str, object]  # entry of docs/measured.json


def main(wanted: list[str]) -> None:
    unknown = set(wanted) - set(SECTIONS)
    if unknown:
        sys.exit(f"Unknown measurement: {', '.join(sorted(unknown))}. Choose from {', '.join(SECTIONS)}.")
    for name in wanted or SECTIONS:
        title, measure = SECTIONS[name]
        text, figures = measure()
        write_section(title, f"{describe_machine()}\n\n{text}")
        known = json.loads(FIGURES.read_text()) if FIGURES.exists() else {}
        FIGURES.write_text(json.dumps(known | {name: {"machine": describe_machine(), **figures}}, indent=1) + "\n")
        print(text)


IMPORTS = """\
Each row contains about 2.2 KB of text, a context file, and two skills. A pack is read, checked, and written; each size
runs in its own process. Memory is the peak above the level before the import.
"""


def imports() -> Measurement:
    measured = {"SQLite": measure_imports("")}
    sections = [IMPORTS, imports_table("SQLite", measured["SQLite"])]
    if reason := missing_reason("postgres"):
        sections.append(f"### On PostgreSQL\n\nNot measured: {reason}.\n")
    else:
        with private_postgres() as url:
            measured["PostgreSQL"] = measure_imports(url)
        sections.append(imports_table("PostgreSQL", measured["PostgreSQL"]))
    return Measurement("\n".join(sections), measured)


def measure_imports(url: str) -> list[ImportFigures]:
    return [measure_import(size, url) for size in SIZES]


def imports_table(name: str, runs: list[ImportFigures]) -> str:
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
            f"A pack of {last['rows']:,} rows takes {growth:.2f} times as long per row as one of {first['rows']:,} "
            "(1 is linear).",
            f"A pack of 100 rows takes {first['queries_for_100']} queries, from the file to the last scenario.",
            "",
        ]
    )


def measure_import(rows: int, url: str) -> ImportFigures:
    run: ImportFigures = json.loads(run_module("benchmarks.scenario_imports", str(rows), url))
    assert run["scenarios"] == rows + 100, run
    return run


def gateway() -> Measurement:
    *_, last_line = run_module("benchmarks.calls.gateway").strip().splitlines()
    windows = json.loads(last_line)
    disk = measure_disk()
    long_call: LongCallFigures = json.loads(run_module("benchmarks.calls.long_call_memory"))
    text = gateway_section([MeasurementWindow(**window) for window in windows], disk, long_call)
    return Measurement(text, {"windows": windows, "disk": disk, "long_call": long_call})


RECORDINGS = """\
The recording is one hour long, with the caller speaking for half of it, and was uploaded in segments of 5 s. Each
step runs in its own process; memory is the peak above its starting level. The S3 server is a simulation in Python on
the same two cores. It copies the whole object for each range, and the times include that work. Each seek reads one of
200 ranges of 64 KiB, spread over the file, through the view. Then the whole file is read once.
"""


def recordings() -> Measurement:
    figures: dict[str, RecordingFigures] = {"folder": json.loads(run_module("benchmarks.recordings", ""))}
    with private_s3() as url:
        boto3.client("s3", endpoint_url=url, region_name="us-east-1", **S3_CREDENTIALS).create_bucket(Bucket="bench")
        storage = f"s3://bench?endpoint_url={url}&region_name=us-east-1"
        figures["s3"] = json.loads(run_module("benchmarks.recordings", storage))
    rows = [
        f"| {where} | {run['file_mb']:.0f} MB | {run['finish_seconds']:.1f} s | {run['finish_cpu_seconds']:.1f} s "
        f"| {run['finish_mb_above_idle']:.0f} MB | {run['seek_ms']:.1f} ms | {run['play_mb_above_idle']:.1f} MB |"
        for where, run in figures.items()
    ]
    head = [
        "| storage | file | finished in | CPU time | memory | one seek | memory to play |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    return Measurement("\n".join([RECORDINGS, *head, *rows, ""]), figures)


EVALUATIONS = """\
The stand-in grades a chat against a manual, many times. Our own share is everything except waiting for OpenAI:
claiming, reading, verifying, and storing. An upload is answered after its validation, and ready when a search finds
it. Most of that time is the stand-in's indexing, which is simple and slow.
"""


def evaluations() -> Measurement:
    figures = json.loads(run_module("benchmarks.evaluations"))
    grading: GradingFigures = figures["grading"]
    uploads: list[UploadFigures] = figures["uploads"]
    summary = (
        f"{grading['turns']} turns, {grading['criteria']} criteria, a manual of {grading['pages']} pages: our own "
        f"share is {grading['own_ms']:.0f} ms (at most {grading['own_ms_worst']:.0f}), "
        f"in addition to {grading['waited_ms']:.0f} ms of waiting.\n"
    )
    rows = [
        f"| {run['kind']} | {run['mb']:.1f} MB | {run['sections']} | {run['answered_seconds']:.2f} s "
        f"| {run['ready_seconds']:.1f} s |"
        for run in uploads
    ]
    head = ["| document | size | sections | answered in | ready after |", "|---|---:|---:|---:|---:|"]
    return Measurement("\n".join([EVALUATIONS, summary, *head, *rows, ""]), figures)


PAGES = """\
Every list and page is opened 25 times with 10,000 graded sessions in PostgreSQL and 25 times with 100,000. Both cover
the same year and have the same 400 counselors and 200 scenarios. Times are medians of the whole response, including
templates.
"""


def pages() -> Measurement:
    if reason := missing_reason("postgres"):
        return Measurement(f"{PAGES}\nNot measured: {reason}.\n", {})
    with private_postgres() as url:
        figures: dict[str, PageTimes] = json.loads(run_module("benchmarks.pages", url))
    few, many = figures["10000"], figures["100000"]
    rows = [f"| `{page}` | {few[page]:.1f} ms | {many[page]:.1f} ms | {many[page] / few[page]:.2f} |" for page in few]
    head = ["| page | 10,000 | 100,000 | ratio |", "|---|---:|---:|---:|"]
    worst = max(many[page] / few[page] for page in few)
    last = f"With 100,000 sessions, no page takes more than {worst:.2f} times as long."
    return Measurement("\n".join([PAGES, *head, *rows, "", last, ""]), figures)


def run_module(module: str, *arguments: str) -> str:
    """Run a module in its own process, so that it reads fresh settings, and return its output."""
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout


SECTIONS: dict[str, tuple[str, Callable[[], Measurement]]] = {
    "gateway": ("Calls", gateway),
    "evaluations": ("Evaluations and procedures", evaluations),
    "imports": ("Importing scenarios", imports),
    "pages": ("Pages", pages),
    "recordings": ("Recordings", recordings),
}

if __name__ == "__main__":
    main(sys.argv[1:])
