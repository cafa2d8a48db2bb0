"""Warm-up calls: two minutes with a friendly caller, never graded, recorded, or listed."""

from datetime import timedelta

import pytest
from django.db.models import F

from accounts.services.rate_limits import RateLimitExceededError
from evaluation.models import Evaluation
from evaluation.services.feedback_requests import request_feedback
from tests.support.fixtures import *  # noqa: F403
from tests.support.fixtures import client_of, write_turns
from training.models import EndReason, Session
from training.openai_caller import WARM_UP_PROMPT, caller_instructions
from training.services.errors import SessionRefusedError
from training.services.session_start import WARM_UP_GREETING, start_free_practice, start_warm_up
from training.services.sessions import end_session
from voicegateway.browser.consumers import call_limits
from voicegateway.process.admission import build_call_config

pytestmark = pytest.mark.django_db


@pytest.fixture
def warm_up(counselor) -> Session:
    return start_warm_up(counselor)[0]


def listed_titles(client) -> list[str]:
    return [row["title"] for row in client.get("/api/sessions/").json()["results"]]


def test_warm_up_is_a_trial_call_whose_greeting_is_ready(warm_up):
    config = build_call_config(warm_up, is_recorded=False)

    assert (warm_up.kind, warm_up.mode, warm_up.scenario_version, warm_up.title) == (
        "trial", "phone", None, "Warm-up call",
    )  # fmt: skip
    assert (config.greeting, config.caller_opens_after) == (WARM_UP_GREETING, 0.0)
    assert config.instructions == caller_instructions(warm_up) == WARM_UP_PROMPT


def test_live_warm_up_is_continued_and_excludes_another_call(counselor, warm_up):
    assert start_warm_up(counselor) == (warm_up, False)
    with pytest.raises(SessionRefusedError) as refused:
        start_free_practice(counselor, "phone")
    assert (refused.value.code, refused.value.session_id) == ("call_live", warm_up.pk)


def test_warm_up_ends_after_two_minutes_even_if_its_line_was_lost(warm_up, counselor):
    assert 119 < call_limits(warm_up).max_duration <= 120
    Session.objects.update(started_at=F("started_at") - timedelta(seconds=90))
    warm_up.refresh_from_db()
    assert 29 < call_limits(warm_up).max_duration <= 30
    Session.objects.update(started_at=F("started_at") - timedelta(hours=1))
    warm_up.refresh_from_db()
    assert call_limits(warm_up).max_duration == 1.0
    end_session(warm_up, EndReason.TOO_LONG)
    assert call_limits(start_free_practice(counselor, "phone")[0]).max_duration == 3600


@pytest.mark.parametrize("reason", [EndReason.HUNG_UP, EndReason.TOO_LONG, EndReason.STOPPED])
def test_warm_up_is_never_graded(warm_up, counselor, supervisor, reason):
    write_turns(warm_up, "Hello?", "I am fine, thank you.")
    for is_live in (True, False):
        with pytest.raises(SessionRefusedError) as refused:
            request_feedback(warm_up, counselor)
        assert refused.value.code == "warm_up"
        warm_up.refresh_from_db()
        assert warm_up.is_live == is_live
        end_session(warm_up, reason)

    assert Evaluation.objects.count() == 0


def test_warm_up_is_in_no_list(warm_up, counselor, supervisor):
    start_free_practice(counselor, "chat")
    for person in (counselor, supervisor):
        client = client_of(person)
        pages = [client.get(path).content.decode() for path in ("/", "/sessions/", "/team/", "/live/", "/attention/")]
        assert [page for page in pages if "Warm-up call" in page] == []
        assert listed_titles(client) == ["Free practice"]
        assert "Warm-up call" not in client.get("/admin/training/session/?kind__exact=trial").content.decode()


def test_page_of_an_ended_warm_up_leads_to_today(warm_up, counselor, supervisor):
    page = f"/sessions/{warm_up.pk}/"
    end_session(warm_up, EndReason.HUNG_UP)

    response = client_of(counselor).get(page, follow=True)

    assert response.redirect_chain == [("/", 302)]
    assert "That was the warm-up call." in response.content.decode()
    assert client_of(supervisor).get(page).status_code == 404


def test_api_starts_a_warm_up_without_further_fields(counselor):
    client = client_of(counselor)

    first, again = (client.post("/api/sessions/", {"type": "warm_up"}, "application/json") for _ in range(2))

    assert (first.status_code, again.status_code) == (201, 200)
    assert (first.json()["kind"], first.json()["mode"], first.json()["greeting"]) == ("trial", "phone", "ready")
    assert client.get("/training/voice/warm-up/").context["live_session_id"] == Session.objects.get().pk


def test_warm_up_counts_toward_the_rate_limit(counselor, settings):
    settings.SESSIONS_PER_HOUR = 1
    end_session(start_warm_up(counselor)[0], EndReason.HUNG_UP)

    with pytest.raises(RateLimitExceededError):
        start_warm_up(counselor)
