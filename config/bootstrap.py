"""Prepares a fresh clone, or clears it: `python config/bootstrap.py demo | test | reset`. Standard library only.

Every Python 3 must be able to read this file, so that an old one can say what it lacks.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

NEEDED = (3, 11)


def python_complaint(version: tuple, name: str) -> str:
    """What to tell somebody whose Python is too old, else nothing."""
    if version[:2] >= NEEDED:
        return ""
    return (
        f"Steadyline needs Python {dotted(NEEDED)} or newer; this is {dotted(version[:3])} ({name}). "
        "Install a newer one or say which: make demo PYTHON=python3.12"
    )


def dotted(version: tuple) -> str:
    return ".".join(str(part) for part in version)


_complaint = python_complaint(tuple(sys.version_info), sys.argv[-1] if len(sys.argv) == 3 else sys.executable)
if _complaint:
    sys.exit(_complaint)

THIS_PYTHON = dotted(sys.version_info[:2])
ROOT = Path(__file__).resolve().parent.parent
INSTALL_NEEDS = 1_500_000_000  # bytes: packages, and what pip unpacks on the way

# What each purpose installs; the developers' lock holds the product's, at the same versions.
LOCKS = {"demo": ["requirements.txt"], "test": ["requirements-dev.txt", "requirements.txt"]}

# All that a try-out leaves in its data folder. Nothing else there is ours to delete.
DEMO_DATA = ["demo.sqlite3*", "demo.log*", "files", "spool", "secret-key", "openai-url", "openai"]


class Refused(Exception):
    """The one line that a person has to read."""


class Installer:
    """Keeps a virtual environment equal to the locks, and remembers in it which ones it holds."""

    def __init__(self, root: Path, python: str, bytes_needed: int = INSTALL_NEEDS) -> None:
        self.root = root
        self.python = python
        self.bytes_needed = bytes_needed
        self.venv = root / ".venv"
        self.log = root / "var" / "install.log"

    def install(self, purpose: str) -> None:
        if self.is_installed(purpose):
            return
        self.refuse_early()
        self.log.parent.mkdir(exist_ok=True)
        with exclusive(self.log.with_suffix(".lock"), "Another installation is under way in this folder."):
            print("Installing into .venv (once, about a minute) …", flush=True)
            self.make_venv()
            self.pip_install(LOCKS[purpose][0])
            for lock in LOCKS[purpose]:
                self.stamp(lock).write_text(self.digest(lock))
            self.unfinished.unlink()

    def is_installed(self, purpose: str) -> bool:
        return (
            not self.unfinished.exists()
            and (self.venv / "bin" / "python").exists()
            and all(self.holds(lock) for lock in LOCKS[purpose])
        )

    def holds(self, lock: str) -> bool:
        stamp = self.stamp(lock)
        return stamp.exists() and stamp.read_text() == self.digest(lock)

    def refuse_early(self) -> None:
        if not os.access(self.root, os.W_OK):
            raise Refused(f"Steadyline installs into its own folder, and {self.root} cannot be written to.")
        free = shutil.disk_usage(self.root).free
        if free < self.bytes_needed:
            raise Refused(
                f"Steadyline needs {self.bytes_needed / 1e9:.1f} GB of free disk to install; "
                f"{self.root} has {free / 1e9:.1f} GB. Free some and try again."
            )
        if find_spec("venv") is None or find_spec("ensurepip") is None:
            raise Refused(
                "This Python cannot make virtual environments. "
                f"On Debian and Ubuntu: apt install python{THIS_PYTHON}-venv"
            )

    def make_venv(self) -> None:
        # A developer's own environment is added to; half a one, or another Python's, cannot be mended.
        afresh = self.venv.exists() and (self.unfinished.exists() or not self.is_of_this_python())
        options = ["--clear"] if afresh else []
        self.unfinished.touch()
        self.run([self.python, "-m", "venv", *options, str(self.venv)], "The virtual environment could not be made.")

    def is_of_this_python(self) -> bool:
        python = str(self.venv / "bin" / "python")
        question = "import sys; print(*sys.version_info[:2], sep='.')"
        try:
            answer = subprocess.run([python, "-c", question], stdout=subprocess.PIPE, text=True)
        except OSError:
            return False
        return answer.stdout.strip() == THIS_PYTHON

    def pip_install(self, lock: str) -> None:
        python = str(self.venv / "bin" / "python")
        options = ["--quiet", "--no-input", "--disable-pip-version-check", "--require-hashes"]
        failure = "The packages could not be installed. Is there a network?"
        self.run([python, "-m", "pip", "install", *options, "-r", lock], failure)

    def run(self, command: list[str], failure: str) -> None:
        with self.log.open("w") as log:
            result = subprocess.run(command, cwd=self.root, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        if result.returncode:
            # It gave up by itself and tidied; only what was killed is half done.
            self.unfinished.unlink()
            raise Refused(f"{failure} What happened stands in {self.log}")

    def digest(self, lock: str) -> str:
        return f"{hashlib.sha256((self.root / lock).read_bytes()).hexdigest()} for Python {THIS_PYTHON}"

    def stamp(self, lock: str) -> Path:
        return self.venv / f"installed-{lock}"

    @property
    def unfinished(self) -> Path:
        return self.log.with_name("install-unfinished")


@contextmanager
def exclusive(path: Path, complaint: str) -> Iterator[None]:
    """Hold a lock file, which the kernel lets go of however this process ends."""
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Refused(complaint) from None
        yield


def data_folder(root: Path = ROOT) -> Path:
    return Path(os.environ.get("STEADYLINE_VAR") or root / "var").resolve()


def reset(var: Path) -> None:
    """Delete what the try-out kept. Raises Refused while it runs."""
    var.mkdir(parents=True, exist_ok=True)
    with exclusive(var / "demo.lock", "The demo is running. Stop it first (Ctrl-C where it runs)."):
        for pattern in DEMO_DATA:
            for path in var.glob(pattern):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
    print("The demo's data is gone. The next `make demo` starts afresh.")


def main(purpose: str) -> None:
    if purpose == "reset":
        reset(data_folder())
    else:
        # From within .venv this is the Python that it was made with.
        Installer(ROOT, getattr(sys, "_base_executable", sys.executable)).install(purpose)


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except Refused as refusal:
        sys.exit(str(refusal))
    except OSError as error:
        sys.exit(f"Steadyline could not prepare its folder: {error}")
    except KeyboardInterrupt:
        sys.exit("Stopped. `make demo` goes on from here.")
