"""The team's average score by week, in one line for Today."""

from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import User
from evaluation.models import Tally
from evaluation.reports.plots import Plot, Sparkline
from evaluation.reports.progress import SkillProgress, list_skill_progress, plot_scores
from evaluation.services.weekly_tallies import SCENARIO_SKILL

TEAM_WEEKS = 8


@dataclass(frozen=True)
class TeamScore:
    """Averages of the last TEAM_WEEKS weeks with graded practice."""

    plot: Plot
    skills: list[SkillProgress]  # of the rubric, in its order

    @property
    def line(self) -> Sparkline:
        return Sparkline([point.percent for point in self.plot.points])

    @property
    def latest(self) -> int | None:
        """Average of the last week with graded practice."""
        return self.plot.points[-1].percent if self.plot.points else None

    @property
    def change(self) -> str:
        """The change since the first week, in words. Empty with fewer than two weeks."""
        points = self.plot.points
        if len(points) < 2:
            return ""
        difference = points[-1].percent - points[0].percent
        weeks = (points[-1].week - points[0].week).days // 7
        values = {"points": abs(difference), "weeks": weeks}
        if difference > 0:
            return ngettext("up %(points)s in %(weeks)s week", "up %(points)s in %(weeks)s weeks", weeks) % values
        if difference < 0:
            return ngettext("down %(points)s in %(weeks)s week", "down %(points)s in %(weeks)s weeks", weeks) % values
        return ngettext("the same as %(weeks)s week ago", "the same as %(weeks)s weeks ago", weeks) % values

    @property
    def extremes(self) -> str:
        """The strongest and the weakest skill, in a sentence. Empty with fewer than two skills."""
        if len(self.skills) < 2:
            return ""
        ranked = sorted(self.skills, key=lambda skill: skill.percent)
        values = {"best": ranked[-1].name, "worst": ranked[0].name}
        return _("Strongest: %(best)s. Weakest: %(worst)s.") % values


def build_team_score(user: User) -> TeamScore:
    rows = Tally.objects.for_user(user)
    skills = [skill for skill in list_skill_progress(rows, TEAM_WEEKS) if skill.key != SCENARIO_SKILL]
    return TeamScore(plot_scores(rows, TEAM_WEEKS), skills)
