"""All checks in one command: `python -m tests [--both | --fast | --lint | --prove [planted]] [pytest arguments]`."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.report import describe_machine, write_section
from tests.support.migrated_database import FOLDER_VARIABLE
from tests.support.servers import missing_reason, private_postgres

PYTHON = sys.executable
LINT: dict[str, list[str]] = {
    "ruff check": [PYTHON, "-m", "ruff", "check", "."],
    "ruff format": [PYTHON, "-m", "ruff", "format", "--check", "."],
    "import-linter": [str(Path(PYTHON).with_name("lint-imports"))],
    "mypy": [PYTHON, "-m", "mypy"],
    "migrations": [PYTHON, "manage.py", "makemigrations", "--check", "--dry-run"],
}
# Many tests wait for processes and deadlines: one more worker than cores keeps every core busy.
WORKERS = str(1 + (os.cpu_count() or 1))
PYTEST = [PYTHON, "-m", "pytest"]
PARALLEL = ["-n", WORKERS, "--dist", "loadscope", "--no-loadscope-reorder", "--durations", "10"]
BOTH_DATABASES = "both_databases"  # the mark of tests that also run on the second database
OWN_OPTIONS = ("--both", "--fast", "--lint", "--prove")

# Checks that `make prove` repeats at full count, with the property each one shows. On PostgreSQL if it is installed.
PROOFS = {
    "tests/voicegateway/test_event_order.py": "10,000 shuffles of legal event orders, three properties: the transcript "
    "is the same, no turn changes its place, and no turn is lost or duplicated",
    "tests/voicegateway/test_gateway_kills.py": "A gateway is killed (-9) at 20 random moments of one call: the call "
    "continues, and no received audio or finished turn is lost",
    "tests/voicegateway/test_gateway_storage_outages.py": "A call while the store is down, silent, resetting, or "
    "unavailable: no part of its recording is lost",
    "tests/recordings/test_finishing_killed.py": "Three workers finish one recording on S3 at once and are killed (-9) "
    "at every statement and request: one object and one row result, and nothing is left over",
    "tests/recordings/test_spool_damage.py": "A spool is cut off, or one byte is flipped, at every offset of its last "
    "4 KiB: the recording is valid. 40 power cuts lose at most one second each",
    "tests/recordings/test_assembly.py": "30 minutes with an interruption every 3 s: channels are within 20 ms of the "
    "expected position, and the length is within 0.1 % of the clock",
    "tests/voicegateway/test_gateway_leaks.py::test_dropped_calls_leak_no_tasks_or_files": "500 calls that "
    "connect and drop: tasks, files, and database connections return to their baseline, and no upstream socket stays "
    "open",
    "tests/accounts/test_leases.py": "500 runs of 60 steps by workers, people, and the clock on two leased rows: "
    "at most one holder, no late write, a fence that never decreases, and no overdue row is lost",
    "tests/accounts/test_document_preparation_states.py": "150 runs of 25 steps that replace a document while "
    "OpenAI lags, fails, expires, and forgets, and workers die: one document is current at all times, and nothing is "
    "left over",
    "tests/project/test_api_fuzzing.py": "2,000 cases from the API's own schema as each of nine people and systems, "
    "and every readable address with every id: no server error, and no data of another organization",
    "tests/evaluation/test_workers_killed.py": "A worker is killed (-9) at every statement and request of an upload "
    "and of a grading task: the old or the new document is current, and feedback is written once",
    "tests/joint_attack": "One organization and strangers attack a whole installation, Redis goes away, and a worker "
    "is killed (-9): a quiet organization's greetings, grades, and pages take at most 4 times as long in the median, "
    "no request of its people fails, and nothing is lost",
    "tests/project/test_permission_matrix.py": "Every route of the pages, the API, and the admin site, as every role",
    "tests/standins": "The stand-in's own tests, and every script of the conformance suite against the product",
    "tests/browser": "Every path in Chromium, and axe on every page, light and dark, at 390, 768, and 1440 px",
    "tests/config": "Every way in which an installation or the demo can fail",
}

# Variables of the developer's own environment must not affect what is tested or which servers a test reaches. Without
# bytecode files, each worker compiles all modules again: 20 s of CPU.
FOREIGN = (
    "OPENAI_",
    "DATABASE_URL",
    "INSTALLATION_ID",
    "REDIS_URL",
    "STORAGE_URL",
    "SPOOL_DIR",
    "EMAIL_URL",
    "DJANGO_SETTINGS_MODULE",
    "PYTHONDONTWRITEBYTECODE",
)


@dataclass
class Outcome:
    """The result of one step, for the summary."""

    step: str
    result: str
    seconds: float = 0.0

    @property
    def is_failure(self) -> bool:
        return self.result.startswith("FAILED")

    def __str__(self) -> str:
        return f"  {self.step:<22} {self.result}" + (f" ({self.seconds:.0f} s)" if self.seconds else "")


def main(arguments: list[str]) -> int:
    """Run the checks that `arguments` name and return the exit status."""
    if "--prove" in arguments:
        return prove([argument for argument in arguments if argument != "--prove"])
    for_pytest = [argument for argument in arguments if argument not in OWN_OPTIONS]
    with tempfile.TemporaryDirectory(prefix="steadyline-") as scratch:
        environment = own_environment(os.environ, scratch)
        if "--lint" in arguments:
            outcomes = [run(step, command, environment) for step, command in LINT.items()]
        elif for_pytest:
            outcomes = run_narrowed(for_pytest, environment, both="--both" in arguments)
        else:
            outcomes = run_everything(environment, arguments)
    return report(outcomes)


def report(outcomes: Sequence[Outcome]) -> int:
    print("\nSummary")
    print(*outcomes, sep="\n", flush=True)
    return 1 if any(outcome.is_failure for outcome in outcomes) else 0


def run_everything(environment: Mapping[str, str], arguments: Sequence[str]) -> list[Outcome]:
    """Run the whole suite on PostgreSQL. In the background, run the linters and then the database tests on SQLite."""
    environment = {**environment, FOLDER_VARIABLE: environment["TMPDIR"]}
    background = dict(LINT)
    if "--fast" in arguments or (missing_reason("postgres") and environment.get("REQUIRE_SERVICES") != "1"):
        with running_in_background(background, environment) as results:
            outcomes = [run("tests on SQLite", [*PYTEST, *PARALLEL], environment)]
        if "--fast" not in arguments:
            outcomes.append(Outcome("tests on PostgreSQL", f"SKIPPED: {missing_reason('postgres')}"))
    elif "--both" in arguments:
        with running_in_background(background, environment) as results:
            outcomes = [run_on_postgres(PARALLEL, environment)]
            outcomes.append(run("tests on SQLite", [*PYTEST, *PARALLEL], environment))
    else:
        # One process, because the browser tests and the gateway tests begin with much waiting.
        background["tests on SQLite"] = [*PYTEST, "-n", "0", "-m", BOTH_DATABASES, *marked_files()]
        with running_in_background(background, environment) as results:
            outcomes = [run_on_postgres(PARALLEL, environment)]
    return [*results.result(), *outcomes]


def run_narrowed(for_pytest: list[str], environment: Mapping[str, str], both: bool) -> list[Outcome]:
    """Run only what the pytest arguments name, in one process and on SQLite, which starts fastest."""
    alone = [] if "-n" in for_pytest else ["-n", "0"]
    outcomes = [run("tests on SQLite", [*PYTEST, *alone, *for_pytest], environment)]
    if both:
        outcomes.append(run_on_postgres([*alone, *for_pytest], environment))
    return outcomes


def marked_files() -> list[str]:
    """Return the files with tests for both databases, so that no others are imported."""
    files = sorted(Path("tests").rglob("test_*.py"))
    return [str(path) for path in files if f"mark.{BOTH_DATABASES}" in path.read_text()]


@contextmanager
def running_in_background(
    steps: Mapping[str, list[str]], environment: Mapping[str, str]
) -> Iterator[Future[list[Outcome]]]:
    """Run the steps one after another in the background. Their output is printed when the block ends."""
    with ThreadPoolExecutor(1) as pool:
        printed: list[str] = []
        future = pool.submit(lambda: [run_quietly(step, steps[step], environment, printed) for step in steps])
        try:
            yield future
        finally:
            future.exception()
            print("\n".join(printed), flush=True)


def run_quietly(step: str, command: list[str], environment: Mapping[str, str], printed: list[str]) -> Outcome:
    began = time.monotonic()
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    printed.append(f"\n== {step} ==\n{done.stdout}{done.stderr}".rstrip())
    result = f"FAILED (exit status {done.returncode})" if done.returncode else "passed"
    return Outcome(step, result, time.monotonic() - began)


def prove(arguments: Sequence[str]) -> int:
    """Run the heavy checks at full count, or the planted faults, and write the result to docs/measured.md."""
    with tempfile.TemporaryDirectory(prefix="steadyline-") as scratch:
        environment = own_environment(os.environ, scratch) | {"STEADYLINE_PROVE": "1"}
        if "planted" in arguments:
            names = [argument for argument in arguments if argument != "planted"]
            return report([run("planted faults", [PYTHON, "-m", "tests.planted", *names], environment)])
        proofs = [proof for proof in PROOFS if not arguments or any(word in proof for word in arguments)]
        reason = missing_reason("postgres")
        if reason:
            print(f"On SQLite: {reason}")
            outcomes = [run(proof, proof_command(proof), environment) for proof in proofs]
        else:
            with private_postgres() as url:
                environment["DATABASE_URL"] = url
                outcomes = [run(proof, proof_command(proof), environment) for proof in proofs]
    rows = [f"| {PROOFS[one.step]} | {one.result} | {one.seconds:.0f} s |" for one in outcomes]
    table = "\n".join(["| check | result | time |", "|---|---|---:|", *rows])
    if not arguments:
        write_section("Proved", f"{describe_machine()} On {'SQLite' if reason else 'PostgreSQL'}.\n\n{table}")
    return report(outcomes)


def proof_command(proof: str) -> list[str]:
    return [PYTHON, "-m", "pytest", "-n", "0", "--timeout", "3000", proof]


def run(step: str, command: list[str], environment: Mapping[str, str]) -> Outcome:
    print(f"\n== {step} ==", flush=True)
    began = time.monotonic()
    status = subprocess.run(command, env=environment).returncode
    return Outcome(step, f"FAILED (exit status {status})" if status else "passed", time.monotonic() - began)


def run_on_postgres(options: Sequence[str], environment: Mapping[str, str]) -> Outcome:
    step = "tests on PostgreSQL"
    reason = missing_reason("postgres")
    if reason:
        return Outcome(step, f"FAILED: {reason}, and REQUIRE_SERVICES=1")
    with private_postgres() as url:
        return run(step, [*PYTEST, *options], {**environment, "DATABASE_URL": url})


def own_environment(given: Mapping[str, str], scratch: str) -> dict[str, str]:
    kept = {name: value for name, value in given.items() if not name.startswith(FOREIGN)}
    direct = {"NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost"}
    return kept | direct | {"DJANGO_SETTINGS_MODULE": "tests.settings", "TMPDIR": scratch}


if __name__ == "__main__":
    os.chdir(Path(__file__).resolve().parent.parent)
    sys.exit(main(sys.argv[1:]))
