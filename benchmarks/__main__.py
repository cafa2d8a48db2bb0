"""Measurements of speed and memory: `make bench` writes them to docs/measured.md and docs/measured.json.

`make bench ARGS=gateway` or `ARGS=imports` runs one of them and keeps the earlier figures of the others.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import boto3

from benchmarks.calls.report import gateway_section
from benchmarks.report import ROOT, describe_machine, write_section
from tests.support.servers import missing_reason, private_postgres, private_s3

FIGURES = ROOT / "docs" / "measured.json"
SIZES = (1_000, 3_000, 10_000)
S3_CREDENTIALS = {"aws_access_key_id": "bench", "aws_secret_access_key": "bench"}


def main(wanted: list[str]) -> None:
    unknown = set(wanted) - set(SECTIONS)
    if unknown:
        sys.exit(f"Unknown measurement: {', '.join(sorted(unknown))}. Choose from {', '.join(SECTIONS)}.")
    for name in wanted or SECTIONS:
        title, measure = SECTIONS[name]
        text, figures = measure()
        write_section(title, f"{describe_machine()}\n\n{text}")
        known = json.loads(FIGURES.read_text()) if FIGURES.exists() else {}
        FIGURES.write_text(json.dumps(known | {name: {"machine": describe_machine()} | figures}, indent=1) + "\n")
        print(text)


IMPORTS = """\
Each row has about 2.2 KB, a context file, and two skills. A pack is read, checked, and written; each size runs in its
own process. Memory is the peak above the level before the import.
"""


def imports() -> tuple[str, dict[str, Any]]:
    measured = {"SQLite": measure_imports("")}
    sections = [IMPORTS, imports_table("SQLite", measured["SQLite"])]
    if reason := missing_reason("postgres"):
        sections.append(f"### On PostgreSQL\n\nNot measured: {reason}.\n")
    else:
        with private_postgres() as url:
            measured["PostgreSQL"] = measure_imports(url)
        sections.append(imports_table("PostgreSQL", measured["PostgreSQL"]))
    return "\n".join(sections), measured


def measure_imports(url: str) -> list[dict[str, Any]]:
    return [measure_import(size, url) for size in SIZES]


def imports_table(name: str, runs: list[dict[str, Any]]) -> str:
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


def measure_import(rows: int, url: str) -> dict[str, Any]:
    run: dict[str, Any] = json.loads(run_module("benchmarks.scenario_imports", str(rows), url))
    assert run["scenarios"] == rows + 100, run
    return run


def gateway() -> tuple[str, dict[str, Any]]:
    *_, windows = run_module("benchmarks.calls.gateway").strip().splitlines()
    figures = {"windows": json.loads(windows), "long_call": json.loads(run_module("benchmarks.calls.long_call_memory"))}
    return gateway_section(figures), figures


RECORDINGS = """\
The recording is one hour long, with the caller speaking for half of it, and was uploaded in segments of 5 s. Each
step runs in its own process; memory is the peak above its starting level. The S3 server is a simulation in Python on
the same two cores. It copies the whole object for each range, and the times include that work. Seeks are 200 ranges
of 64 KiB spread over the file, through the view. Then the whole file is read once.
"""


def recordings() -> tuple[str, dict[str, Any]]:
    figures = {"folder": json.loads(run_module("benchmarks.recordings", ""))}
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
    return "\n".join([RECORDINGS, *head, *rows, ""]), figures


EVALUATIONS = """\
The stand-in grades a chat against a manual, many times. Our own share is everything except waiting for OpenAI:
claiming, reading, verifying, and storing. An upload is answered after its validation, and ready when a search finds
it. Most of that time is the stand-in's indexing, which is simple and slow.
"""


def evaluations() -> tuple[str, dict[str, Any]]:
    figures = json.loads(run_module("benchmarks.evaluations"))
    run = figures["grading"]
    grading = (
        f"{run['turns']} turns, {run['criteria']} criteria, a manual of {run['pages']} pages: our own share is "
        f"{run['own_ms']:.0f} ms (at most {run['own_ms_worst']:.0f}), "
        f"in addition to {run['waited_ms']:.0f} ms of waiting.\n"
    )
    rows = [
        f"| {run['kind']} | {run['mb']:.1f} MB | {run['sections']} | {run['answered_seconds']:.2f} s "
        f"| {run['ready_seconds']:.1f} s |"
        for run in figures["uploads"]
    ]
    head = ["| document | size | sections | answered in | ready after |", "|---|---:|---:|---:|---:|"]
    return "\n".join([EVALUATIONS, grading, *head, *rows, ""]), figures


PAGES = """\
Every list and page is opened 25 times with 10,000 graded sessions in PostgreSQL and 25 times with 100,000. Both have
the same 400 counselors, 200 scenarios, and year. Times are medians of the whole response, including templates.
"""


def pages() -> tuple[str, dict[str, Any]]:
    if reason := missing_reason("postgres"):
        return f"{PAGES}\nNot measured: {reason}.\n", {}
    with private_postgres() as url:
        figures = json.loads(run_module("benchmarks.pages", url))
    few, many = figures["10000"], figures["100000"]
    rows = [f"| `{page}` | {few[page]:.1f} ms | {many[page]:.1f} ms | {many[page] / few[page]:.2f} |" for page in few]
    head = ["| page | 10,000 | 100,000 | ratio |", "|---|---:|---:|---:|"]
    worst = max(many[page] / few[page] for page in few)
    return "\n".join([PAGES, *head, *rows, "", f"No page takes more than {worst:.2f} times as long.", ""]), figures


def run_module(module: str, *arguments: str) -> str:
    """Run a module in its own process, so that it reads fresh settings, and return its output."""
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout


SECTIONS: dict[str, tuple[str, Callable[[], tuple[str, dict[str, Any]]]]] = {
    "gateway": ("Calls", gateway),
    "evaluations": ("Evaluations and procedures", evaluations),
    "imports": ("Importing scenarios", imports),
    "pages": ("Pages", pages),
    "recordings": ("Recordings", recordings),
}

if __name__ == "__main__":
    main(sys.argv[1:])
