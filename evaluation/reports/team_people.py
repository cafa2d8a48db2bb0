"""People of the team page, with what each needs, and the team's weeks as a table."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from django.db.models import F, Window
from django.db.models.functions import RowNumber

from accounts.models import User, UserQuerySet
from evaluation.grading.scoring import grade_for
from evaluation.reports.attention import kinds_by_person
from evaluation.reports.people_queue import NEEDS, Need
from evaluation.reports.plots import Plot, Sparkline
from evaluation.reports.progress import SkillProgress, first_monday
from evaluation.reports.team import TeamRow, list_team, span_start
from training.models import Session

LAST_SCORES = 5


@dataclass(frozen=True)
class PersonRow(TeamRow):
    """One counselor's row of the team page."""

    need: Need | None = None  # the most urgent
    other_needs: int = 0
    scores: Sparkline = Sparkline(())  # the last LAST_SCORES in the span
    is_live: bool = False

    @property
    def last_score(self) -> int | None:
        return self.scores.scores[-1] if self.scores.scores else None

    @property
    def last_grade(self) -> str | None:
        return None if self.last_score is None else grade_for(self.last_score)

    @property
    def scores_text(self) -> str:
        """The last scores in words, the oldest first."""
        return ", ".join(map(str, self.scores.scores))


def list_people(user: User, people: Sequence[User], weeks: int) -> list[PersonRow]:
    """Return a row for each person, in the given order."""
    ids = [person.pk for person in people]
    sessions = Session.objects.for_user(user).without_trials().filter(counselor__in=ids).order_by()
    live = set(sessions.live().values_list("counselor", flat=True))
    kinds, scores = kinds_by_person(user, ids), _last_scores(sessions, weeks)
    return [
        PersonRow(
            **vars(row),
            need=NEEDS[kinds[row.person.pk][0]] if row.person.pk in kinds else None,
            other_needs=len(kinds.get(row.person.pk, ())) - 1,
            scores=Sparkline(scores.get(row.person.pk, [])),
            is_live=row.person.pk in live,
        )
        for row in list_team(people, weeks)
    ]


def _last_scores(sessions: Any, weeks: int) -> dict[UUID, list[int]]:
    """Return the last scores of each counselor, the oldest first."""
    graded = sessions.filter(score__isnull=False, started_at__gte=span_start(weeks))
    newest_first = Window(RowNumber(), partition_by="counselor", order_by=F("started_at").desc())
    rows = graded.annotate(rank=newest_first).filter(rank__lte=LAST_SCORES)
    found: dict[UUID, list[int]] = {}
    for counselor, score in rows.order_by("counselor", "started_at").values_list("counselor", "score"):
        found.setdefault(counselor, []).append(score)
    return found


def count_practiced_this_week(user: User, people: UserQuerySet) -> int:
    sessions = Session.objects.for_user(user).without_trials().filter(started_at__gte=span_start(1))
    return sessions.order_by().filter(counselor__in=people).values("counselor").distinct().count()


def not_yet_started(people: UserQuerySet) -> UserQuerySet:
    """Limit to people without any practice."""
    practiced = Session.objects.without_trials().filter(counselor__in=people).values("counselor")
    return people.exclude(pk__in=practiced)


@dataclass(frozen=True)
class WeekRow:
    """One week of the table beside the drawings."""

    week: date
    cells: list[int | None]  # the average score, then the percentage of each skill


def list_weeks(overall: Plot, skills: Sequence[SkillProgress]) -> list[WeekRow]:
    """Return a row for each week with graded practice, oldest first."""
    columns = [
        {point.week: point.percent for point in plot.points} for plot in (overall, *(one.plot for one in skills))
    ]
    weeks = sorted({week for column in columns for week in column if week >= first_monday(52)})
    return [WeekRow(week, [column.get(week) for column in columns]) for week in weeks]
