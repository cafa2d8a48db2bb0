"""A team in a table: as many queries for ten thousand people as for ten, because a page shows twenty-five."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any

from django.db.models import Count, Max, Q, Sum
from django.utils import timezone

from accounts.models import User
from evaluation.models import Tally
from evaluation.plots import percent_of
from evaluation.services.progress import since
from training.models import Assignment, Session

COLUMNS = (
    "counselor",
    "e-mail",
    "external id",
    "kind",
    "scenario",
    "mode",
    "attempt",
    "started",
    "ended",
    "end",
    "score",
)
SCENARIOS = 50  # that a table shows, the hardest first


@dataclass(frozen=True)
class PersonRow:
    person: User
    sessions: int
    percent: int | None
    last: datetime | None
    open: int
    overdue: int


@dataclass(frozen=True)
class ScenarioRow:
    title: str
    sessions: int
    percent: int


def team_rows(people: Sequence[User], weeks: int) -> list[PersonRow]:
    ids = [person.pk for person in people]
    totals = Tally.objects.totals().filter(counselor__in=ids, week__gte=since(weeks)).order_by()
    tallies = {
        row["counselor"]: row
        for row in totals.values("counselor").annotate(
            reached=Sum("reached"), possible=Sum("possible"), sessions=Sum("sessions")
        )
    }
    practised = Session.objects.practised().filter(counselor__in=ids, started_at__gte=_begin(weeks)).order_by()
    last = dict(practised.values_list("counselor").annotate(last=Max("started_at")))
    given = Assignment.objects.open().filter(counselor__in=ids).order_by()
    is_late = Q(due_date__lt=timezone.localdate())
    open_ones = {
        row["counselor"]: row
        for row in given.values("counselor").annotate(open=Count("pk"), overdue=Count("pk", filter=is_late))
    }
    return [_row(person, tallies.get(person.pk), last.get(person.pk), open_ones.get(person.pk)) for person in people]


def _row(person: User, tally: Any, last: datetime | None, given: Any) -> PersonRow:
    percent = percent_of(tally["reached"], tally["possible"]) if tally else None
    sessions = tally["sessions"] if tally else 0
    return PersonRow(person, sessions, percent, last, given["open"] if given else 0, given["overdue"] if given else 0)


def scenario_rows(user: User, weeks: int) -> list[ScenarioRow]:
    """What was practised, the hardest first."""
    rows = Tally.objects.for_user(user).of_scenarios().filter(week__gte=since(weeks)).order_by()
    summed = rows.values("scenario__title").annotate(
        reached=Sum("reached"), possible=Sum("possible"), sessions=Sum("sessions")
    )
    found = [
        ScenarioRow(row["scenario__title"], row["sessions"], percent_of(row["reached"], row["possible"]))
        for row in summed
    ]
    return sorted(found, key=lambda row: (row.percent, row.title))[:SCENARIOS]


def export_rows(user: User, people: Any, weeks: int) -> Iterator[Sequence[object]]:
    """The head, then a row for each conversation, newest first; `people` narrows them."""
    yield COLUMNS
    rows = Session.objects.for_user(user).practised().filter(started_at__gte=_begin(weeks))
    if people is not None:
        rows = rows.filter(counselor__in=people)
    for row in rows.select_related("counselor", "scenario_version").order_by("-started_at").iterator(chunk_size=500):
        yield [
            _plain(str(row.counselor)),
            _plain(row.counselor.email),
            _plain(row.counselor.external_id),
            row.kind,
            _plain(row.scenario_title),
            row.mode,
            row.attempt or "",
            row.started_at.isoformat(),
            row.ended_at.isoformat() if row.ended_at else "",
            row.end_reason,
            "" if row.score is None else row.score,
        ]


def _plain(text: str) -> str:
    """A cell that a spreadsheet does not take for a formula."""
    return f"'{text}" if text[:1] in {"=", "+", "-", "@", "\t", "\r"} else text


def _begin(weeks: int) -> datetime:
    return timezone.make_aware(datetime.combine(since(weeks), time()))
