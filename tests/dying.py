"""Workers that die where they are told: at one step of their work, by SIGKILL, in a process of their own.

Steps are the statements to the database and the requests to other servers, once before and once after each.
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

from tests.voicegateway.gateway_process import ROOT, own_environment


class Steps:
    def __init__(self, death: int) -> None:
        self.death = death
        self.taken = 0
        self._numbers = itertools.count(1)

    def step(self, **_: Any) -> None:
        self.taken = next(self._numbers)
        if self.taken == self.death:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, call: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        self.step()
        result = call(*arguments, **named)
        self.step()
        return result

    @contextmanager
    def counting_statements(self) -> Iterator[None]:
        from django.db import connection  # noqa: PLC0415  (the program that dies sets Django up first)

        with connection.execute_wrapper(self.around):
            yield


def fork(work: Callable[[], int]) -> int:
    """The end of a pipe on which a process of its own says what its work returned; nothing if it died."""
    reader, writer = os.pipe()
    if os.fork() == 0:
        try:
            os.write(writer, str(work()).encode())
        finally:
            os._exit(0)
    os.close(writer)
    return reader


def answer(readers: list[int]) -> None:
    """Wait for them all, and print what became of each: its steps, or 0 if it was killed."""
    taken = [int(os.read(reader, 100) or b"0") for reader in readers]
    for reader in readers:
        os.close(reader)
        os.wait()
    print(json.dumps(taken), flush=True)


class DyingProgram:
    """A program of ours that reads lines of JSON and prints one for each."""

    def __init__(self, module: str, openai_url: str = "http://127.0.0.1:9/v1", **environment: str) -> None:
        settings = {"DJANGO_SETTINGS_MODULE": "config.settings"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", module],
            cwd=ROOT,
            env=own_environment(openai_url) | settings | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, line: Any) -> Any:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps(line) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self) -> None:
        self.process.communicate(timeout=30)
