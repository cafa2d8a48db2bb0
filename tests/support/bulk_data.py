"""Bulk rows for an organization that has practiced for a while."""

from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from accounts.models import Cohort, Organization, User
from evaluation.grading.scoring import grade_for
from evaluation.models import CriterionResult, Dispute, Evaluation, Flag, Tally
from evaluation.services.weekly_tallies import monday_of
from scenarios.models import Scenario, ScenarioVersion
from training.models import Assignment, Session, TranscriptTurn

BATCH_SIZE = 2000


def analyze_tables() -> None:
    """Update the planner's statistics. Without them, PostgreSQL plans for empty tables: a join took over 120 s."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def add_people(center: Organization, number: int, begin: int = 0) -> list[User]:
    people = User.objects.bulk_create(
        User(organization=center, email=f"many{n}@example.org", first_name=f"First{n}", last_name=f"Last{n % 97}")
        for n in range(begin, begin + number)
    )
    cohorts = Cohort.objects.bulk_create(
        Cohort(organization=center, name=f"Cohort {n}") for n in range(begin, begin + max(1, number // 10))
    )
    Cohort.counselors.through.objects.bulk_create(
        Cohort.counselors.through(cohort=cohorts[n % len(cohorts)], user=person) for n, person in enumerate(people)
    )
    return people


def add_scenarios(center: Organization, number: int, begin: int = 0) -> list[Scenario]:
    return Scenario.objects.bulk_create(
        Scenario(organization=center, title=f"Scenario {n}", prompt="You are Dana.", mode="chat")
        for n in range(begin, begin + number)
    )


def add_practice(
    center: Organization, people: list[User], scenarios: list[Scenario], number: int, days: int, by: User
) -> None:
    """Add graded conversations, spread over the last `days` and over the people and scenarios in turn.

    The weekly tallies are written only on the first call for these scenarios; later calls reuse their rows.
    """
    versions = list(ScenarioVersion.objects.filter(scenario__in=scenarios).order_by("scenario__title"))
    is_first = not versions
    versions = versions or ScenarioVersion.objects.bulk_create(
        ScenarioVersion(organization=center, scenario=scenario, number=1, digest="x", title=scenario.title, mode="chat")
        for scenario in scenarios
    )
    now = timezone.now()
    for begin in range(0, number, BATCH_SIZE):
        numbers = range(begin, min(number, begin + BATCH_SIZE))
        moments = [now - timedelta(days=days * n / number) for n in numbers]
        assignments = Assignment.objects.bulk_create(
            _build_assignment(
                center,
                people[n % len(people)],
                scenarios[n % len(scenarios)],
                by,
                n,
                n % _interval(number, 50) == 0,
                moments[n - begin],
            )
            for n in numbers
        )
        sessions = Session.objects.bulk_create(
            Session(
                organization=center,
                counselor=people[n % len(people)],
                scenario=scenarios[n % len(scenarios)],
                scenario_version=versions[n % len(versions)],
                assignment=assignments[n - begin],
                attempt=1,
                kind="assignment",
                mode="chat",
                status="completed",
                end_reason="hung_up",
                ended_at=moments[n - begin],
                score=n % 101,
            )
            for n in numbers
        )
        for session, moment in zip(sessions, moments, strict=True):
            session.started_at = moment
        Session.objects.bulk_update(sessions, ["started_at"])
        _add_evaluations(center, sessions, moments)
    if is_first:
        _add_tallies(center, people, scenarios, number, days)


def _interval(number: int, usual: int) -> int:
    """Return n such that every nth row is declined, flagged, disputed, or waiting for review.

    It is at most `usual`, and smaller for few rows, so that no list is empty.
    """
    return max(1, min(usual, number // 8))


def _build_assignment(
    center: Organization, person: User, scenario: Scenario, by: User, n: int, is_declined: bool, moment: datetime
) -> Assignment:
    """Build an assignment that is completed or declined, so that no counselor has the same one open twice."""
    return Assignment(
        organization=center,
        counselor=person,
        scenario=scenario,
        assigned_by=by,
        status="cancelled" if is_declined else "completed",
        declined_at=moment if is_declined else None,
        completed_at=None if is_declined else moment,
        pass_mark=50,
        score=n % 101,
        announced_at=timezone.now(),
    )


def _add_evaluations(center: Organization, sessions: list[Session], moments: list[Any]) -> None:
    evaluations = Evaluation.objects.bulk_create(
        Evaluation(
            organization=center,
            session=session,
            version=1,
            status="completed",
            score=session.score,
            grade=grade_for(session.score or 0),
            completed_at=moment,
            announced_at=moment,
            needs_person=["red_line"] if n % _interval(len(sessions), 20) == 0 else [],
            is_waiting=n % _interval(len(sessions), 20) == 0,
        )
        for n, (session, moment) in enumerate(zip(sessions, moments, strict=True))
    )
    criteria = CriterionResult.objects.bulk_create(
        CriterionResult(
            organization=center,
            evaluation=evaluation,
            position=position,
            key=f"{branch}_{position}",
            check_text=f"Checks {branch}.",
            branch=branch,
            source="rubric",
            verdict="met" if n % 3 else "not_met",
        )
        for n, evaluation in enumerate(evaluations)
        for position, branch in enumerate(("engagement", "risk", "listening"))
    )
    Flag.objects.bulk_create(
        Flag(organization=center, session=session, evaluation=evaluation, kind="off_topic", severity="info")
        for session, evaluation in list(zip(sessions, evaluations, strict=True))[:: _interval(len(sessions), 10)]
    )
    Dispute.objects.bulk_create(
        Dispute(organization=center, criterion=criterion, counselor=session.counselor, reason="I did.")
        for session, criterion in list(zip(sessions, criteria[::3], strict=True))[:: _interval(len(sessions), 25)]
    )
    TranscriptTurn.objects.bulk_create(
        TranscriptTurn(
            organization=center,
            session=session,
            role="counselor",
            text_heard="Hello.",
            item="one",
            source="typed",
            revision=1,
        )
        for session in sessions
    )


def _add_tallies(center: Organization, people: list[User], scenarios: list[Scenario], number: int, days: int) -> None:
    """Write the tallies directly instead of counting sessions, because only reading is measured."""
    last = monday_of(timezone.localdate())
    weeks = [last - timedelta(weeks=n) for n in range(days // 7 + 1)]
    each = max(1, number // len(people) // len(weeks))
    counted = {"sessions": each, "reached": 60 * each, "possible": 100 * each}
    Tally.objects.bulk_create(
        (
            Tally(organization=center, counselor=person, week=week, skill=skill, **counted)
            for person in people
            for week in weeks
            for skill in ("", "engagement", "risk", "listening")
        ),
        batch_size=BATCH_SIZE,
    )
    Tally.objects.bulk_create(
        (
            Tally(organization=center, scenario=scenario, week=week, **counted)
            for scenario in scenarios
            for week in weeks
        ),
        batch_size=BATCH_SIZE,
    )
