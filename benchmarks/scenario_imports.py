"""Time and memory taken to import a pack of ROWS rows, as JSON.

`python -m benchmarks.scenario_imports ROWS [DATABASE_URL]`. Each size runs in its own process, so that its memory
is measured separately. Times are compared with each other, never with a fixed number.
"""

import io
import json
import os
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, TypedDict

PROMPT = "You are Noor, 20, on a night train. You are tired and a little afraid of arriving. " * 20
CONTEXT = "- Asks openly what makes arriving hard.\n- Names the fear behind the tiredness.\n" * 6
SMALL_PACK_ROWS = 100


class ImportFigures(TypedDict):
    """Cost of importing one pack."""

    rows: int
    scenarios: int  # in the database afterward, including those of the small pack
    file_mb: float
    seconds: float
    mb_above_idle: float
    queries_for_100: int  # queries for a pack of 100 rows


def set_up(scratch: Path, database_url: str) -> None:
    import django  # noqa: PLC0415  (settings read the environment prepared here)

    from config.launcher.environment import UNREACHABLE_URL, demo_environment, standin_environment  # noqa: PLC0415

    os.environ.update(demo_environment(scratch, 8000, 8001, {}) | standin_environment(UNREACHABLE_URL, {}))
    if database_url:
        os.environ["DATABASE_URL"] = database_url
    django.setup()

    from django.core.management import call_command  # noqa: PLC0415

    call_command("migrate", verbosity=0)


def build_pack(rows: int, name: str) -> io.BytesIO:
    pack = [
        {
            "title": f"{name} {number}",
            "prompt": PROMPT,
            "description": "A night train, a chat.",
            "evaluatorContext": CONTEXT,
            "mode": "chat" if number % 2 else "phone",
            "category": ("onboarding", "refresher", f"cohort {number % 7}")[number % 3],
            "skills": ["active listening", "risk assessment"],
        }
        for number in range(rows)
    ]
    return io.BytesIO(json.dumps({"scenarios": pack}).encode())


def measure(rows: int) -> ImportFigures:
    from django.db import connection  # noqa: PLC0415
    from django.test.utils import CaptureQueriesContext  # noqa: PLC0415

    from accounts.models import Organization  # noqa: PLC0415
    from scenarios.models import Scenario  # noqa: PLC0415

    organization = Organization.objects.create(name=f"Measured with {rows} rows")
    with CaptureQueriesContext(connection) as queries:
        run_import(organization, build_pack(SMALL_PACK_ROWS, "Small"))
    path = Path(tempfile.mkdtemp()) / "pack.json"
    path.write_bytes(build_pack(rows, "Large").getvalue())
    idle = resident_mb()
    begun = time.perf_counter()
    with path.open("rb") as file:
        run_import(organization, file)
    seconds = time.perf_counter() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "rows": rows,
        "scenarios": Scenario.objects.filter(organization=organization).count(),
        "file_mb": path.stat().st_size / 1024**2,
        "seconds": seconds,
        "mb_above_idle": max(peak - idle, 0.0),
        "queries_for_100": len(queries),
    }


def run_import(organization: Any, file: Any) -> None:
    from scenarios.models import ImportJob  # noqa: PLC0415
    from scenarios.services.import_writing import write_import  # noqa: PLC0415
    from scenarios.services.imports import ImportOptions, stage_import, start_import  # noqa: PLC0415

    options = ImportOptions(creates_categories=True)
    job = stage_import(organization, None, file, "pack.json", ImportJob.ImportSource.COMMAND, options)
    start_import(job, queue=False)
    write_import(job.pk, seconds=None)


def resident_mb() -> float:
    """Return the MB of memory in use now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1024**2


def main(arguments: list[str]) -> None:
    with tempfile.TemporaryDirectory(prefix="steadyline-bench-") as scratch:
        set_up(Path(scratch), "".join(arguments[1:2]))
        print(json.dumps(measure(int(arguments[0]))))


if __name__ == "__main__":
    main(sys.argv[1:])
