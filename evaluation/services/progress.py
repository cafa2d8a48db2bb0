"""How far people have come, read from the weeks that are counted already."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import Sum
from django.utils import timezone

from evaluation.models.tallies import TallyQuerySet
from evaluation.plots import Plot, Point, percent_of
from evaluation.rubric import BRANCHES, PRACTISED_BY
from evaluation.services.tallying import SCENARIO, monday_of
from scenarios.models import Scenario
from training.models import Session

NAMES = BRANCHES | {SCENARIO: "What the scenarios ask for"}
FEWEST = 2  # conversations that a piece of advice rests on
FEWEST_WEEKS = 3  # before this one, that a plot shows
REST_DAYS = 14  # until the same scenario is proposed again

_SUMS = {"reached": Sum("reached"), "possible": Sum("possible"), "sessions": Sum("sessions")}


@dataclass(frozen=True)
class Skill:
    """What was reached in one branch of the rubric, in all and by week."""

    key: str
    name: str
    percent: int
    sessions: int
    plot: Plot


@dataclass(frozen=True)
class Advice:
    """What to practise next, why, and with which scenario, where one fits."""

    skill: Skill
    scenario: Scenario | None

    @property
    def why(self) -> str:
        times = f"your last {self.skill.sessions} conversations in which it mattered"
        return f"In {times}, {self.skill.percent} percent of it was met. It is where you can gain most."


def since(weeks: int) -> date:
    """The Monday with which the last so many weeks begin, this one included."""
    return monday_of(timezone.localdate()) - timedelta(weeks=weeks - 1)


def whole_plot(rows: TallyQuerySet, weeks: int) -> Plot:
    """Scores by week."""
    first = since(weeks)
    return _plot(rows.totals().filter(week__gte=first).order_by("week").values("week").annotate(**_SUMS), first)


def skills_of(rows: TallyQuerySet, weeks: int) -> list[Skill]:
    """Each branch of the rubric that had something to say, in the rubric's order."""
    first = since(weeks)
    by_skill: dict[str, list[Any]] = {}
    for row in rows.skills().filter(week__gte=first).order_by("week").values("skill", "week").annotate(**_SUMS):
        by_skill.setdefault(row["skill"], []).append(row)
    return [_skill(key, by_skill[key], first) for key in NAMES if key in by_skill]


def _skill(key: str, rows: list[Any], first: date) -> Skill:
    reached, possible = sum(row["reached"] for row in rows), sum(row["possible"] for row in rows)
    return Skill(
        key, NAMES[key], percent_of(reached, possible), sum(row["sessions"] for row in rows), _plot(rows, first)
    )


def _plot(rows: Iterable[Any], first: date) -> Plot:
    points = [Point(row["week"], percent_of(row["reached"], row["possible"]), row["sessions"]) for row in rows]
    last = monday_of(timezone.localdate())
    # Who has just begun is not shown half a year of nothing.
    begin = max(first, min(points[0].week, last - timedelta(weeks=FEWEST_WEEKS))) if points else first
    return Plot(points, begin, last)


def advise(person: Any, skills: Iterable[Skill]) -> Advice | None:
    """The weakest of the skills that enough conversations tell of, and something of the library for it."""
    told = [skill for skill in skills if skill.sessions >= FEWEST and skill.percent < 100 and skill.key != SCENARIO]
    if not told:
        return None
    weakest = min(told, key=lambda skill: skill.percent)
    return Advice(weakest, _scenario_for(person, weakest.key))


def _scenario_for(person: Any, skill: str) -> Scenario | None:
    lately = Session.objects.held_by(person).filter(started_at__gte=timezone.now() - timedelta(days=REST_DAYS))
    library = Scenario.objects.playable_by(person).exclude(
        pk__in=lately.filter(scenario__isnull=False).values("scenario")
    )
    fitting = library.filter(skills__name__in=PRACTISED_BY.get(skill, []))
    return fitting.order_by("difficulty", "title").first()
