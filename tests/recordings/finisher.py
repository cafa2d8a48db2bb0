"""A worker that finishes recordings and dies where it is told: `python -m tests.recordings.finisher`.

Reads lines of JSON: a list of deaths, one for each of so many finishers that run at once, each in a process of its own.
A death is the number of the step at which it is killed (-9), or 0. Steps are the statements to the database and the
requests to S3, once before and once after each. Answers with what became of each: its steps, or 0 if it was killed.
"""

import itertools
import json
import os
import signal
import sys
from contextlib import contextmanager
from typing import Any

import django

django.setup()

from django.db import connection  # noqa: E402  (after Django is set up)

from recordings.services.finishing import sweep_recordings  # noqa: E402
from recordings.storage import object_store  # noqa: E402


class Steps:
    def __init__(self, death: int) -> None:
        self.death = death
        self.taken = 0
        self._numbers = itertools.count(1)

    def step(self, **_: Any) -> None:
        self.taken = next(self._numbers)
        if self.taken == self.death:
            os.kill(os.getpid(), signal.SIGKILL)

    @contextmanager
    def counted(self) -> Any:
        events = object_store().client.meta.events  # type: ignore[attr-defined]
        events.register("before-send.s3", self.step)
        events.register("response-received.s3", self.step)
        with connection.execute_wrapper(self._execute):
            yield

    def _execute(self, execute: Any, *arguments: Any) -> Any:
        self.step()
        result = execute(*arguments)
        self.step()
        return result


def finish(death: int, answer: int) -> None:
    steps = Steps(death)
    with steps.counted():
        sweep_recordings()
    os.write(answer, str(steps.taken).encode())


def fork(death: int) -> int:
    """The end of a pipe on which it says how many steps it took."""
    reader, writer = os.pipe()
    if os.fork() == 0:
        try:
            finish(death, writer)
        finally:
            os._exit(0)
    os.close(writer)
    return reader


for line in sys.stdin:
    readers = [fork(death) for death in json.loads(line)]
    taken = [int(os.read(reader, 100) or b"0") for reader in readers]
    for reader in readers:
        os.close(reader)
        os.wait()
    print(json.dumps(taken), flush=True)
