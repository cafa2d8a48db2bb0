"""Weeks counted from the sessions in them: afresh, whenever one of those is graded or a grade is changed."""

from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Case, Count, F, IntegerField, Q, Sum, Value, When
from django.utils import timezone

from accounts.models import User
from evaluation.models import CriterionResult, Evaluation, Tally
from evaluation.models.tallies import TallyQuerySet
from scenarios.models import Scenario
from training.models import Session, SessionQuerySet

SCENARIO = "scenario"  # what an author asked for in one scenario, beside the branches of the rubric

_COUNTS = {
    "reached": Sum("counting", filter=Q(final=CriterionResult.Verdict.MET), default=0),
    "possible": Sum("counting"),
    "sessions": Count("evaluation", distinct=True),
}


def monday_of(day: date) -> date:
    return day - timedelta(days=day.weekday())


def week_of(session: Session) -> date:
    return monday_of(timezone.localdate(session.started_at))


@transaction.atomic
def count_again(session: Session) -> None:
    """Count the week of a session again, for its counselor and for its scenario. A trial counts for nobody."""
    if session.kind == Session.Kind.TRIAL:
        return
    week = week_of(session)
    count_counselor(session.counselor_id, week)
    if session.scenario_id:
        count_scenario(session.scenario_id, week)


def count_counselor(counselor_id: UUID, week: date) -> None:
    # The lock lets two gradings of one week see each other (SQLite's IMMEDIATE does the same).
    counselor = User.objects.select_for_update(no_key=True).get(pk=counselor_id)
    graded = _graded_in(week).filter(counselor=counselor)
    rows = [_whole(graded, week, organization_id=counselor.organization_id, counselor=counselor)]
    rows += [
        Tally(organization_id=counselor.organization_id, counselor=counselor, week=week, **found)
        for found in _by_skill(graded)
    ]
    _keep(Tally.objects.of_people().filter(counselor=counselor, week=week), rows, ["counselor", "week", "skill"])


def count_scenario(scenario_id: UUID, week: date) -> None:
    scenario = Scenario.objects.select_for_update(no_key=True).get(pk=scenario_id)
    graded = _graded_in(week).filter(scenario=scenario)
    row = _whole(graded, week, organization_id=scenario.organization_id, scenario=scenario)
    _keep(Tally.objects.of_scenarios().filter(scenario=scenario, week=week), [row], ["scenario", "week"])


def _graded_in(week: date) -> SessionQuerySet:
    begins = timezone.make_aware(datetime.combine(week, time()))
    ends = timezone.make_aware(datetime.combine(week + timedelta(days=7), time()))
    return Session.objects.practised().filter(started_at__gte=begins, started_at__lt=ends, score__isnull=False)


def _whole(graded: SessionQuerySet, week: date, **whose: object) -> Tally:
    sums = graded.aggregate(sessions=Count("pk"), reached=Sum("score", default=0))
    return Tally(week=week, possible=100 * sums["sessions"], **sums, **whose)


def _by_skill(graded: SessionQuerySet) -> list[Any]:
    """By branch. A red line has no weight in a score; kept or not, here it counts once."""
    newest = Evaluation.objects.filter(session__in=graded).newest_of_each()
    applying = CriterionResult.objects.filter(evaluation__in=newest).annotate(
        final=Case(When(reviewed_verdict="", then=F("verdict")), default=F("reviewed_verdict")),
        counting=Case(When(is_red_line=True, then=1), default=F("weight"), output_field=IntegerField()),
        skill=Case(When(source=CriterionResult.Source.SCENARIO, then=Value(SCENARIO)), default=F("branch")),
    )
    found = applying.exclude(final=CriterionResult.Verdict.NOT_APPLICABLE).exclude(skill="").order_by()
    return list(found.values("skill").annotate(**_COUNTS))


def _keep(there: TallyQuerySet, rows: list[Tally], unique: list[str]) -> None:
    counted = [row for row in rows if row.sessions]
    there.exclude(skill__in=[row.skill for row in counted]).delete()
    Tally.objects.bulk_create(
        counted, update_conflicts=True, unique_fields=unique, update_fields=["sessions", "reached", "possible"]
    )
