"""A worker that prepares a document or grades a session, and kills itself at a chosen step.

`python -m tests.evaluation.killable_worker` reads lines of JSON. Each list holds the job (`prepare` or `grade`), the
row's ID, and the step at which the worker kills itself with SIGKILL, or 0 to finish the job. The answer to each line is
the number of steps taken, or 0 if the worker was killed.
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


def run_job(job: str, row_id: str, kill_step: int) -> int:
    steps = KillPoints(kill_step)
    httpx2.Client.send = lambda *args, **kwargs: steps.count_around(send, *args, **kwargs)  # type: ignore[method-assign]
    with steps.counting_queries(), contextlib.suppress(RetryLaterError):
        JOBS[job](UUID(row_id))
    return steps.reached


for line in sys.stdin:
    print_results([run_forked(partial(run_job, *json.loads(line)))])
