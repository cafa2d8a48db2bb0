from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from scenarios.models import Scenario
from scenarios.models.categories import Skill
from tests.support.fixtures import (
    CONTEXT_CANARY,
    PROMPT_CANARY,
    SECTIONS_CANARY,
    add_scenario,
    body_without_csrf_token,
    client_of,
)
from training.models import Assignment, Session
from training.services.session_start import start_free_practice, start_trial

PAGES = {"phone": "/training/voice/", "chat": "/training/chat/"}


@pytest.mark.parametrize("mode", ["phone", "chat"])
def test_practice_page_shows_only_what_a_counselor_may_know(mode, counselor, request):
    assignment = request.getfixturevalue(f"{mode}_assignment")
    Scenario.objects.update(description="Practice a written opening.")
    Assignment.objects.update(notes="Take your time.", due_date="2026-12-24")

    response = client_of(counselor).get(f"{PAGES[mode]}{assignment.pk}/")

    body = response.content.decode()
    assert response.status_code == 200
    assert assignment.scenario.title in body
    assert "Practice a written opening." in body and "Take your time." in body
    for secret in (PROMPT_CANARY, CONTEXT_CANARY, SECTIONS_CANARY):
        assert secret not in body
    assert Session.objects.count() == 0


def test_call_page_tells_what_is_practiced_and_on_whose_line(counselor, phone_assignment, account):
    scenario = phone_assignment.scenario
    scenario.skills.add(Skill.objects.create(organization=scenario.organization, name="Grounding"))
    Scenario.objects.update(account=account, content_notes="Loss of a job")

    body = client_of(counselor).get(f"/training/voice/{phone_assignment.pk}/").content.decode()

    assert "Grounding" in body and account.name in body and "Content note: Loss of a job" in body
    assert "You answer, so you speak first." in body

    Scenario.objects.update(opens="caller")

    assert "The caller speaks first." in client_of(counselor).get(f"/training/voice/{phone_assignment.pk}/").text


def test_practice_page_contains_the_id_of_its_live_session(counselor, chat, chat_assignment):
    response = client_of(counselor).get(f"/training/chat/{chat_assignment.pk}/")

    assert str(chat.pk) in response.content.decode()


def test_practice_page_shows_the_age_of_its_call(counselor, call, phone_assignment):
    Session.objects.filter(pk=call.pk).update(started_at=timezone.now() - timedelta(minutes=12))

    response = client_of(counselor).get(f"/training/voice/{phone_assignment.pk}/")

    assert response.context["live_seconds"] - 12 * 60 in range(60)


def test_practice_page_returns_404_in_another_mode(counselor, chat_assignment):
    assert client_of(counselor).get(f"/training/voice/{chat_assignment.pk}/").status_code == 404


def test_practice_page_returns_404_for_other_peoples_and_unknown_assignments(
    colleague, supervisor, stranger, chat_assignment
):
    for person in (colleague, supervisor, stranger):
        client = client_of(person)
        theirs = client.get(f"/training/chat/{chat_assignment.pk}/")
        unknown = client.get(f"/training/chat/{uuid4()}/")
        assert (theirs.status_code, body_without_csrf_token(theirs)) == (404, body_without_csrf_token(unknown))


def test_free_practice_page_accepts_only_library_scenarios(counselor, chat_scenario, organization, other_organization):
    client = client_of(counselor)
    hidden = [
        add_scenario(organization, "One time", is_one_time=True),
        add_scenario(organization, "Retired", is_active=False),
        add_scenario(organization, "Call", "phone"),
        add_scenario(other_organization, "Theirs"),
    ]

    response = client.get(f"/training/chat/free/?scenario={chat_scenario.pk}")

    assert (response.status_code, chat_scenario.title in response.content.decode()) == (200, True)
    assert PROMPT_CANARY not in response.content.decode()
    for scenario in [str(row.pk) for row in hidden] + [str(uuid4()), "717", ""]:
        assert client.get(f"/training/chat/free/?scenario={scenario}").status_code == 404


TRIALS = {"phone": "/training/voice/trial/", "chat": "/training/chat/trial/"}


@pytest.mark.parametrize("role", ["supervisor", "trainer", "admin"])
@pytest.mark.parametrize("mode", ["phone", "chat"])
def test_trial_page_works_in_either_mode_and_links_to_the_scenario(request, role, mode, organization):
    draft = add_scenario(organization, "A draft", is_one_time=True, is_active=False)

    response = client_of(request.getfixturevalue(role)).get(f"{TRIALS[mode]}{draft.pk}/")

    body = response.content.decode()
    assert response.status_code == 200
    assert "This is a trial of a draft." in body and "It doesn’t count toward assignments" in body
    assert f'href="/scenarios/{draft.pk}/try/"' in body
    assert f'data-kind="trial" data-mode="{mode}" data-assignment-id="" data-scenario-id="{draft.pk}"' in body
    assert PROMPT_CANARY not in body
    assert Session.objects.count() == 0


def test_trial_page_contains_only_the_id_of_its_own_live_trial(supervisor, admin, chat_scenario):
    start_free_practice(supervisor, "chat", chat_scenario)
    start_trial(supervisor, chat_scenario, "phone")
    start_trial(admin, chat_scenario, "chat")
    page = f"{TRIALS['chat']}{chat_scenario.pk}/"
    assert 'data-live-session-id=""' in client_of(supervisor).get(page).content.decode()

    live, _ = start_trial(supervisor, chat_scenario, "chat")

    body = client_of(supervisor).get(page).content.decode()
    assert f'data-live-session-id="{live.pk}"' in body
    assert "Start over without a grade" in body


def test_trial_page_returns_404_without_permission_to_change_scenarios(counselor, evaluator, stranger, chat_scenario):
    for person in (counselor, evaluator, stranger):
        client = client_of(person)
        for page in TRIALS.values():
            theirs, unknown = client.get(f"{page}{chat_scenario.pk}/"), client.get(f"{page}{uuid4()}/")
            assert (theirs.status_code, body_without_csrf_token(theirs)) == (404, body_without_csrf_token(unknown))


def test_practice_page_escapes_markup_in_a_title(counselor, chat_assignment):
    Scenario.objects.update(title="<script>alert(1)</script>", description='"><img src=x>')

    body = client_of(counselor).get(f"/training/chat/{chat_assignment.pk}/").content.decode()

    assert "<script>alert" not in body and "<img src=x" not in body
