"""The counselor's list of conversations: filters in the address, states in words, and requests for feedback."""

import re

import pytest
from django.utils import timezone
from django.utils.html import strip_tags

from evaluation.models import Evaluation
from tests.support.fixtures import client_of
from training.models import EndReason, Session, TranscriptTurn


def add_session(person, focus: str, **fields) -> Session:
    values = {"kind": "free_practice", "mode": "chat", "status": "completed", "ended_at": timezone.now()} | fields
    return Session.objects.create(organization=person.organization, counselor=person, focus=focus, **values)


def listed(person, query: str = "") -> list[str]:
    """Return the focus of each listed session."""
    page = client_of(person).get(f"/sessions/?{query}").content.decode()
    return [focus for focus in ("alpha", "beta", "gamma") if f"You wanted to practice: {focus}<" in page]


@pytest.fixture
def sessions(counselor, phone_assignment) -> dict[str, Session]:
    alpha = add_session(counselor, "alpha", score=81)
    beta = add_session(counselor, "beta", end_reason=EndReason.STOPPED)
    gamma = add_session(counselor, "gamma", mode="phone", kind="assignment", assignment=phone_assignment, attempt=1)
    TranscriptTurn.objects.create(
        organization=gamma.organization, session=gamma, role="caller", text_heard="the river is high", item="1",
        revision=1, source="spoken", start_ms=0, end_ms=10,
    )  # fmt: skip
    return {"alpha": alpha, "beta": beta, "gamma": gamma}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["alpha", "beta", "gamma"]),
        ("mode=phone", ["gamma"]),
        ("kind=free_practice", ["alpha", "beta"]),
        ("result=graded", ["alpha"]),
        ("result=stopped", ["beta"]),
        ("q=river", ["gamma"]),
        ("q=river&mode=chat", []),
        ("q=beta&result=stopped", ["beta"]),
        ("mode=letter&result=lost", ["alpha", "beta", "gamma"]),
    ],
)
def test_filters_narrow_the_list(counselor, sessions, query, expected):
    assert listed(counselor, query) == expected


def test_each_filter_is_a_link_that_keeps_the_others(counselor, sessions):
    page = client_of(counselor).get("/sessions/?mode=chat&q=a&page=1").content.decode()

    assert 'href="?mode=chat&amp;q=a&amp;result=graded"' in page
    assert 'href="?mode=chat&amp;q=a" aria-current="true"' in page
    assert '<input type="hidden" name="mode" value="chat">' in page


def test_states_are_said_in_words(counselor, sessions):
    Evaluation.objects.create(
        session=sessions["alpha"],
        organization=counselor.organization,
        version=1,
        status="completed",
        score=81,
        grade="B",
    )
    Evaluation.objects.create(
        session=sessions["gamma"], organization=counselor.organization, version=1, status="held", score=37, grade="F"
    )

    page = client_of(counselor).get("/sessions/").content.decode()

    assert 'aria-label="Grade B, 81 of 100"' in page and "81 of 100" in page
    assert "stopped, no grade" in page
    assert "With a reviewer" in page
    words = strip_tags(page.partition("<main")[2].partition("</main>")[0])
    assert not re.search(r"(?<![:\d])37\b|Grade F", words)  # a time may end in 37


def test_feedback_can_be_requested_from_the_list(counselor, sessions):
    page = client_of(counselor).get("/sessions/?mode=phone").content.decode()

    assert f'<form method="post" action="/sessions/{sessions["gamma"].pk}/feedback/">' in page
    assert 'Get feedback<span class="visually-hidden">: ' in page
