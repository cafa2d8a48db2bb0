"""Progress of counselors, read from the weekly tallies."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import Sum
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext

from accounts.models import User
from evaluation.grading.rubric import BRANCHES, SKILLS_BY_BRANCH
from evaluation.models import Evaluation
from evaluation.models.weekly_tallies import TallyQuerySet
from evaluation.reports.plots import Plot, PlotPoint, percent_of
from evaluation.services.weekly_tallies import SCENARIO_SKILL, monday_of
from scenarios.models import Scenario
from training.models import Session

# In English. Pages show them translated.
SKILL_NAMES = BRANCHES | {SCENARIO_SKILL: gettext_noop("Scenario criteria")}
MIN_SESSIONS = 2  # conversations needed before a skill is recommended
MIN_PLOT_WEEKS = 3  # weeks before the current one that every plot shows
REPEAT_AFTER_DAYS = 14  # wait before the same scenario is recommended again

_SUMS = {"reached": Sum("reached"), "possible": Sum("possible"), "sessions": Sum("sessions")}


@dataclass(frozen=True)
class SkillProgress:
    """Progress in one skill, in total and by week."""

    key: str  # a branch of the rubric, or SCENARIO_SKILL
    name: str
    percent: int  # reached in the whole span, 0 to 100
    sessions: int  # conversations it is based on
    plot: Plot


@dataclass(frozen=True)
class PracticeRecommendation:
    """A recommendation for the next practice."""

    skill: SkillProgress  # the skill to practice
    scenario: Scenario | None  # None if none in the library fits

    @property
    def why(self) -> str:
        """Reason for the recommendation, for the counselor."""
        count, percent = self.skill.sessions, self.skill.percent
        return ngettext(
            "You met %(percent)s%% of its checks in %(count)s conversation. This is where practice helps most.",
            "You met %(percent)s%% of its checks across %(count)s conversations. This is where practice helps most.",
            count,
        ) % {"percent": percent, "count": count}


def first_monday(weeks: int) -> date:
    """Return the Monday that begins the last `weeks` weeks, including the current one."""
    return monday_of(timezone.localdate()) - timedelta(weeks=weeks - 1)


def plot_scores(rows: TallyQuerySet, weeks: int) -> Plot:
    """Plot the scores by week."""
    first = first_monday(weeks)
    return _build_plot(rows.totals().filter(week__gte=first).order_by("week").values("week").annotate(**_SUMS), first)


def list_skill_progress(rows: TallyQuerySet, weeks: int) -> list[SkillProgress]:
    """Return the progress in each skill that was assessed, in the rubric's order."""
    first = first_monday(weeks)
    by_skill: dict[str, list[Any]] = {}
    for row in rows.skills().filter(week__gte=first).order_by("week").values("skill", "week").annotate(**_SUMS):
        by_skill.setdefault(row["skill"], []).append(row)
    return [_build_skill(key, by_skill[key], first) for key in SKILL_NAMES if key in by_skill]


def rank_skills(skills: Iterable[SkillProgress]) -> list[SkillProgress]:
    """Return the strongest skill first. Of two that are equal, the one with more conversations comes first."""
    return sorted(skills, key=lambda skill: (-skill.percent, -skill.sessions))


@dataclass(frozen=True)
class RedLineRecord:
    """How often a counselor kept all red lines."""

    graded: int  # conversations
    crossed: int
    last_crossed: Evaluation | None

    @property
    def kept(self) -> int:
        return self.graded - self.crossed


def count_red_lines(reader: User, person: User, weeks: int) -> RedLineRecord:
    """Count the graded conversations of `person` that `reader` may read. Feedback held for human review is left out."""
    own = Evaluation.objects.for_user(reader).latest_completed().filter(session__counselor=person)
    recent = own.filter(session__started_at__date__gte=first_monday(weeks)).exclude(session__kind=Session.Kind.TRIAL)
    crossed = recent.crossing_red_line()
    newest = crossed.select_related("session__scenario_version").order_by("-session__started_at").first()
    return RedLineRecord(recent.count(), crossed.count(), newest)


def _build_skill(key: str, rows: list[Any], first: date) -> SkillProgress:
    reached, possible = sum(row["reached"] for row in rows), sum(row["possible"] for row in rows)
    return SkillProgress(
        key,
        _(SKILL_NAMES[key]),
        percent_of(reached, possible),
        sum(row["sessions"] for row in rows),
        _build_plot(rows, first),
    )


def _build_plot(rows: Iterable[Any], first: date) -> Plot:
    points = [PlotPoint(row["week"], percent_of(row["reached"], row["possible"]), row["sessions"]) for row in rows]
    last = monday_of(timezone.localdate())
    # Shorten a beginner's plot, so that it does not start with months of empty weeks.
    begin = max(first, min(points[0].week, last - timedelta(weeks=MIN_PLOT_WEEKS))) if points else first
    return Plot(points, begin, last)


def recommend_practice(person: Any, skills: Iterable[SkillProgress]) -> PracticeRecommendation | None:
    """Recommend the weakest skill with enough conversations, and a scenario for it. Return None if none qualifies."""
    candidates = [
        skill
        for skill in skills
        if skill.sessions >= MIN_SESSIONS and skill.percent < 100 and skill.key != SCENARIO_SKILL
    ]
    if not candidates:
        return None
    weakest = min(candidates, key=lambda skill: skill.percent)
    return PracticeRecommendation(weakest, _scenario_for(person, weakest.key))


def _scenario_for(person: Any, skill: str) -> Scenario | None:
    recent = Session.objects.for_counselor(person).filter(
        started_at__gte=timezone.now() - timedelta(days=REPEAT_AFTER_DAYS)
    )
    library = Scenario.objects.playable_by(person).exclude(
        pk__in=recent.filter(scenario__isnull=False).values("scenario")
    )
    fitting = library.filter(skills__name__in=SKILLS_BY_BRANCH.get(skill, []))
    return fitting.order_by("difficulty", "title").first()
