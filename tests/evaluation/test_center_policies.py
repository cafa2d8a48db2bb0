"""Policies of a center on feedback: review first, and the reviews that agreement needs."""

import pytest

from evaluation.services.reviews import mark_looked_at, record_review
from tests.evaluation.graded_chats import graded_chat
from tests.support.fixtures import client_of
from training.services.session_start import start_free_practice, start_trial

WORDS = "Hello, my name is Sam. What makes going home so hard tonight? Are you thinking about suicide?"


@pytest.fixture
def review_first(organization):
    organization.holds_feedback = True
    organization.save()


def test_feedback_on_assigned_practice_waits_for_a_person(review_first, chat, chat_assignment, supervisor, standin):
    evaluation = graded_chat(chat, WORDS)

    chat_assignment.refresh_from_db()
    assert (evaluation.status, evaluation.is_waiting, evaluation.needs_person[-1]) == ("held", True, "policy")
    assert (chat_assignment.status, chat_assignment.score) == ("in_progress", None)
    own = client_of(chat.counselor).get(f"/api/sessions/{chat.pk}/evaluation/").json()
    assert (own["status"], own["score"]) == ("held", None)
    queue = client_of(supervisor).get("/reviews/").content.decode()
    assert "Your center reviews the feedback on assigned practice before the counselor sees it" in queue

    mark_looked_at(evaluation, supervisor)

    evaluation.refresh_from_db()
    chat_assignment.refresh_from_db()
    assert (evaluation.status, chat_assignment.score) == ("completed", evaluation.final_score)


def test_other_feedback_comes_at_once(review_first, counselor, supervisor, chat_scenario, standin):
    free, _is_new = start_free_practice(counselor, "chat", chat_scenario)
    trial, _is_new = start_trial(supervisor, chat_scenario, "chat")

    found = [graded_chat(session, WORDS) for session in (free, trial)]

    assert [(one.status, "policy" in one.needs_person) for one in found] == [("completed", False)] * 2


def test_feedback_comes_at_once_without_the_policy(chat, standin):
    assert graded_chat(chat, WORDS).status == "completed"


def test_agreement_needs_as_many_reviews_as_the_center_says(chat, organization, supervisor, stranger, standin):
    evaluation = graded_chat(chat, WORDS)
    record_review(evaluation, supervisor, "agree", "Yes.", evaluation.criteria.first())
    client = client_of(supervisor)
    few = client.get("/api/agreement/").json()
    organization.agreement_minimum = 1
    organization.save()

    enough = client.get("/api/agreement/").json()
    page = client.get("/reviews/agreement/").content.decode()

    assert (few["min_reviews"], few["all"]["is_too_few"]) == (30, True)
    assert (enough["min_reviews"], enough["all"]["is_too_few"]) == (1, False)
    assert "With fewer than 1 review" in page
    assert client_of(stranger).get("/api/agreement/").json()["min_reviews"] == 30
