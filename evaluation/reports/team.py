"""Team tables and export. A page of 25 people takes the same number of queries in a team of 10 or 10,000."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any

from django.db.models import Count, Max, Q, Sum
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from evaluation.models import Tally
from evaluation.reports.plots import percent_of
from evaluation.reports.progress import first_monday
from training.models import Assignment, Session

EXPORT_COLUMNS = (
    _("counselor"),
    _("email"),
    _("external ID"),
    _("kind"),
    _("scenario"),
    _("mode"),
    _("attempt"),
    _("started"),
    _("ended"),
    _("end reason"),
    _("score"),
)
MAX_SCENARIOS = 50  # rows of the table, the hardest first


@dataclass(frozen=True)
class TeamRow:
    """One counselor's row of the team table."""

    person: User
    sessions: int  # graded sessions in the span
    percent: int | None  # average score, 0 to 100; None without a graded session
    last: datetime | None  # start of the last session in the span
    open: int  # open assignments
    overdue: int  # open assignments past their due date


@dataclass(frozen=True)
class ScenarioRow:
    """One scenario's row of the team page."""

    title: str
    sessions: int  # graded sessions in the span
    percent: int  # average score, 0 to 100


def list_team(people: Sequence[User], weeks: int) -> list[TeamRow]:
    """Return a row for each person, in the given order."""
    ids = [person.pk for person in people]
    totals = Tally.objects.totals().filter(counselor__in=ids, week__gte=first_monday(weeks)).order_by()
    tallies = {
        row["counselor"]: row
        for row in totals.values("counselor").annotate(
            reached=Sum("reached"), possible=Sum("possible"), sessions=Sum("sessions")
        )
    }
    practiced = Session.objects.without_trials().filter(counselor__in=ids, started_at__gte=span_start(weeks)).order_by()
    last = dict(practiced.values_list("counselor").annotate(last=Max("started_at")))
    open_assignments = Assignment.objects.open().filter(counselor__in=ids).order_by()
    is_late = Q(due_date__lt=timezone.localdate())
    counts = open_assignments.values("counselor").annotate(open=Count("pk"), overdue=Count("pk", filter=is_late))
    by_counselor = {row["counselor"]: row for row in counts}
    return [
        _build_row(person, tallies.get(person.pk), last.get(person.pk), by_counselor.get(person.pk))
        for person in people
    ]


def _build_row(person: User, tally: Any, last: datetime | None, counts: Any) -> TeamRow:
    percent = percent_of(tally["reached"], tally["possible"]) if tally else None
    sessions = tally["sessions"] if tally else 0
    open_count, overdue_count = (counts["open"], counts["overdue"]) if counts else (0, 0)
    return TeamRow(person, sessions, percent, last, open_count, overdue_count)


def list_scenarios(user: User, weeks: int) -> list[ScenarioRow]:
    """Return a row for each practiced scenario, the hardest first."""
    rows = Tally.objects.for_user(user).of_scenarios().filter(week__gte=first_monday(weeks)).order_by()
    summed = rows.values("scenario__title").annotate(
        reached=Sum("reached"), possible=Sum("possible"), sessions=Sum("sessions")
    )
    found = [
        ScenarioRow(row["scenario__title"], row["sessions"], percent_of(row["reached"], row["possible"]))
        for row in summed
    ]
    return sorted(found, key=lambda row: (row.percent, row.title))[:MAX_SCENARIOS]


def export_rows(user: User, people: Any, weeks: int) -> Iterator[Sequence[object]]:
    """Yield the header, then a row for each conversation, newest first. If `people` is None, include everyone."""
    yield [str(column) for column in EXPORT_COLUMNS]
    rows = Session.objects.exportable_by(user).without_trials().filter(started_at__gte=span_start(weeks))
    if people is not None:
        rows = rows.filter(counselor__in=people)
    for row in rows.select_related("counselor", "scenario_version").order_by("-started_at").iterator(chunk_size=500):
        yield [
            str(row.counselor),
            row.counselor.email,
            row.counselor.external_id,
            row.kind,
            row.scenario_title,
            row.mode,
            row.attempt or "",
            timezone.localtime(row.started_at).isoformat(),
            timezone.localtime(row.ended_at).isoformat() if row.ended_at else "",
            row.end_reason,
            "" if row.score is None else row.score,
        ]


def span_start(weeks: int) -> datetime:
    """Return the first midnight of the last `weeks` weeks, including the current one."""
    return timezone.make_aware(datetime.combine(first_monday(weeks), time()))
