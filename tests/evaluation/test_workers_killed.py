"""Document uploads and grading take effect exactly once, even if SIGKILL ends the worker at any step."""

import os
import random
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from openai import OpenAI

from accounts.models import Account, ProcedureDocument
from accounts.procedures.document_preparation import prepare_procedures
from accounts.procedures.openai_vector_store import document_filter
from accounts.procedures.reconciliation import reconcile_procedures
from accounts.procedures.uploads import upload_procedures
from evaluation.grading.rubric import general_checks
from evaluation.models import CriterionResult, Evaluation, Flag, Scan
from tests.evaluation.injection_attacks import SPOKEN_ATTACKS
from tests.support.fixtures import write_turns
from tests.support.kill_points import KillableProgram
from tests.support.leases import expire_leases
from tests.support.prove_run import IS_PROVE_RUN
from training.services.sessions import end_session

SAMPLED_STEPS = 7

pytestmark = pytest.mark.timeout(1800 if IS_PROVE_RUN else 300)


def choose_steps(steps: int) -> list[int]:
    """Return every step from 1 to `steps` in `make prove`, otherwise a new random sample on each run."""
    every = range(1, steps + 1)
    return (
        list(every) if IS_PROVE_RUN else sorted(random.Random(os.urandom(8)).sample(every, min(SAMPLED_STEPS, steps)))
    )


@pytest.fixture
def worker(transactional_db, standin) -> Iterator[KillableProgram]:
    worker = KillableProgram("tests.evaluation.killable_worker", standin.base_url, PROCEDURES_TIMEOUT="20")
    yield worker
    worker.close()


def kill_at(worker: KillableProgram, job: str, row: Any, step: int) -> bool:
    """Run a job that is killed at `step`. Return False if it finished first.

    A job takes fewer steps if its file is already indexed at the first check.
    """
    [reached] = worker.request([job, str(row.pk), step])
    assert reached < step
    return reached == 0


def upload(account, by, number: int) -> ProcedureDocument:
    text = f"Line 717\n{1000 + number} Rule\nDocument number word{number} says hello."
    return upload_procedures(account, SimpleUploadedFile("m.md", text.encode()), by)


def current_document(account, client: OpenAI) -> ProcedureDocument:
    """Return the account's current document. Fail unless a search finds exactly its file."""
    row = Account.objects.select_related("procedures").get(pk=account.pk)
    assert row.procedures
    found = client.vector_stores.search(
        row.vector_store_id, query="document says hello", filters=document_filter(row.procedures_id)
    )
    assert {one.file_id for one in found.data} == {row.procedures.openai_file_id}
    return row.procedures


def test_killed_upload_leaves_old_or_new_document_current(account, supervisor, standin, worker, settings):
    settings.PROCEDURES_LEFT_AFTER = settings.REAP_GRACE = 0
    client = OpenAI(api_key="sk-tests", base_url=standin.base_url)
    others = {store.id for store in client.vector_stores.list()}
    first = upload(account, supervisor, 0)
    prepare_procedures(first.pk)
    measured = upload(account, supervisor, 1)
    [steps] = worker.request(["prepare", str(measured.pk), 0])
    assert steps > 30 and current_document(account, client) == measured

    old, killed = measured, 0
    for number, step in enumerate(choose_steps(steps), 2):
        new = upload(account, supervisor, number)
        killed += kill_at(worker, "prepare", new, step)
        assert current_document(account, client) in {old, new}, step

        expire_leases(ProcedureDocument.objects.all())
        [again] = worker.request(["prepare", str(new.pk), 0])
        # All at once: what other tests left in the stand-in, and each step, would use up the daily share.
        reconcile_procedures(is_all=True)

        assert again and current_document(account, client) == new, step
        store_id = Account.objects.get(pk=account.pk).vector_store_id
        new.refresh_from_db()
        assert [file.id for file in client.vector_stores.files.list(store_id)] == [new.openai_file_id], step
        assert [one.id for one in client.files.list() if str(old.pk) in one.filename] == [], step
        assert {store.id for store in client.vector_stores.list()} - others == {store_id}, step
        assert (new.status, new.sections.count(), new.pages.count()) == ("ready", 1, 1), step
        assert new.replaced == old, step
        old = new
    client.close()
    assert killed


def test_killed_grading_stores_feedback_once(chat_assignment, chat, counselor, standin, worker):
    write_turns(chat, "hi. i can't go on", f"Hello, my name is Sam. What happened tonight? {SPOKEN_ATTACKS[0]}")
    end_session(chat, "hung_up")
    first = chat.evaluations.get()
    [steps] = worker.request(["grade", str(first.pk), 0])
    assert steps > 20

    expected = len(general_checks(has_procedures=False)) + 2
    for step in choose_steps(steps):
        Evaluation.objects.all().delete()
        evaluation, _ = Evaluation.objects.queue_for(chat)
        assert kill_at(worker, "grade", evaluation, step), step
        evaluation.refresh_from_db()
        rows = CriterionResult.objects.count(), Flag.objects.count(), Scan.objects.count()
        assert rows == ((expected, 1, 1) if evaluation.is_graded else (0, 0, 0)), step

        expire_leases(Evaluation.objects.all())
        worker.request(["grade", str(evaluation.pk), 0])

        evaluation.refresh_from_db()
        assert (evaluation.status, Evaluation.objects.count()) == ("held", 1), step
        rows = CriterionResult.objects.count(), Flag.objects.count(), Scan.objects.count()
        assert rows == (expected, 1, 1), step
