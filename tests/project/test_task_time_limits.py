"""A task's soft time limit ends the claimed row at once, with a reason in words, wherever it strikes."""

import re
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from billiard.pool import SIG_SOFT_TIMEOUT, soft_timeout_sighandler
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.procedures.document_preparation import prepare_procedures
from accounts.procedures.uploads import upload_procedures
from ai.bounded_patterns import SearchBudgetError
from config.celery import app
from evaluation.models import DocumentationReview
from evaluation.services.documentation_comparison import compare_documentation
from evaluation.services.grading import grade_evaluation
from evaluation.tasks import grade_session
from scenarios.models import ScenarioDraft
from scenarios.services.draft_generation import generate_draft
from scenarios.services.import_writing import write_import
from tests.scenarios.import_factories import make_row, run_before_query, start_test_import
from tests.support.fixtures import *  # noqa: F403
from tests.support.servers import find_program, missing_reason, private_redis
from tests.support.worker_process import WorkerProcess
from training.services.greetings import FALLBACK_GREETINGS, prepare_greeting

ROOT = Path(__file__).parents[2]
OUT_OF_TIME = "This took too long and was stopped. Everything is saved. You can try again."
TOO_COSTLY = "The text took too long to search. It is saved. Remove long repetitions from it, and try again."


def reach_soft_limit() -> None:
    """Send the signal with which Celery's pool announces the soft limit to its child."""
    signal.pthread_kill(threading.main_thread().ident or 0, SIG_SOFT_TIMEOUT)


@pytest.fixture(autouse=True)
def soft_limit_handler() -> Iterator[None]:
    before = signal.signal(SIG_SOFT_TIMEOUT, soft_timeout_sighandler)
    yield
    signal.signal(SIG_SOFT_TIMEOUT, before)


@pytest.fixture
def slow_openai(settings) -> Iterator[list[int]]:
    """Reach the soft limit as soon as OpenAI has received a request, which it never answers."""
    requests: list[int] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with ExitStack() as held, suppress(OSError):  # the test has ended
                while True:
                    held.enter_context(connection := listener.accept()[0])
                    connection.recv(10)
                    requests.append(1)
                    reach_soft_limit()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        settings.OPENAI_BASE_URL = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
        yield requests
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(60)


def test_grading_out_of_time_fails_at_once(queued_evaluation, slow_openai):
    grade_evaluation(queued_evaluation.pk)

    queued_evaluation.refresh_from_db()
    assert (queued_evaluation.status, queued_evaluation.failure) == ("failed", OUT_OF_TIME)
    assert (queued_evaluation.available_at, slow_openai) == (None, [1])


def test_documentation_out_of_time_fails_at_once(finished_chat, slow_openai):
    review = DocumentationReview.objects.create(
        organization=finished_chat.organization, session=finished_chat, text="The caller passed the exam."
    )

    compare_documentation(review.pk)

    review.refresh_from_db()
    assert (review.status, review.failure, review.available_at) == ("failed", OUT_OF_TIME, None)
    assert slow_openai == [1]


def test_draft_out_of_time_fails_at_once_without_another_try(organization, supervisor, slow_openai):
    draft = ScenarioDraft.objects.create(
        organization=organization, created_by=supervisor, source="A caller complained.", mode="chat"
    )

    generate_draft(draft.pk)

    draft.refresh_from_db()
    assert (draft.status, draft.failure, draft.available_at) == ("failed", OUT_OF_TIME, None)
    assert slow_openai == [1]  # no other try


def test_greeting_out_of_time_is_the_fallback_at_once(chat, slow_openai):
    prepare_greeting(chat.pk)

    chat.refresh_from_db()
    assert (chat.greeting_status, chat.greeting) == ("ready", FALLBACK_GREETINGS["chat"])
    assert slow_openai == [1]


def test_procedures_out_of_time_fail_at_once(account, supervisor, slow_openai):
    text = b"Line 717\n1000 Rule\nAsk directly."
    document = upload_procedures(account, SimpleUploadedFile("p.md", text), supervisor)

    prepare_procedures(document.pk)

    document.refresh_from_db()
    assert (document.status, document.failure, document.available_at) == ("failed", OUT_OF_TIME, None)
    assert slow_openai == [1]


def test_import_out_of_time_fails_at_once(organization):
    job = start_test_import(organization, make_row())

    with run_before_query('INSERT INTO "scenarios_scenario"', reach_soft_limit):
        write_import(job.pk)

    job.refresh_from_db()
    assert (job.status, job.failure, job.available_at) == ("failed", OUT_OF_TIME, None)


@pytest.mark.prove
@pytest.mark.skipif(find_program("redis-server") is None, reason=missing_reason("redis-server"))
@pytest.mark.django_db(transaction=True)
def test_worker_with_a_short_soft_limit_fails_the_row(queued_evaluation, tmp_path):
    """The pool of a real worker announces the limit to its child, which waits for a server that never answers."""
    deadline = time.monotonic() + 60
    with private_redis() as redis_url, socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/v1"
        with WorkerProcess(tmp_path, redis_url, SWEEP_EVERY="600", OPENAI_BASE_URL=url) as worker:
            with app.connection_for_write(redis_url) as broker:
                grade_session.apply_async((str(queued_evaluation.pk),), soft_time_limit=1, connection=broker)
            while queued_evaluation.status in {"queued", "running"}:
                assert time.monotonic() < deadline, worker.output
                time.sleep(0.1)
                queued_evaluation.refresh_from_db()

    assert (queued_evaluation.status, queued_evaluation.failure) == ("failed", OUT_OF_TIME)


def test_grading_of_a_text_beyond_the_search_budget_fails_in_words(queued_evaluation, standin, monkeypatch):
    def search(text, is_document=False):
        raise SearchBudgetError("A search of 9 characters took more than 1.0 s.")

    monkeypatch.setattr("evaluation.services.grading.find_injections", search)

    grade_evaluation(queued_evaluation.pk)

    queued_evaluation.refresh_from_db()
    assert (queued_evaluation.status, queued_evaluation.failure) == ("failed", TOO_COSTLY)


def test_every_service_that_claims_rows_ends_them_in_time():
    """Recordings put themselves back after any exception; a delivery is shorter than the limit.

    The demo's history is written in one transaction.
    """
    texts = {
        str(path.relative_to(ROOT)): path.read_text()
        for app in ("accounts", "evaluation", "recordings", "scenarios", "training")
        for path in (ROOT / app).rglob("*.py")
        if path != ROOT / "accounts/models/leases.py"  # defines both ways to claim
    }
    claiming = {place for place, text in texts.items() if re.search(r"\.claim(?:_or_fail)?\(", text)}
    ending = {place for place, text in texts.items() if "fail_when_out_of_time(" in text}

    assert claiming - ending == {
        "accounts/integrations/deliveries.py",
        "evaluation/demo/grades.py",
        "recordings/services/finishing.py",
    }
    assert claiming & ending == {
        "accounts/procedures/document_preparation.py",
        "evaluation/services/documentation_comparison.py",
        "evaluation/services/grading.py",
        "scenarios/services/draft_generation.py",
        "scenarios/services/import_writing.py",
    }
