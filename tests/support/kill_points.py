"""Workers that kill themselves with SIGKILL at a chosen step of their work, each in its own process.

Each database statement and each request to another server counts as two steps, one before it and one after it.
"""

import itertools
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tests.voicegateway.gateway_process import ROOT, process_environment


class KillPoints:
    def __init__(self, kill_at: int) -> None:
        self.kill_at = kill_at
        self.reached = 0
        self._numbers = itertools.count(1)

    def reach(self, **_: Any) -> None:
        self.reached = next(self._numbers)
        if self.reached == self.kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def count_around(self, call: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        self.reach()
        result = call(*arguments, **named)
        self.reach()
        return result

    @contextmanager
    def counting_queries(self) -> Iterator[None]:
        from django.db import connection  # noqa: PLC0415  (the program under test sets Django up first)

        with connection.execute_wrapper(self.count_around):
            yield


def run_forked(work: Callable[[], int]) -> int:
    """Run `work` in a forked process and return a pipe to read its result from.

    The pipe stays empty if the process dies.
    """
    reader, writer = os.pipe()
    if os.fork() == 0:
        try:
            os.write(writer, str(work()).encode())
        finally:
            os._exit(0)
    os.close(writer)
    return reader


def print_results(readers: list[int]) -> None:
    """Wait for all processes and print each one's number of steps, or 0 if it was killed."""
    step_counts = [int(os.read(reader, 100) or b"0") for reader in readers]
    for reader in readers:
        os.close(reader)
        os.wait()
    print(json.dumps(step_counts), flush=True)


class KillableProgram:
    """A module of this project, run in its own process, that answers each line of JSON with one line."""

    def __init__(self, module: str, openai_url: str = "http://127.0.0.1:9/v1", **environment: str) -> None:
        settings = {"DJANGO_SETTINGS_MODULE": "config.settings"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", module],
            cwd=ROOT,
            env=process_environment(openai_url) | settings | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def request(self, message: Any) -> Any:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps(message) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self) -> None:
        self.process.communicate(timeout=60)
