"""Collection of the static files on this machine: `python -m config.launcher.static_files` during installation."""

import fcntl
import os
from pathlib import Path
from tempfile import TemporaryDirectory

import django
from django.conf import settings
from django.core.management import call_command

from config.launcher.environment import UNREACHABLE_URL, demo_environment, standin_environment


def collect_static_files() -> None:
    """Collect the static files, unless the collected copy is current. Only one process at a time collects."""
    from config.storage.static import are_static_files_current  # noqa: PLC0415  (needs settings)

    folder = Path(settings.STATIC_ROOT)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not are_static_files_current():
            call_command("collectstatic", verbosity=0, interactive=False, skip_checks=True)


def main() -> None:
    # No key or address matters here. A temporary data folder keeps the demo's own as it is.
    with TemporaryDirectory() as scratch:
        os.environ |= demo_environment(Path(scratch), 8000, 8001, os.environ)
        os.environ |= standin_environment(UNREACHABLE_URL, os.environ)
        django.setup()
        collect_static_files()


if __name__ == "__main__":
    main()
