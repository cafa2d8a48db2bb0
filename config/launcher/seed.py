"""Database and files with the demo's history, made once at installation and copied into every new demo.

Loading eight weeks of history takes longer than a demo may take to start.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from config.launcher.bootstrap import ROOT, SetupError

FOLDER = ROOT / "var" / "demo-seed"
SOURCES = ("accounts", "ai", "scenarios", "training", "recordings", "evaluation", "fixtures/demo", "config/launcher")
KINDS = (".py", ".json", ".md", ".txt", ".pdf", ".ulaw")
DATABASE = "demo.sqlite3"


def copy_seed(var: Path) -> int:
    """Copy the seed into a demo's empty data folder. Make it first if there is none, or if its sources have changed.

    Return the number of days since the seed was made.
    """
    with _lock():
        if not _is_current():
            _make_seed()
        made_at = datetime.fromisoformat((FOLDER / "made-at").read_text())
        shutil.copytree(FOLDER / "data" / "files", var / "files", dirs_exist_ok=True)
        # The database comes last: a folder with a database is never filled again.
        unfinished = var / f"{DATABASE}.unfinished"
        shutil.copyfile(FOLDER / "data" / DATABASE, unfinished)
        unfinished.rename(var / DATABASE)
    return (datetime.now(UTC).date() - made_at.date()).days


def make_seed() -> None:
    """Make the seed unless it is current."""
    with _lock():
        if not _is_current():
            _make_seed()


@contextmanager
def _lock() -> Iterator[None]:
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / "lock").open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _is_current() -> bool:
    stamp = FOLDER / "sources"
    return stamp.exists() and stamp.read_text() == _digest()


def _make_seed() -> None:
    """Load a new history in a process of its own, which has the settings of a demo."""
    (FOLDER / "sources").unlink(missing_ok=True)
    data = FOLDER / "data"
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(parents=True)
    made_at = datetime.now(UTC)
    environment = os.environ | {"STEADYLINE_VAR": str(data), "WEB_PORT": "8000", "GATEWAY_PORT": "8001"}
    command = [sys.executable, "-m", "config.launcher", "make-history"]
    result = subprocess.run(
        command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    if result.returncode:
        raise SetupError(f"The demo's history could not be prepared.\n{result.stderr[-2000:]}")
    shutil.rmtree(data / "spool", ignore_errors=True)
    (FOLDER / "made-at").write_text(made_at.isoformat())
    (FOLDER / "sources").write_text(_digest())


def _digest() -> str:
    """Return a hash of the files that the history is made from."""
    digest = hashlib.sha256(sys.version.encode())
    for folder in SOURCES:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in KINDS and "__pycache__" not in path.parts:
                digest.update(f"{path.relative_to(ROOT)}\n".encode() + path.read_bytes())
    return digest.hexdigest()


if __name__ == "__main__":
    make_seed()
