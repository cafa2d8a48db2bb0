"""A worker that prepares a document or grades a conversation, and dies where it is told.

`python -m tests.evaluation.dying_worker` reads lines of JSON: what to do (`prepare` or `grade`), the row's id, and the
number of the step at which it is killed (-9), or 0. Answers with its steps, or 0 if it was killed.
"""

import contextlib
import json
import sys
from functools import partial
from uuid import UUID

import django
import httpx2

django.setup()


from accounts.services import preparing  # noqa: E402  (after Django is set up)
from evaluation.services import grading  # noqa: E402
from tests.dying import Steps, answer, fork  # noqa: E402

WORK = {"prepare": preparing.prepare_procedures, "grade": grading.grade}
send = httpx2.Client.send


def work(what: str, row: str, death: int) -> int:
    steps = Steps(death)
    httpx2.Client.send = lambda *given, **named: steps.around(send, *given, **named)  # type: ignore[method-assign]
    with steps.counting_statements(), contextlib.suppress(preparing.NotYet, grading.NotYet):
        WORK[what](UUID(row))
    return steps.taken


for line in sys.stdin:
    answer([fork(partial(work, *json.loads(line)))])
