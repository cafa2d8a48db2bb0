from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from evaluation.models import Evaluation, Review, Tally
from evaluation.services.reviews import mark_looked_at, record_review
from evaluation.services.weekly_tallies import monday_of
from tests.evaluation.graded_sessions import add_graded_session
from tests.support.fixtures import run_concurrently
from training.models import Session

pytestmark = pytest.mark.both_databases


def tallies() -> dict[str, tuple[int, int, int]]:
    return {row.skill: (row.reached, row.possible, row.sessions) for row in Tally.objects.of_counselors()}


def test_week_is_tallied_by_skill_and_in_total(counselor):
    add_graded_session(counselor, 80, {"greeting": "met", "asks_intent": "not_met", "reflection": "not_applicable"})
    add_graded_session(counselor, 60, {"greeting": "no_evidence", "asks_about_suicide": "met", "scenario_1": "met"})

    assert tallies() == {
        "": (140, 200, 2),
        "engagement": (2, 4, 2),
        "risk": (2, 4, 2),
        "scenario": (2, 2, 1),
    }
    assert {row.week for row in Tally.objects.all()} == {monday_of(timezone.localdate())}


def test_weeks_and_counselors_are_tallied_separately(counselor, colleague):
    add_graded_session(counselor, 80)
    add_graded_session(counselor, 50, days_ago=21)
    add_graded_session(colleague, 70)

    rows = Tally.objects.totals().order_by("reached")
    assert [(row.counselor, row.reached, row.week == monday_of(timezone.localdate())) for row in rows] == [
        (counselor, 50, False), (colleague, 70, True), (counselor, 80, True),
    ]  # fmt: skip


def test_scenario_is_tallied_across_counselors(counselor, colleague, chat_scenario):
    add_graded_session(counselor, 80, scenario=chat_scenario)
    add_graded_session(colleague, 40, scenario=chat_scenario)

    row = Tally.objects.of_scenarios().get()
    assert (row.scenario, row.reached, row.possible, row.sessions) == (chat_scenario, 120, 200, 2)


def test_trial_is_not_tallied(supervisor, chat_scenario):
    add_graded_session(supervisor, 80, scenario=chat_scenario, kind=Session.Kind.TRIAL)

    assert Tally.objects.count() == 0


def test_overruling_updates_tallies(counselor, supervisor):
    session = add_graded_session(counselor, 100, {"greeting": "met", "reflection": "met"})
    evaluation = session.evaluations.get()
    criterion = evaluation.criteria.get(key="reflection")

    record_review(evaluation, supervisor, Review.Verdict.OVERRULE, "It was a question.", criterion, "not_met")

    session.refresh_from_db()
    assert session.score == 50
    assert tallies() == {"": (50, 100, 1), "engagement": (2, 2, 1), "listening": (0, 2, 1)}

    record_review(evaluation, supervisor, Review.Verdict.OVERRULE, "It does not apply.", criterion, "not_applicable")

    assert tallies() == {"": (100, 100, 1), "engagement": (2, 2, 1)}


def test_held_feedback_is_tallied_after_release(counselor, supervisor):
    session = add_graded_session(counselor, 80, {"greeting": "met"})
    Session.objects.update(score=None)
    Tally.objects.all().delete()
    Evaluation.objects.update(status="held", is_waiting=True)

    mark_looked_at(session.evaluations.get(), supervisor)

    session.refresh_from_db()
    assert session.score == 80
    assert tallies() == {"": (80, 100, 1), "engagement": (2, 2, 1)}
    assert session.evaluations.get().is_waiting is False


def test_review_of_older_version_leaves_score_unchanged(counselor, supervisor):
    session = add_graded_session(counselor, 100, {"greeting": "met"})
    older = session.evaluations.get()
    Evaluation.objects.create(
        session=session, organization_id=session.organization_id, version=2, status="completed", score=90, grade="B"
    )

    record_review(older, supervisor, Review.Verdict.OVERRULE, "No.", older.criteria.get(), "not_met")

    session.refresh_from_db()
    assert session.score == 100


@pytest.mark.django_db(transaction=True)
def test_parallel_gradings_of_one_week_are_all_tallied(counselor, chat_scenario):
    results = run_concurrently(
        *[lambda: add_graded_session(counselor, 50, {"greeting": "met"}, scenario=chat_scenario)] * 6
    )

    assert [result for result in results if isinstance(result, Exception)] == []
    assert tallies() == {"": (300, 600, 6), "engagement": (12, 12, 6)}
    assert Tally.objects.of_scenarios().get().sessions == 6


def test_monday_of_returns_monday_of_each_day():
    monday = timezone.localdate() - timedelta(days=timezone.localdate().weekday())

    assert {monday_of(monday + timedelta(days=day)) for day in range(7)} == {monday}


def test_count_weeks_recounts_all_tallies(counselor, colleague, chat_scenario, capsys):
    add_graded_session(counselor, 80, {"greeting": "met"}, scenario=chat_scenario)
    add_graded_session(colleague, 60, days_ago=21)
    before = list(Tally.objects.order_by("week", "skill", "counselor").values_list("reached", "possible", "sessions"))
    Tally.objects.all().delete()

    call_command("count_weeks")

    after = Tally.objects.order_by("week", "skill", "counselor").values_list("reached", "possible", "sessions")
    assert list(after) == before != []
    assert "Recounted. Counselor weeks: 2. Scenario weeks: 1." in capsys.readouterr().out
