"""Items that need a supervisor's attention now."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.utils import timezone

from accounts.models import User
from evaluation.models import Dispute, Evaluation, Flag
from training.models import Assignment, Session
from training.services.wellbeing import counselors_with_frequent_stops

SHOWN_PER_KIND = 6
MAX_COUNTED = 1000  # cap on a count; an exact larger number is not worth a slow query
RECENT_DAYS = 14


@dataclass(frozen=True)
class AttentionGroup:
    """Items of one kind."""

    count: int  # all of them, up to MAX_COUNTED
    rows: list[Any]  # the first SHOWN_PER_KIND


def list_attention(user: User) -> dict[str, AttentionGroup]:
    """Return the items by kind, the most urgent first. A kind without items has a count of 0.

    Feedback that needs human review is under `red_lines` if a red line was crossed, otherwise under `waiting`.
    """
    recent_since = timezone.now() - timedelta(days=RECENT_DAYS)
    assignments = Assignment.objects.for_user(user)
    evaluations = Evaluation.objects.for_user(user).select_related("session__counselor", "session__scenario_version")
    # No one reviews the feedback on their own session.
    waiting = evaluations.exclude(session__counselor=user).needing_review()
    flags = Flag.objects.for_user(user).pending().select_related("session__counselor", "session__scenario_version")
    disputes = Dispute.objects.for_user(user).pending()
    failed = assignments.failed().filter(completed_at__gte=recent_since)
    declined = assignments.declined().filter(declined_at__gte=recent_since)
    ungraded = evaluations.exclude(session__kind=Session.Kind.TRIAL).ungraded().filter(completed_at__gte=recent_since)
    return {
        "talk_to": _build_group(counselors_with_frequent_stops(user.organization_id).by_name()),
        "red_lines": _build_group(waiting.crossing_red_line().order_by("completed_at")),
        "flags": _build_group(flags.most_severe_first()),
        "disputes": _build_group(
            disputes.select_related("counselor", "criterion__evaluation__session__scenario_version")
        ),
        "waiting": _build_group(waiting.crossing_no_red_line().order_by("completed_at")),
        "overdue": _build_group(assignments.overdue().with_names().order_by("due_date", "pk")),
        "failed": _build_group(failed.with_names().order_by("-completed_at")),
        "declined": _build_group(declined.with_names().order_by("-declined_at")),
        "ungraded": _build_group(ungraded.order_by("-completed_at")),
    }


def _build_group(rows: Any) -> AttentionGroup:
    first = list(rows[: SHOWN_PER_KIND + 1])
    count = rows[:MAX_COUNTED].count() if len(first) > SHOWN_PER_KIND else len(first)
    return AttentionGroup(count, first[:SHOWN_PER_KIND])


def live_sessions(user: User) -> Any:
    """Return the sessions in progress, longest first, without trials."""
    live = Session.objects.for_user(user).without_trials().live()
    return live.select_related("counselor", "scenario_version").order_by("started_at")
