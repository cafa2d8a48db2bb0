"""A worker that finishes recordings and dies where it is told: `python -m tests.recordings.finisher`.

Reads lines of JSON: a list of deaths, one for each of so many finishers that run at once, each in a process of its own.
A death is the number of the step at which it is killed (-9), or 0. Answers with what became of each: its steps, or 0 if
it was killed.
"""

import json
import sys
from functools import partial

import django

django.setup()

from recordings.services.finishing import sweep_recordings  # noqa: E402  (after Django is set up)
from recordings.storage import object_store  # noqa: E402
from tests.dying import Steps, answer, fork  # noqa: E402


def finish(death: int) -> int:
    steps = Steps(death)
    events = object_store().client.meta.events  # type: ignore[attr-defined]
    events.register("before-send.s3", steps.step)
    events.register("response-received.s3", steps.step)
    with steps.counting_statements():
        sweep_recordings()
    return steps.taken


for line in sys.stdin:
    answer([fork(partial(finish, death)) for death in json.loads(line)])
