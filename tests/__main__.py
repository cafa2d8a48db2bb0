"""Every check, in order, to the end: `python -m tests [--fast | --lint | --prove] [what pytest understands]`."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.report import machine, write_section
from tests.services import missing, private_postgres

PYTHON = sys.executable
LINT: dict[str, list[str]] = {
    "ruff check": [PYTHON, "-m", "ruff", "check", "."],
    "ruff format": [PYTHON, "-m", "ruff", "format", "--check", "."],
    "import-linter": [str(Path(PYTHON).with_name("lint-imports"))],
    "mypy": [PYTHON, "-m", "mypy"],
    "migrations": [PYTHON, "manage.py", "makemigrations", "--check", "--dry-run"],
}
PYTEST = [PYTHON, "-m", "pytest", "-n", "2"]

# What `make prove` repeats at full count, with what it shows. Where there is PostgreSQL, on PostgreSQL.
PROOFS = {
    "tests/voicegateway/test_order.py": "10,000 shuffles of every legal order of events, three properties: the same "
    "transcript, no turn ever changes places, none is lost or doubled",
    "tests/voicegateway/test_gateway_kills.py": "a gateway killed (-9) at 20 random moments of one call: it goes on, "
    "no received audio and no finished turn is lost",
    "tests/recordings/test_finishers_killed.py": "three finishers of one recording at once on S3, killed (-9) at every "
    "statement and request: one object, one row, nothing left over",
    "tests/recordings/test_damage.py": "a spool cut off, or with a byte flipped, at every offset of its last 4 KiB: "
    "a valid recording; 40 power cuts cost a second at most",
    "tests/recordings/test_assembly.py": "30 minutes with an interruption every 3 s: channels within 20 ms of the "
    "truth, the length within 0.1 % of the clock",
    "tests/voicegateway/test_gateway_leftovers.py::test_calls_that_come_and_go_leave_nothing_behind": "500 calls that "
    "connect and drop: tasks, files and database connections are back at their baseline, no upstream socket is open",
    "tests/accounts/test_replacement.py": "150 runs of 25 steps of a document being replaced while OpenAI lags, "
    "fails, expires and forgets and workers die: one document counts at every moment, nothing is left over",
    "tests/test_api_fuzz.py": "2,000 cases of the API's own schema as each of nine people and systems, and every "
    "address that is read from with every id: no failure of ours, nothing of others",
    "tests/evaluation/test_workers_killed.py": "a worker killed (-9) at every statement and request of an upload and "
    "of a grading: the old document or the new one, the feedback once",
}

# What somebody has exported for their own use must not decide what is tested, nor whom tests reach.
FOREIGN = ("OPENAI_", "DATABASE_URL", "REDIS_URL", "STORAGE_URL", "SPOOL_DIR", "EMAIL_URL", "DJANGO_SETTINGS_MODULE")


@dataclass
class Outcome:
    step: str
    result: str
    seconds: float = 0.0

    @property
    def is_failure(self) -> bool:
        return self.result.startswith("FAILED")

    def __str__(self) -> str:
        return f"  {self.step:<22} {self.result}" + (f" ({self.seconds:.0f} s)" if self.seconds else "")


def main(arguments: list[str]) -> int:
    if "--prove" in arguments:
        return prove()
    for_pytest = [argument for argument in arguments if argument not in ("--fast", "--lint")]
    with tempfile.TemporaryDirectory(prefix="steadyline-") as scratch:
        environment = own_environment(os.environ, scratch)
        outcomes = [run(step, command, environment) for step, command in LINT.items()]
        if "--lint" not in arguments:
            lighter = [] if "--fast" in arguments or missing("postgres") else ["-m", "not heavy"]
            outcomes.append(run("tests on SQLite", [*PYTEST, *lighter, *for_pytest], environment))
        if "--lint" not in arguments and "--fast" not in arguments:
            outcomes.append(run_on_postgres(for_pytest, environment))
    print("\nSummary")
    print(*outcomes, sep="\n", flush=True)
    return 1 if any(outcome.is_failure for outcome in outcomes) else 0


def prove() -> int:
    """The heavy checks at full count, and what came of them for docs/measured.md."""
    reason = missing("postgres")
    with tempfile.TemporaryDirectory(prefix="steadyline-") as scratch:
        environment = own_environment(os.environ, scratch) | {"STEADYLINE_PROVE": "1"}
        if reason:
            print(f"On SQLite: {reason}")
            outcomes = [run(proof, proof_of(proof), environment) for proof in PROOFS]
        else:
            with private_postgres() as url:
                outcomes = [run(proof, proof_of(proof), {**environment, "DATABASE_URL": url}) for proof in PROOFS]
    rows = [f"| {PROOFS[one.step]} | {one.result} | {one.seconds:.0f} s |" for one in outcomes]
    table = "\n".join(["| what is repeated | result | took |", "|---|---|---:|", *rows])
    write_section("Proved", f"{machine()} On {'SQLite' if reason else 'PostgreSQL'}.\n\n{table}")
    print("\nSummary")
    print(*outcomes, sep="\n", flush=True)
    return 1 if any(outcome.is_failure for outcome in outcomes) else 0


def proof_of(proof: str) -> list[str]:
    return [PYTHON, "-m", "pytest", "-n", "0", "--timeout", "3000", proof]


def run(step: str, command: list[str], environment: Mapping[str, str]) -> Outcome:
    print(f"\n== {step} ==", flush=True)
    begun = time.monotonic()
    status = subprocess.run(command, env=environment).returncode
    return Outcome(step, f"FAILED (exit status {status})" if status else "passed", time.monotonic() - begun)


def run_on_postgres(for_pytest: list[str], environment: Mapping[str, str]) -> Outcome:
    step = "tests on PostgreSQL"
    reason = missing("postgres")
    if reason and environment.get("REQUIRE_SERVICES") == "1":
        return Outcome(step, f"FAILED: {reason}, and REQUIRE_SERVICES=1")
    if reason:
        return Outcome(step, f"SKIPPED: {reason}")
    with private_postgres() as url:
        return run(step, [*PYTEST, "-m", "not once", *for_pytest], {**environment, "DATABASE_URL": url})


def own_environment(given: Mapping[str, str], scratch: str) -> dict[str, str]:
    kept = {name: value for name, value in given.items() if not name.startswith(FOREIGN)}
    direct = {"NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost"}
    return kept | direct | {"DJANGO_SETTINGS_MODULE": "tests.settings", "TMPDIR": scratch}


if __name__ == "__main__":
    os.chdir(Path(__file__).resolve().parent.parent)
    sys.exit(main(sys.argv[1:]))
