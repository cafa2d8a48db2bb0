"""Installation in a fresh clone, and reset of the demo: `python config/launcher/bootstrap.py demo | test | reset`.

Uses the standard library only. Every Python 3 must be able to parse this file, so that an old one can print
the message about its version.
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

MINIMUM_PYTHON = (3, 11)


def explain_old_python(version: tuple, name: str) -> str:
    """Return the message for a Python that is too old, or "" for a supported one."""
    if version[:2] >= MINIMUM_PYTHON:
        return ""
    return (
        f"Steadyline needs Python {format_version(MINIMUM_PYTHON)} or newer. This is "
        f"{format_version(version[:3])} ({name}). "
        "Install a newer version, or choose one: make demo PYTHON=python3.12"
    )


def format_version(version: tuple) -> str:
    return ".".join(str(part) for part in version)


_old_python_message = explain_old_python(
    tuple(sys.version_info), sys.argv[-1] if len(sys.argv) == 3 else sys.executable
)
if _old_python_message:
    sys.exit(_old_python_message)

THIS_PYTHON = format_version(sys.version_info[:2])
ROOT = Path(__file__).resolve().parents[2]
INSTALL_BYTES = 1_500_000_000  # bytes: packages plus pip's temporary files

# Lock files that each purpose installs. The developers' lock contains the product's packages at the same versions.
REQUIREMENTS = {"demo": ["requirements.txt"], "test": ["requirements-dev.txt", "requirements.txt"]}

# Everything that the demo leaves in its data folder. Other files there are never deleted.
DEMO_DATA = ["demo.sqlite3*", "demo.log*", "files", "spool", "secret-key", "installation-id", "openai-url", "openai"]


class SetupError(Exception):
    """Setup failure, with a one-line message for the user."""


class Installer:
    """Installer that keeps a virtual environment in line with the lock files. Stamps in it record what is installed."""

    def __init__(self, root: Path, python: str, bytes_needed: int = INSTALL_BYTES) -> None:
        self.root = root
        self.python = python
        self.bytes_needed = bytes_needed
        self.venv = root / ".venv"
        self.log = root / "var" / "install.log"

    def install(self, purpose: str) -> bool:
        """Install what is missing. Return True if anything was."""
        if self.is_installed(purpose):
            return False
        self.check_prerequisites()
        self.log.parent.mkdir(exist_ok=True)
        with hold_lock(
            self.log.with_suffix(".lock"), "Another installation is running in this folder. Wait until it has finished."
        ):
            print("Installing into .venv. This happens once and takes about a minute …", flush=True)
            self.make_venv()
            self.pip_install(REQUIREMENTS[purpose][0])
            for lock in REQUIREMENTS[purpose]:
                self.stamp_path(lock).write_text(self.digest(lock))
            self.unfinished_marker.unlink()
        return True

    def is_installed(self, purpose: str) -> bool:
        return (
            not self.unfinished_marker.exists()
            and (self.venv / "bin" / "python").exists()
            and all(self.has_installed(lock) for lock in REQUIREMENTS[purpose])
        )

    def has_installed(self, lock: str) -> bool:
        stamp = self.stamp_path(lock)
        return stamp.exists() and stamp.read_text() == self.digest(lock)

    def check_prerequisites(self) -> None:
        if not os.access(self.root, os.W_OK):
            raise SetupError(f"Steadyline installs into its own folder, but you cannot write to {self.root}.")
        free = shutil.disk_usage(self.root).free
        if free < self.bytes_needed:
            raise SetupError(
                f"Steadyline needs {self.bytes_needed / 1e9:.1f} GB of free disk space to install. "
                f"{self.root} has {free / 1e9:.1f} GB. Free up some space and try again."
            )
        if find_spec("venv") is None or find_spec("ensurepip") is None:
            raise SetupError(
                "This Python cannot create virtual environments. "
                f"On Debian and Ubuntu: apt install python{THIS_PYTHON}-venv"
            )

    def make_venv(self) -> None:
        # Keep a developer's own environment and add to it. Recreate an unfinished environment, or one from another
        # Python, because neither can be repaired.
        must_recreate = self.venv.exists() and (self.unfinished_marker.exists() or not self.matches_this_python())
        options = ["--clear"] if must_recreate else []
        self.unfinished_marker.touch()
        self.run([self.python, "-m", "venv", *options, str(self.venv)], "The virtual environment could not be created.")

    def matches_this_python(self) -> bool:
        python = str(self.venv / "bin" / "python")
        program = "import sys; print(*sys.version_info[:2], sep='.')"
        try:
            result = subprocess.run([python, "-c", program], stdout=subprocess.PIPE, text=True)
        except OSError:
            return False
        return result.stdout.strip() == THIS_PYTHON

    def pip_install(self, lock: str) -> None:
        python = str(self.venv / "bin" / "python")
        options = ["--quiet", "--no-input", "--disable-pip-version-check", "--require-hashes"]
        failure = "The packages could not be installed. Check your network connection."
        self.run([python, "-m", "pip", "install", *options, "-r", lock], failure)

    def prepare_first_start(self) -> None:
        """Do at installation what would delay the first start. The demo repeats it only after files have changed."""
        python = str(self.venv / "bin" / "python")
        self.run([python, "-m", "config.launcher.static_files"], "The static files could not be collected.")
        self.run([python, "-m", "config.launcher.seed"], "The demo's history could not be prepared.")

    def run(self, command: list[str], failure: str) -> None:
        with self.log.open("w") as log:
            result = subprocess.run(command, cwd=self.root, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        if result.returncode:
            # pip failed and cleaned up after itself. The marker is for killed installations only.
            self.unfinished_marker.unlink(missing_ok=True)
            raise SetupError(f"{failure} See {self.log}")

    def digest(self, lock: str) -> str:
        return f"{hashlib.sha256((self.root / lock).read_bytes()).hexdigest()} for Python {THIS_PYTHON}"

    def stamp_path(self, lock: str) -> Path:
        return self.venv / f"installed-{lock}"

    @property
    def unfinished_marker(self) -> Path:
        return self.log.with_name("install-unfinished")


@contextmanager
def hold_lock(path: Path, message: str) -> Iterator[None]:
    """Hold a lock file. Raise SetupError if another process holds it. The kernel releases it when the process ends."""
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise SetupError(message) from None
        yield


def data_folder(root: Path = ROOT) -> Path:
    return Path(os.environ.get("STEADYLINE_VAR") or root / "var").resolve()


def delete_demo_data(var: Path) -> None:
    """Delete the demo's data. Raise SetupError while the demo is running."""
    var.mkdir(parents=True, exist_ok=True)
    with hold_lock(var / "demo.lock", "The demo is running. Stop it first: press Ctrl-C in its terminal."):
        for pattern in DEMO_DATA:
            for path in var.glob(pattern):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
    print("Deleted the demo's data. The next `make demo` starts from scratch.")


def main(purpose: str) -> None:
    if purpose == "reset":
        delete_demo_data(data_folder())
    else:
        # Inside .venv, this is the Python that created the environment.
        installer = Installer(ROOT, getattr(sys, "_base_executable", sys.executable))
        if installer.install(purpose):
            installer.prepare_first_start()


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except SetupError as error:
        sys.exit(str(error))
    except OSError as error:
        sys.exit(f"Steadyline could not set up its folder: {error}")
    except KeyboardInterrupt:
        sys.exit("Stopped. Run `make demo` again to continue.")
