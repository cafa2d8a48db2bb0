import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from config.launcher.bootstrap import (
    DEMO_DATA,
    ROOT,
    Installer,
    SetupError,
    delete_demo_data,
    explain_old_python,
    hold_lock,
)

OLD_PYTHON = """#!/bin/sh
# Reports version 3.8.2 to every program that it runs.
case "$1" in
  -c) exec {python} -c "import sys; sys.version_info = (3, 8, 2, 'final', 0); exec(sys.argv.pop(1))" "$2" ;;
  *) exec {python} -c "import runpy, sys; sys.version_info = (3, 8, 2, 'final', 0); sys.argv.pop(0)
runpy.run_path(sys.argv[0], run_name='__main__')" "$@" ;;
esac
"""


def create_clone(folder: Path) -> Path:
    """Create the part of a fresh clone that the bootstrap reads, with empty lock files, and return its folder."""
    (folder / "config" / "launcher").mkdir(parents=True)
    shutil.copy(ROOT / "Makefile", folder)
    shutil.copy(ROOT / "config" / "launcher" / "bootstrap.py", folder / "config" / "launcher")
    for lock in ("requirements.txt", "requirements-dev.txt"):
        (folder / lock).write_text("")
    return folder


def write_script(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o755)
    return path


def test_supported_python_is_accepted():
    assert explain_old_python((3, 11, 0), "python3") == ""
    assert explain_old_python((3, 14, 1), "python3") == ""


def test_old_python_is_refused_in_one_line(tmp_path):
    folder = create_clone(tmp_path / "clone")
    old = write_script(tmp_path / "old-python3", OLD_PYTHON.format(python=sys.executable))

    # Drop the MAKE variables of `make test`: a nested make prints the folders that it enters and leaves.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    result = subprocess.run(
        ["make", "demo", f"PYTHON={old}"], cwd=folder, env=environment, capture_output=True, text=True
    )

    assert result.returncode != 0
    assert result.stdout == ""
    assert result.stderr.splitlines()[0] == (
        f"Steadyline needs Python 3.11 or newer. This is 3.8.2 ({old}). "
        "Install a newer version, or choose one: make demo PYTHON=python3.12"
    )


def test_make_uses_the_first_supported_python(tmp_path):
    folder = create_clone(tmp_path / "clone")
    programs = tmp_path / "bin"
    programs.mkdir()
    write_script(programs / "python3.14", "#!/bin/sh\necho 'not installed in this version' >&2; exit 127\n")
    write_script(programs / "python3.13", OLD_PYTHON.format(python=sys.executable))
    write_script(programs / "python3.12", f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    path = f"{programs}:{os.environ['PATH']}"

    result = subprocess.run(["make", "-n", "demo"], cwd=folder, env={"PATH": path}, capture_output=True, text=True)

    assert 'python="python3.12"' in result.stdout


def test_full_disk_is_refused_before_installation(tmp_path):
    folder = create_clone(tmp_path / "clone")

    with pytest.raises(SetupError, match="needs 1000000000.0 GB of free disk"):
        Installer(folder, sys.executable, bytes_needed=10**18).install("demo")

    assert not (folder / ".venv").exists()


def test_installation_runs_once_until_the_lock_file_changes(tmp_path, capsys):
    installer = Installer(create_clone(tmp_path / "clone"), sys.executable)

    installer.install("demo")
    first = capsys.readouterr().out
    installer.install("demo")
    second = capsys.readouterr().out
    (tmp_path / "clone" / "requirements.txt").write_text("# another version\n")

    assert (first, second) == ("Installing into .venv. This happens once and takes about a minute …\n", "")
    assert not installer.is_installed("demo")
    assert not installer.is_installed("test")


@pytest.mark.prove
def test_interrupted_installation_starts_over(tmp_path):
    installer = Installer(create_clone(tmp_path / "clone"), sys.executable)
    installer.install("demo")
    half_written = tmp_path / "clone" / ".venv" / "half-written"
    half_written.touch()
    installer.unfinished_marker.touch()

    installer.install("demo")

    assert installer.is_installed("demo")
    assert not half_written.exists()


@pytest.mark.prove
def test_pip_failure_is_reported_in_one_line_with_its_log(tmp_path):
    folder = create_clone(tmp_path / "clone")
    (folder / "requirements.txt").write_text("./does-not-exist --hash=sha256:" + "0" * 64 + "\n")
    installer = Installer(folder, sys.executable)

    with pytest.raises(SetupError, match="could not be installed") as refused:
        installer.install("demo")

    assert str(refused.value).count("\n") == 0
    assert str(installer.log) in str(refused.value)
    assert "does-not-exist" in installer.log.read_text()
    assert not installer.is_installed("demo")


def test_lock_is_exclusive(tmp_path):
    with hold_lock(tmp_path / "lock", "taken"), (tmp_path / "lock").open() as other, pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_reset_deletes_only_the_demos_data(tmp_path):
    for pattern in DEMO_DATA:
        (tmp_path / pattern.replace("*", "")).touch()
    (tmp_path / "files" / "recordings").parent.unlink()
    (tmp_path / "files" / "recordings").mkdir(parents=True)
    (tmp_path / "someones-notes").touch()

    delete_demo_data(tmp_path)

    assert {path.name for path in tmp_path.iterdir()} == {"demo.lock", "someones-notes"}


def test_reset_is_refused_while_the_demo_runs(tmp_path):
    (tmp_path / "demo.sqlite3").touch()

    with hold_lock(tmp_path / "demo.lock", "not locked before"), pytest.raises(SetupError, match="The demo is running"):
        delete_demo_data(tmp_path)

    assert (tmp_path / "demo.sqlite3").exists()
