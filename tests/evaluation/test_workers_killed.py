"""Workers killed (-9) at one step after another of an upload and of a grading: the effect is there once."""

import os
import random
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from openai import OpenAI

from accounts.models import Account, ProcedureDocument
from accounts.openai_procedures import only
from accounts.services.preparing import prepare_procedures
from accounts.services.reconciling import reconcile_procedures
from accounts.services.uploading import upload_procedures
from evaluation.models import CriterionResult, Evaluation, Flag, Scan
from evaluation.rubric import general_checks
from tests.dying import DyingProgram
from tests.evaluation.attacks import SPOKEN
from tests.people import converse
from training.services.sessions import end_session

IS_PROOF = bool(os.environ.get("STEADYLINE_PROVE"))
SAMPLED = 7
LONG_AGO = timedelta(days=1)

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(1800 if IS_PROOF else 120)]


def chosen(steps: int) -> list[int]:
    """Every step in a proof, else some of them, others each time."""
    every = range(1, steps + 1)
    return list(every) if IS_PROOF else sorted(random.Random(os.urandom(8)).sample(every, min(SAMPLED, steps)))


@pytest.fixture
def worker(transactional_db, standin) -> Iterator[DyingProgram]:
    worker = DyingProgram("tests.evaluation.dying_worker", standin.base_url, PROCEDURES_TIMEOUT="20")
    yield worker
    worker.close()


def upload(account, by, number: int) -> ProcedureDocument:
    text = f"Line 717\n{1000 + number} Rule\nDocument number word{number} says hello."
    return upload_procedures(account, SimpleUploadedFile("m.md", text.encode()), by)


def in_force(account, client: OpenAI) -> ProcedureDocument:
    """The document that counts, which a search finds, it and no other."""
    row = Account.objects.select_related("procedures").get(pk=account.pk)
    assert row.procedures
    found = client.vector_stores.search(
        row.vector_store_id, query="document says hello", filters=only(row.procedures_id)
    )
    assert {one.file_id for one in found.data} == {row.procedures.openai_file_id}
    return row.procedures


def test_at_every_step_of_an_upload_the_old_one_counts_or_the_new_one(account, supervisor, standin, worker, settings):
    settings.PROCEDURES_LEFT_AFTER = 0
    client = OpenAI(api_key="sk-tests", base_url=standin.base_url)
    others = {store.id for store in client.vector_stores.list()}
    first = upload(account, supervisor, 0)
    prepare_procedures(first.pk)
    measured = upload(account, supervisor, 1)
    [steps] = worker.ask(["prepare", str(measured.pk), 0])
    assert steps > 30 and in_force(account, client) == measured

    old = measured
    for number, step in enumerate(chosen(steps), 2):
        new = upload(account, supervisor, number)
        assert worker.ask(["prepare", str(new.pk), step]) == [0], step
        assert in_force(account, client) in {old, new}, step

        ProcedureDocument.objects.update(touched_at=timezone.now() - LONG_AGO)
        [again] = worker.ask(["prepare", str(new.pk), 0])
        reconcile_procedures()

        assert again and in_force(account, client) == new, step
        store_id = Account.objects.get(pk=account.pk).vector_store_id
        new.refresh_from_db()
        assert [file.id for file in client.vector_stores.files.list(store_id)] == [new.openai_file_id], step
        assert [one.id for one in client.files.list() if one.filename.startswith(f"procedures-{old.pk}")] == [], step
        assert {store.id for store in client.vector_stores.list()} - others == {store_id}, step
        assert (new.status, new.sections.count(), new.pages.count()) == ("ready", 1, 1), step
        assert new.replaced == old, step
        old = new
    client.close()


def test_at_every_step_of_a_grading_the_feedback_is_there_once(chat_assignment, chat, counselor, standin, worker):
    converse(chat, "hi. i can't go on", f"Hello, my name is Sam. What happened tonight? {SPOKEN[0]}")
    end_session(chat, "hung_up")
    first = chat.evaluations.get()
    [steps] = worker.ask(["grade", str(first.pk), 0])
    assert steps > 20

    expected = len(general_checks(has_procedures=False)) + 2
    for step in chosen(steps):
        Evaluation.objects.all().delete()
        evaluation = Evaluation.objects.queue_for(chat)
        assert worker.ask(["grade", str(evaluation.pk), step]) == [0], step
        evaluation.refresh_from_db()
        rows = CriterionResult.objects.count(), Flag.objects.count(), Scan.objects.count()
        assert rows == ((expected, 1, 1) if evaluation.is_graded else (0, 0, 0)), step

        Evaluation.objects.update(touched_at=timezone.now() - LONG_AGO)
        worker.ask(["grade", str(evaluation.pk), 0])

        evaluation.refresh_from_db()
        assert (evaluation.status, Evaluation.objects.count()) == ("held", 1), step
        rows = CriterionResult.objects.count(), Flag.objects.count(), Scan.objects.count()
        assert rows == (expected, 1, 1), step
