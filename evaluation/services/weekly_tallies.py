"""Weekly tallies, recounted from their sessions whenever one is graded or a grade is changed."""

from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Case, Count, F, IntegerField, Q, Sum, Value, When
from django.utils import timezone

from accounts.models import Organization, User
from evaluation.models import CriterionResult, Evaluation, Tally
from evaluation.models.weekly_tallies import TallyQuerySet
from scenarios.models import Scenario
from training.models import Session, SessionQuerySet

SCENARIO_SKILL = "scenario"  # the scenario author's own points, beside the branches of the rubric

_COUNTS = {
    "reached": Sum("counting", filter=Q(final=CriterionResult.Verdict.MET), default=0),
    "possible": Sum("counting"),
    "sessions": Count("evaluation", distinct=True),
}


def monday_of(day: date) -> date:
    return day - timedelta(days=day.weekday())


def week_of(session: Session) -> date:
    return monday_of(timezone.localdate(session.started_at, session.organization.zone))


@transaction.atomic
def recount_week(session: Session) -> None:
    """Recount the week of a session, for its counselor and for its scenario. Trials count for neither."""
    if session.kind == Session.Kind.TRIAL:
        return
    week = week_of(session)
    recount_counselor_week(session.counselor_id, week)
    if session.scenario_id:
        recount_scenario_week(session.scenario_id, week)


def recount_counselor_week(counselor_id: UUID, week: date) -> None:
    # The lock serializes gradings in one week, so that each counts the other's (SQLite's IMMEDIATE does the same).
    counselor = User.objects.select_for_update(no_key=True).get(pk=counselor_id)
    graded = _graded_sessions(week, counselor.organization).filter(counselor=counselor)
    rows = [_build_total(graded, week, organization_id=counselor.organization_id, counselor=counselor)]
    rows += [
        Tally(organization_id=counselor.organization_id, counselor=counselor, week=week, **found)
        for found in _sums_by_skill(graded)
    ]
    _replace_tallies(
        Tally.objects.of_counselors().filter(counselor=counselor, week=week), rows, ["counselor", "week", "skill"]
    )


def recount_scenario_week(scenario_id: UUID, week: date) -> None:
    scenario = Scenario.objects.select_for_update(no_key=True).get(pk=scenario_id)
    graded = _graded_sessions(week, scenario.organization).filter(scenario=scenario)
    row = _build_total(graded, week, organization_id=scenario.organization_id, scenario=scenario)
    _replace_tallies(Tally.objects.of_scenarios().filter(scenario=scenario, week=week), [row], ["scenario", "week"])


def _graded_sessions(week: date, organization: Organization) -> SessionQuerySet:
    begins = timezone.make_aware(datetime.combine(week, time()), organization.zone)
    ends = timezone.make_aware(datetime.combine(week + timedelta(days=7), time()), organization.zone)
    return Session.objects.without_trials().filter(started_at__gte=begins, started_at__lt=ends, score__isnull=False)


def _build_total(graded: SessionQuerySet, week: date, **owner: object) -> Tally:
    sums = graded.aggregate(sessions=Count("pk"), reached=Sum("score", default=0))
    return Tally(week=week, possible=100 * sums["sessions"], **sums, **owner)


def _sums_by_skill(graded: SessionQuerySet) -> list[Any]:
    """Sum the results by branch. A red line has no weight in the score; here each one counts once, crossed or not."""
    newest = Evaluation.objects.filter(session__in=graded).latest_completed()
    applying = (
        CriterionResult.objects.filter(evaluation__in=newest)
        .applying()
        .annotate(
            counting=Case(When(is_red_line=True, then=1), default=F("weight"), output_field=IntegerField()),
            skill=Case(When(source=CriterionResult.Source.SCENARIO, then=Value(SCENARIO_SKILL)), default=F("branch")),
        )
    )
    found = applying.exclude(skill="").order_by()
    return list(found.values("skill").annotate(**_COUNTS))


def _replace_tallies(existing: TallyQuerySet, rows: list[Tally], unique: list[str]) -> None:
    """Replace the existing tallies with `rows`. Rows without a session are left out."""
    counted = [row for row in rows if row.sessions]
    existing.exclude(skill__in=[row.skill for row in counted]).delete()
    Tally.objects.bulk_create(
        counted, update_conflicts=True, unique_fields=unique, update_fields=["sessions", "reached", "possible"]
    )
