"""A worker that prepares a document or grades a session, and kills itself at a chosen step.

`python -m tests.evaluation.killable_worker` reads lines of JSON. Each is a list of the job (`prepare` or `grade`), the
row's ID, and the number of the step at which to die by SIGKILL, or 0 to run to the end. For each line it prints the
number of steps taken, or 0 if it was killed.
"""

import contextlib
import json
import sys
from functools import partial
from uuid import UUID

import django
import httpx2

django.setup()


from accounts.procedures import document_preparation  # noqa: E402  (model imports need django.setup() first)
from accounts.services.leases import RetryLaterError  # noqa: E402
from evaluation.services import grading  # noqa: E402
from tests.support.kill_points import KillPoints, print_results, run_forked  # noqa: E402

JOBS = {"prepare": document_preparation.prepare_procedures, "grade": grading.grade_evaluation}
send = httpx2.Client.send


def run_job(what: str, row: str, death: int) -> int:
    steps = KillPoints(death)
    httpx2.Client.send = lambda *given, **named: steps.count_around(send, *given, **named)  # type: ignore[method-assign]
    with steps.counting_queries(), contextlib.suppress(RetryLaterError):
        JOBS[what](UUID(row))
    return steps.reached


for line in sys.stdin:
    print_results([run_forked(partial(run_job, *json.loads(line)))])
