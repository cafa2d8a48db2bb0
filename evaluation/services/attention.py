"""What a supervisor should look at now."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.utils import timezone

from accounts.models import User
from evaluation.models import Dispute, Evaluation, Flag
from training.models import Assignment, Session
from training.services.care import people_to_talk_to

SHOWN = 6  # of each kind
MOST_COUNTED = 1000  # whoever has more than that needs no number
LATELY = 14  # days


@dataclass(frozen=True)
class Matter:
    """One kind of thing: how many there are, and the first of them."""

    count: int
    rows: list[Any]


def attention_for(user: User) -> dict[str, Matter]:
    """By kind, the most urgent first; a kind of which there is nothing has a count of 0."""
    lately = timezone.now() - timedelta(days=LATELY)
    mine = Assignment.objects.for_user(user)
    evaluations = Evaluation.objects.for_user(user).select_related("session__counselor", "session__scenario_version")
    flags = Flag.objects.for_user(user).pending().select_related("session__counselor", "session__scenario_version")
    disputes = Dispute.objects.for_user(user).pending()
    return {
        "talk_to": _matter(people_to_talk_to(user.organization_id).by_name()),
        "flags": _matter(flags.gravest_first()),
        "disputes": _matter(disputes.select_related("counselor", "criterion__evaluation__session__scenario_version")),
        "waiting": _matter(evaluations.waiting_for_person().order_by("completed_at")),
        "overdue": _matter(mine.overdue().with_people().order_by("due_date", "pk")),
        "failed": _matter(mine.failed().filter(completed_at__gte=lately).with_people().order_by("-completed_at")),
        "declined": _matter(mine.declined().filter(declined_at__gte=lately).with_people().order_by("-declined_at")),
        "ungraded": _matter(evaluations.without_grade().filter(completed_at__gte=lately).order_by("-completed_at")),
    }


def _matter(rows: Any) -> Matter:
    first = list(rows[: SHOWN + 1])
    count = rows[:MOST_COUNTED].count() if len(first) > SHOWN else len(first)
    return Matter(count, first[:SHOWN])


def live_sessions(user: User) -> Any:
    """Who is in a conversation now, longest first, without other people's trials."""
    live = Session.objects.for_user(user).practised().live()
    return live.select_related("counselor", "scenario_version").order_by("started_at")
