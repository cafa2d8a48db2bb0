"""Items that need a supervisor's or an evaluator's attention now, and the people behind them."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Prefetch, Q
from django.utils import timezone

from accounts.models import User, UserQuerySet
from evaluation.grading.scoring import GRADE_THRESHOLDS
from evaluation.models import CriterionResult, Dispute, Evaluation, Flag
from training.models import Assignment, Session
from training.services.wellbeing import counselors_with_frequent_stops

SHOWN_PER_KIND = 6
MAX_COUNTED = 1000  # cap on a count; an exact larger number is not worth a slow query
RECENT_DAYS = 14
INACTIVE_DAYS = 28  # days without practice after which a counselor is listed
LOWEST_GRADE = GRADE_THRESHOLDS[-1][1]
_PASSING_SCORE = GRADE_THRESHOLDS[-2][0]  # lowest score with a better grade

# Kinds of items by urgency, each with the lookup from an item to the person whom it is about.
PERSON_OF = {
    "talk_to": "pk",
    "red_lines": "session__counselor",
    "flags": "session__counselor",
    "disputes": "counselor",
    "waiting": "session__counselor",
    "low_grades": "session__counselor",
    "overdue": "counselor",
    "failed": "counselor",
    "declined": "counselor",
    "ungraded": "session__counselor",
    "inactive": "pk",
}


@dataclass(frozen=True)
class AttentionGroup:
    """Items of one kind."""

    count: int  # all of them, up to MAX_COUNTED
    rows: list[Any]  # the first SHOWN_PER_KIND


def list_attention(user: User) -> dict[str, AttentionGroup]:
    """Return the items by kind, the most urgent first. A kind without items has a count of 0.

    Feedback that needs human review is under `red_lines` if a red line was crossed, otherwise under `waiting`. Kinds
    that `user` may not see are left out.
    """
    return {kind: _build_group(rows) for kind, rows in _attention_rows(user).items()}


def people_in_need(user: User) -> UserQuerySet:
    """Return the counselors with at least one item."""
    found = Q(pk__in=[])
    for kind, rows in _attention_rows(user).items():
        found |= Q(pk__in=rows.order_by().values(PERSON_OF[kind]))
    people: UserQuerySet = User.objects.for_user(user).counselors().filter(found)
    return people


def kinds_by_person(user: User, people: Collection[UUID]) -> dict[UUID, list[str]]:
    """Return the kinds of items about each of these people, the most urgent first."""
    found: dict[UUID, list[str]] = {}
    for kind, rows in _attention_rows(user).items():
        of_people = rows.order_by().filter(**{f"{PERSON_OF[kind]}__in": people})
        for pk in set(of_people.values_list(PERSON_OF[kind], flat=True)):
            found.setdefault(pk, []).append(kind)
    return found


def _attention_rows(user: User) -> dict[str, Any]:
    """Return a query for each kind that `user` may see, in the order of `PERSON_OF`."""
    rows: dict[str, Any] = {}
    if user.has_perm("evaluation.view_evaluation"):
        rows |= _feedback_rows(user)
    if user.has_perm("training.view_assignment"):
        rows |= _practice_rows(user)
    return {kind: rows[kind] for kind in PERSON_OF if kind in rows}


def _feedback_rows(user: User) -> dict[str, Any]:
    recent_since = timezone.now() - timedelta(days=RECENT_DAYS)
    evaluations = Evaluation.objects.for_user(user).select_related("session__counselor", "session__scenario_version")
    # No one reviews the feedback on their own session.
    others = evaluations.exclude(session__counselor=user)
    waiting = others.needing_review()
    crossed = Prefetch("criteria", CriterionResult.objects.crossed_red_lines(), to_attr="crossed_red_lines")
    flags = Flag.objects.for_user(user).pending().select_related("session__counselor", "session__scenario_version")
    disputes = Dispute.objects.for_user(user).exclude(counselor=user).pending()
    ungraded = evaluations.exclude(session__kind=Session.Kind.TRIAL).ungraded().filter(completed_at__gte=recent_since)
    return {
        "red_lines": waiting.crossing_red_line().prefetch_related(crossed).order_by("completed_at"),
        "flags": flags.most_severe_first(),
        "disputes": disputes.select_related("counselor", "criterion__evaluation__session__scenario_version"),
        "waiting": waiting.crossing_no_red_line().order_by("completed_at"),
        "low_grades": _low_grades(others).filter(completed_at__gte=recent_since).order_by("-completed_at"),
        "ungraded": ungraded.order_by("-completed_at"),
    }


def _low_grades(evaluations: Any) -> Any:
    """Limit to the lowest grade that no person has looked at and that its counselor has not improved on since."""
    better = Session.objects.filter(
        counselor=OuterRef("session__counselor"),
        started_at__gt=OuterRef("session__started_at"),
        score__gte=_PASSING_SCORE,
    )
    rows = evaluations.exclude(session__kind=Session.Kind.TRIAL).latest_completed().in_review_state("unreviewed")
    return rows.filter(~Exists(better), grade=LOWEST_GRADE, looked_at=None, is_waiting=False)


def _practice_rows(user: User) -> dict[str, Any]:
    recent_since = timezone.now() - timedelta(days=RECENT_DAYS)
    assignments = Assignment.objects.for_user(user)
    failed = assignments.failed().filter(completed_at__gte=recent_since)
    declined = assignments.declined().filter(declined_at__gte=recent_since)
    return {
        "talk_to": counselors_with_frequent_stops(user.organization_id).by_name(),
        "overdue": assignments.overdue().with_names().order_by("due_date", "pk"),
        "failed": failed.with_names().order_by("-completed_at"),
        "declined": declined.with_names().order_by("-declined_at"),
        "inactive": _inactive_counselors(user),
    }


def _inactive_counselors(user: User) -> UserQuerySet:
    """Return the counselors who have not practiced for INACTIVE_DAYS, and whose account is at least that old."""
    since = timezone.now() - timedelta(days=INACTIVE_DAYS)
    practice = Session.objects.without_trials().filter(counselor=OuterRef("pk"), started_at__gte=since)
    people: UserQuerySet = User.objects.for_user(user).counselors().filter(~Exists(practice), date_joined__lt=since)
    return people.by_name()


def _build_group(rows: Any) -> AttentionGroup:
    first = list(rows[: SHOWN_PER_KIND + 1])
    count = rows[:MAX_COUNTED].count() if len(first) > SHOWN_PER_KIND else len(first)
    return AttentionGroup(count, first[:SHOWN_PER_KIND])


def live_sessions(user: User) -> Any:
    """Return the sessions in progress, longest first, without trials."""
    live = Session.objects.for_user(user).without_trials().live()
    return live.select_related("counselor", "scenario_version").order_by("started_at")
