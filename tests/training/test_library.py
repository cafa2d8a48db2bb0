"""The scenario library of counselors, on its page and in the API: filters, and one's own attempts and best score."""

import re

import pytest
from django.utils import timezone

from accounts.models import User
from evaluation.models import Evaluation
from evaluation.services.publishing import publish_feedback
from scenarios.models import Category, Scenario
from tests.support.fixtures import *  # noqa: F403
from tests.support.fixtures import client_of
from training.models import EndReason, Session
from training.services.session_start import start_assignment


def add_scenario(organization, title: str, **fields) -> Scenario:
    values = {"mode": "chat", "prompt": "You are calm.", "description": f"About {title}."} | fields
    return Scenario.objects.create(organization=organization, title=title, **values)


def take(person: User, scenario: Scenario, score: int | None = None, **fields) -> Session:
    values = {"kind": "free_practice", "mode": scenario.mode, "status": "completed", "ended_at": timezone.now()}
    return Session.objects.create(
        organization=person.organization, counselor=person, scenario=scenario, score=score, **(values | fields)
    )


def titles_at(client, query: str) -> list[str]:
    page = client.get(f"/training/library/?{query}").content.decode()
    return [re.sub(r"<[^>]+>", "", heading).strip() for heading in re.findall(r"<h3>(.*?)</h3>", page, re.DOTALL)]


def card_of(client, title: str) -> str:
    page = client.get("/training/library/").content.decode()
    return next(card for card in page.split('<li class="card library-card">') if f">{title}</a>" in card)


def test_card_shows_own_attempts_and_best_score(counselor, colleague, organization):
    scenario, other = add_scenario(organization, "Often taken"), add_scenario(organization, "Taken once")
    for score in (61, 84, None):
        take(counselor, scenario, score)
    take(counselor, other, 40)
    take(colleague, scenario, 99)
    client = client_of(counselor)

    assert "3 attempts, best B 84" in card_of(client, "Often taken")
    assert 'aria-label="Grade B, 84 of 100"' in card_of(client, "Often taken")
    assert "1 attempt, best F 40" in card_of(client, "Taken once")
    assert "Not taken yet" in card_of(client_of(colleague), "Taken once")


def test_only_finished_practice_counts_as_an_attempt(counselor, organization):
    scenario = add_scenario(organization, "Tried")
    take(counselor, scenario, end_reason=EndReason.STOPPED)
    take(counselor, scenario, status="active", ended_at=None)
    take(counselor, scenario, kind="trial", score=100)
    take(counselor, scenario, status="failed", is_gradable=False)
    client = client_of(counselor)

    assert "Not taken yet" in card_of(client, "Tried")
    take(counselor, scenario)
    assert ">1 attempt<" in card_of(client, "Tried")


def test_score_of_held_feedback_is_in_neither_the_page_nor_the_api(counselor, organization):
    scenario = add_scenario(organization, "Held back")
    session = take(counselor, scenario)
    held = Evaluation.objects.create(
        session=session, organization=organization, version=1, status="held", score=73, grade="C"
    )
    client = client_of(counselor)

    assert held.is_hidden_from(counselor)
    assert ">1 attempt<" in card_of(client, "Held back")
    assert "73" not in card_of(client, "Held back")
    (row,) = client.get("/api/library/").json()["results"]
    assert (row["attempts"], row["best_score"]) == (1, None)

    publish_feedback(held, 73, "C")
    assert client.get(f"/api/library/{scenario.pk}/").json()["best_score"] == 73


def test_filters_of_the_page_narrow_the_list(counselor, stranger, organization):
    grief = Category.objects.create(organization=organization, name="Grief")
    foreign = Category.objects.create(organization=stranger.organization, name="Foreign")
    first = add_scenario(organization, "Alpha", category=grief, difficulty="expert")
    add_scenario(organization, "Beta", mode="phone", content_notes="Loss of a home")
    take(counselor, first)
    client = client_of(counselor)

    assert titles_at(client, "") == ["Alpha", "Beta"]
    assert titles_at(client, "mode=phone") == ["Beta"]
    assert titles_at(client, "difficulty=expert") == ["Alpha"]
    assert titles_at(client, f"category={grief.pk}") == ["Alpha"]
    assert titles_at(client, "taken=no") == ["Beta"]
    assert titles_at(client, "q=grief") == titles_at(client, "q=ALPHA") == ["Alpha"]
    assert titles_at(client, "q=loss+of&mode=phone") == ["Beta"]
    assert titles_at(client, f"category={foreign.pk}&mode=letter&difficulty=x") == ["Alpha", "Beta"]
    assert titles_at(client, "q=nothing") == ["No scenario matches"]


def test_each_filter_is_a_link_that_keeps_the_others(counselor, organization):
    category = Category.objects.create(organization=organization, name="Grief")
    add_scenario(organization, "Alpha", category=category)

    page = client_of(counselor).get("/training/library/?mode=chat&q=alp&page=1").content.decode()

    assert f'href="?mode=chat&amp;q=alp&amp;category={category.pk}"' in page
    assert 'href="?q=alp" aria-current' not in page
    assert 'href="?mode=chat&amp;q=alp" aria-current="true"' in page
    assert 'href="?q=alp"' in page
    assert '<input type="hidden" name="mode" value="chat">' in page


def test_assigned_scenario_leads_to_its_assignment(counselor, chat_assignment):
    card = card_of(client_of(counselor), chat_assignment.scenario.title)

    assert f'<h3><a href="/training/chat/{chat_assignment.pk}/">' in card
    assert f'href="/training/chat/free/?scenario={chat_assignment.scenario_id}"' in card
    assert "Assigned" in card


def test_attempt_at_an_assignment_counts_in_the_library(counselor, chat_assignment):
    session, _is_new = start_assignment(chat_assignment)
    Session.objects.filter(pk=session.pk).update(status="completed", ended_at=timezone.now(), score=90)

    assert "1 attempt, best B 90" in card_of(client_of(counselor), chat_assignment.scenario.title)


def test_api_filters_by_category_and_searches_all_that_counselors_read(counselor, organization):
    grief = Category.objects.create(organization=organization, name="Grief")
    add_scenario(organization, "Alpha", category=grief)
    add_scenario(organization, "Beta", content_notes="Loss of a home")
    client = client_of(counselor)

    def titles(**query: str) -> list[str]:
        return [row["title"] for row in client.get("/api/library/", query_params=query).json()["results"]]

    assert titles(category="Grief") == titles(search="grief") == ["Alpha"]
    assert titles(search="loss of") == ["Beta"]
    assert titles(category="Other") == []


@pytest.mark.parametrize(("query", "words"), [("", "No scenarios yet"), ("page=7", "No more scenarios")])
def test_empty_library_says_what_to_do(counselor, query, words):
    page = client_of(counselor).get(f"/training/library/?{query}").content.decode()

    assert words in page
    assert 'href="/training/chat/free/"' in page
