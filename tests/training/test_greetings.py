from datetime import timedelta

import pytest
from django.utils import timezone

from scenarios.models import Scenario
from tests.support.fixtures import run_concurrently
from training.models import EndReason, Session
from training.services.greetings import FALLBACK_GREETINGS, prepare_greeting
from training.services.session_start import start_assignment
from training.services.sessions import end_session
from training.services.turns import write_message
from training.tasks import prepare_greeting as prepare_greeting_task
from training.tasks import sweep_greetings

pytestmark = pytest.mark.both_databases


def age_greeting_claim(session: Session, settings) -> None:
    """Age the claim on the greeting so that its worker counts as lost."""
    long_ago = timezone.now() - timedelta(seconds=settings.GREETING_LOST_AFTER + 1)
    Session.objects.filter(pk=session.pk).update(greeting_touched_at=long_ago)


def count_requests(standin) -> int:
    return len(standin.logged_requests("http", "/v1/responses"))


def test_greeting_is_the_first_turn_of_a_chat(chat, standin):
    prepare_greeting_task(str(chat.pk))

    chat.refresh_from_db()
    [turn] = chat.transcript()
    assert (chat.greeting_status, turn.role, turn.source) == ("ready", "caller", "typed")
    assert turn.text_heard == turn.text_generated == chat.greeting != ""
    assert chat.revision == 1


def test_greeting_is_not_written_if_the_counselor_opens_the_chat(chat_assignment, standin):
    Scenario.objects.filter(pk=chat_assignment.scenario_id).update(opens="counselor")
    chat, _ = start_assignment(chat_assignment)

    prepare_greeting(chat.pk)

    chat.refresh_from_db()
    assert (chat.greeting_status, chat.transcript()) == ("ready", [])


def test_greeting_of_a_call_is_stored_without_a_turn(call, standin):
    prepare_greeting(call.pk)

    call.refresh_from_db()
    assert call.greeting_status == "ready" and call.greeting
    assert call.transcript() == []


def test_prepare_greeting_twice_generates_one_line(chat, standin):
    prepare_greeting(chat.pk)
    prepare_greeting(chat.pk)

    assert len(chat.transcript()) == 1
    assert count_requests(standin) == 1


@pytest.mark.django_db(transaction=True)
def test_prepare_greeting_concurrently_generates_one_line(chat, standin):
    results = run_concurrently(*[lambda: prepare_greeting(chat.pk)] * 3)

    assert results == [None, None, None]
    assert len(chat.transcript()) == 1
    assert count_requests(standin) == 1


def test_prepare_greeting_without_openai_uses_the_fallback(chat, call):
    prepare_greeting(chat.pk)
    prepare_greeting(call.pk)

    chat.refresh_from_db()
    call.refresh_from_db()
    assert (chat.greeting_status, chat.greeting, chat.status) == ("ready", FALLBACK_GREETINGS["chat"], "active")
    assert [turn.text_heard for turn in chat.transcript()] == [FALLBACK_GREETINGS["chat"]]
    assert (call.greeting_status, call.greeting, call.transcript()) == ("ready", FALLBACK_GREETINGS["phone"], [])


def test_generate_opening_limits_the_tokens(chat, standin):
    prepare_greeting(chat.pk)

    (request,) = standin.logged_requests("http", "/v1/responses")
    assert request["body"]["max_output_tokens"] == 200


@pytest.mark.parametrize("fault", [{"status": 400}, {"status": 401}])
def test_prepare_greeting_that_is_refused_uses_the_fallback(chat, standin, fault):
    standin.add_fault("POST /v1/responses", fault, times=None)

    prepare_greeting(chat.pk)

    chat.refresh_from_db()
    assert (chat.greeting_status, chat.greeting) == ("ready", FALLBACK_GREETINGS["chat"])


def test_prepare_greeting_retries_a_short_outage(chat, standin):
    standin.add_fault("POST /v1/responses", {"status": 503, "retry_after": 0})

    prepare_greeting(chat.pk)

    chat.refresh_from_db()
    assert chat.greeting_status == "ready"
    assert count_requests(standin) == 2


def test_sweep_greetings_retries_a_lost_claim(chat, standin, settings):
    Session.objects.update(greeting_attempts=1)
    prepare_greeting(chat.pk)
    assert count_requests(standin) == 0
    assert sweep_greetings() == 0

    age_greeting_claim(chat, settings)

    assert sweep_greetings() == 1
    prepare_greeting(chat.pk)
    chat.refresh_from_db()
    assert (chat.greeting_status, chat.greeting_attempts) == ("ready", 2)


def test_prepare_greeting_gives_up_after_task_attempts(chat, standin, settings):
    Session.objects.update(greeting_attempts=settings.TASK_ATTEMPTS)
    age_greeting_claim(chat, settings)

    prepare_greeting(chat.pk)

    chat.refresh_from_db()
    assert (chat.greeting_status, chat.greeting) == ("ready", FALLBACK_GREETINGS["chat"])
    assert count_requests(standin) == 0
    assert sweep_greetings() == 0


def test_prepare_greeting_writes_no_turn_after_the_counselor_wrote(chat, standin):
    write_message(chat, "Hello, I'm here.")

    prepare_greeting(chat.pk)

    chat.refresh_from_db()
    assert chat.greeting_status == "ready"
    assert [turn.role for turn in chat.transcript()] == ["counselor"]


def test_prepare_greeting_ignores_an_ended_chat(chat, standin):
    end_session(chat, EndReason.HUNG_UP)

    prepare_greeting(chat.pk)

    assert count_requests(standin) == 0
    assert chat.transcript() == []
