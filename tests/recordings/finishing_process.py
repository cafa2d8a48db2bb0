"""A worker that finishes recordings and is killed at a given step: `python -m tests.recordings.finishing_process`.

Each input line is a JSON list with one number per finisher. The finishers run at the same time, each in its own
process. A number is the step at which its finisher is killed with SIGKILL; 0 lets the finisher run to its end. The
answer is a list of the steps each finisher took, or 0 for one that was killed.
"""

import json
import sys
from functools import partial

import django

django.setup()

from recordings.services.finishing import sweep_recordings  # noqa: E402  (after Django is set up)
from recordings.storage import object_store  # noqa: E402
from tests.support.kill_points import KillPoints, print_results, run_forked  # noqa: E402


def finish_once(kill_step: int) -> int:
    steps = KillPoints(kill_step)
    events = object_store().client.meta.events  # type: ignore[attr-defined]
    events.register("before-send.s3", steps.reach)
    events.register("response-received.s3", steps.reach)
    with steps.counting_queries():
        sweep_recordings()
    return steps.reached


for line in sys.stdin:
    print_results([run_forked(partial(finish_once, kill_step)) for kill_step in json.loads(line)])
