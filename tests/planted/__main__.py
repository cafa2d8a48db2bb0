"""Plant each fault in a copy of the project and show which test finds it: `python -m tests.planted [name or kind ...]`.

With `--sound`, nothing is planted, and every listed test must pass: a test that fails anyway proves nothing.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from compileall import compile_dir
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from tests.__main__ import own_environment
from tests.planted.plant import ROOT, Fault, PlantingError, apply, load_faults, select
from tests.support.servers import missing_reason, private_postgres

CONCURRENT_FAULTS = 2
PYTEST = ["-m", "pytest", "-x", "-q", "-p", "no:randomly", "-p", "no:cacheprovider", "-n", "0"]
TIME_LIMIT = 600  # seconds for one fault; each test has its own time limit below that
PASSED, FAILED = 0, 1  # exit statuses of pytest; any other status means that the tests did not run


@dataclass(frozen=True)
class Result:
    """Outcome of one fault. `explanation` is the test that found it, or the reason why it counts as missed."""

    fault: Fault
    is_found: bool
    explanation: str
    seconds: float
    output: str = ""


def main(arguments: Sequence[str]) -> int:
    names = [argument for argument in arguments if argument != "--sound"]
    try:
        chosen = select(load_faults(), names)
    except PlantingError as error:
        print(error)
        return 2
    server = private_postgres() if _needs_postgres(chosen) else nullcontext("")
    with server as postgres_url, _copied_project() as project:
        if "--sound" in arguments:
            return _check_sound(project, chosen, postgres_url)
        results = []
        with ThreadPoolExecutor(CONCURRENT_FAULTS) as pool:
            for result in pool.map(lambda fault: _try(fault, project, postgres_url), chosen):
                results.append(result)
                print(_line(result), flush=True)
    return _report(results)


def _needs_postgres(faults: Sequence[Fault]) -> bool:
    is_needed = any(fault.database == "postgresql" for fault in faults)
    if is_needed and (reason := missing_reason("postgres")):
        print(f"Faults on PostgreSQL are counted as missed: {reason}.")
        return False
    return is_needed


def _try(fault: Fault, project: Path, postgres_url: str) -> Result:
    """Plant one fault and run the tests that should find it."""
    began = time.monotonic()
    if fault.database == "postgresql" and not postgres_url:
        return Result(fault, False, "PostgreSQL is not installed", 0.0)
    with _copy_of(project) as folder:
        try:
            apply(fault, folder)
        except PlantingError as error:
            return Result(fault, False, str(error), time.monotonic() - began)
        status, output = _run(folder, fault.found_by, _database_url(postgres_url, fault))
    return Result(fault, *_judge(status, output), time.monotonic() - began, output)


def _judge(status: int, output: str) -> tuple[bool, str]:
    """Return True and the test that found the fault, or False and the reason."""
    if status == FAILED:
        found = re.search(r"^(?:FAILED|ERROR) (\S+::[^\s\[]+)", output, re.MULTILINE)
        return True, found[1] if found else "a listed test"
    if status != PASSED:
        return False, f"the tests did not run (exit status {status})"
    is_skipped = re.search(r"^\d+ skipped", output, re.MULTILINE) is not None
    return False, "its tests were skipped" if is_skipped else "its tests passed"


def _check_sound(project: Path, faults: Sequence[Fault], postgres_url: str) -> int:
    """Run the listed tests on an unchanged copy, once for each database. Return 1 if one fails."""
    statuses = []
    for database, url in (("sqlite", ""), ("postgresql", postgres_url)):
        tests = sorted({test for fault in faults if fault.database == database for test in fault.found_by})
        if not tests or (database == "postgresql" and not url):
            continue
        status, output = _run(project, tests, url, runs_all=True)
        statuses.append(status)
        print(f"== {database}: {len(tests)} tests listed ==\n{output[-3000:]}")
    return max(statuses, default=0)


@contextmanager
def _copied_project() -> Iterator[Path]:
    """Yield a temporary, compiled copy of the working tree with its new files and a link to the virtual environment."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    with tempfile.TemporaryDirectory(prefix="steadyline-planted-") as scratch:
        folder = Path(scratch) / "project"
        for name in set(listed.stdout.decode().split("\0")) - {""}:
            if (ROOT / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, folder / name)
        # Compile it once here instead of once for each fault, which would take longer than most tests.
        compile_dir(folder, quiet=2)
        (folder / ".venv").symlink_to((ROOT / ".venv").resolve())
        yield folder


@contextmanager
def _copy_of(project: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="steadyline-planted-") as scratch:
        yield Path(shutil.copytree(project, Path(scratch) / "project", symlinks=True))


def _run(folder: Path, tests: Sequence[str], database_url: str, runs_all: bool = False) -> tuple[int, str]:
    """Run tests in a copy and return pytest's exit status and output. With `runs_all`, continue after a failure."""
    command = [sys.executable, *(part for part in PYTEST if part != "-x" or not runs_all), *tests]
    with tempfile.TemporaryDirectory(prefix="steadyline-") as scratch:
        environment = own_environment(os.environ, scratch)
        if database_url:
            environment["DATABASE_URL"] = database_url
        try:
            done = subprocess.run(
                command,
                cwd=folder,
                env=environment,
                capture_output=True,
                text=True,
                timeout=None if runs_all else TIME_LIMIT,
            )
        except subprocess.TimeoutExpired:
            return -1, f"The tests took longer than {TIME_LIMIT} seconds."
    return done.returncode, done.stdout + done.stderr


def _database_url(postgres_url: str, fault: Fault) -> str:
    """Return the URL of a separate database for each fault, because faults run side by side, or "" for SQLite."""
    if fault.database != "postgresql":
        return ""
    return f"{postgres_url.rpartition('/')[0]}/{fault.name.replace('-', '_')}"


def _line(result: Result) -> str:
    fault = result.fault
    found = result.explanation if result.is_found else f"MISSED: {result.explanation}"
    return f"{fault.name:<44} {fault.kind:<42} {found} ({result.seconds:.0f} s)"


def _report(results: Sequence[Result]) -> int:
    """Print the table. Return 1 if a fault was missed."""
    missed = [result for result in results if not result.is_found]
    print("\n| fault | kind | found by | seconds |\n|---|---|---|---:|")
    for result in results:
        found = f"`{result.explanation}`" if result.is_found else f"**MISSED**: {result.explanation}"
        print(f"| {result.fault.name} | {result.fault.kind} | {found} | {result.seconds:.0f} |")
    print(f"\n{len(results) - len(missed)} of {len(results)} planted faults were found.")
    for result in missed:
        print(f"\n== missed: {result.fault.name} ==\n{result.output[-1500:]}")
    return 1 if missed else 0


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(main(sys.argv[1:]))
