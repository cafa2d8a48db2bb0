"""Programs of this project as real processes, forked from a server that has already done the slow imports.

Starting a gateway takes 1.7 s of CPU, more than half of it for imports that never change.
"""

import gc
import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from multiprocessing.connection import wait
from multiprocessing.reduction import DupFd
from pathlib import Path
from threading import Lock
from typing import IO, Any

ROOT = Path(__file__).resolve().parents[2]

# Slow to import, and independent of Django's settings, which differ between programs.
PRELOADED = [
    "boto3",
    "celery.bin.celery",
    "django.contrib.postgres.fields",
    "django.core.management",
    "django.test.client",
    "environs",
    "numpy",
    "openai.resources.realtime",
    "openai.types.responses",
    "psycopg",
    "pydantic",
    "pypdf",
    "regex",
    "requests",
    "rich.console",
    "rich.table",
    "storages.backends.s3",
    "uvicorn",
    "uvloop",
    "websockets.asyncio.server",
]
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(PRELOADED)


class _Inherited:
    """A file descriptor that the new process receives a duplicate of."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __reduce__(self) -> tuple[Any, ...]:
        return _detach, (DupFd(self.number),)


def _detach(duplicate: Any) -> int:
    number: int = duplicate.detach()
    return number


class ForkedProgram:
    """A process that runs `python -m module *arguments`, with the parts of `subprocess.Popen` that tests need.

    It has only the given environment, and receives SIGTERM if this process ends first.
    """

    def __init__(
        self,
        module: str,
        *arguments: str,
        env: Mapping[str, str],
        cwd: Path = ROOT,
        output: IO[str] | None = None,
        start_new_session: bool = False,
    ) -> None:
        with open(os.devnull) as nothing, open(os.devnull, "w") as nowhere:
            files = [_Inherited(file.fileno()) for file in (nothing, output or nowhere)]
            self._process = FORKS.Process(
                target=_run, args=(module, arguments, dict(env), str(cwd), *files, start_new_session), daemon=True
            )
            self._process.start()
        assert self._process.pid
        self.pid = self._process.pid
        self._poll_lock = Lock()  # two threads that read the exit status at once would get a wrong one

    @property
    def returncode(self) -> int | None:
        return self.poll()

    def poll(self) -> int | None:
        """Return the exit status, negative if a signal ended it, or None while it runs."""
        with self._poll_lock:
            return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the process to end and return its exit status. Raise TimeoutExpired after `timeout` seconds."""
        wait([self._process.sentinel], timeout)
        status = self.poll()
        if status is None:
            raise subprocess.TimeoutExpired(self._process.name, timeout or 0)
        return status

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def _run(
    module: str,
    arguments: Sequence[str],
    environment: Mapping[str, str],
    folder: str,
    stdin: int,
    output: int,
    start_new_session: bool,
) -> None:
    """Turn this forked process into the program."""
    if start_new_session:
        os.setsid()
    for source, target in ((stdin, 0), (output, 1), (output, 2)):
        os.dup2(source, target)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    gc.freeze()  # the preloaded libraries, which all stay
    sys.path[0] = ""
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
