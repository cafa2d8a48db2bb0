"""First page after logging in: the next thing to do."""

from dataclasses import dataclass

from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from evaluation.models import Evaluation, Tally
from evaluation.reports.plots import Sparkline
from evaluation.reports.progress import PracticeRecommendation, list_skill_progress, recommend_practice
from evaluation.views.progress import WEEKS
from training.models import Assignment, Session

LAST_SCORES = 10


@dataclass(frozen=True)
class CounselorToday:
    """Content of a counselor's Today, apart from the recent conversations."""

    greeting: str
    live: Session | None  # unfinished conversation to continue
    next_up: Assignment | None  # the first of the open assignments
    also_assigned: list[Assignment]  # the others, the soonest due first
    advice: PracticeRecommendation | None
    scores: Sparkline

    @property
    def assigned_count(self) -> int:
        return len(self.also_assigned) + (self.next_up is not None)


def build_counselor_today(person: User) -> CounselorToday:
    mine = Assignment.objects.for_user(person).filter(counselor=person).open()
    assignments = list(mine.select_related("scenario").soonest_due_first())
    live = Session.objects.for_counselor(person).live().without_warm_ups().select_related("scenario_version")
    skills = list_skill_progress(Tally.objects.for_user(person), WEEKS)
    return CounselorToday(
        greeting=greet(person),
        live=live.order_by("-started_at").first(),
        next_up=assignments[0] if assignments else None,
        also_assigned=assignments[1:],
        advice=recommend_practice(person, skills),
        scores=_last_scores(person),
    )


def greet(person: User) -> str:
    """Return a greeting that fits the hour in the organization's time zone."""
    hour = timezone.localtime().hour
    name = person.first_name or str(person)
    if 5 <= hour < 12:
        return _("Good morning, %(name)s") % {"name": name}
    if 12 <= hour < 18:
        return _("Good afternoon, %(name)s") % {"name": name}
    return _("Good evening, %(name)s") % {"name": name}


def _last_scores(person: User) -> Sparkline:
    own = Evaluation.objects.latest_completed().filter(session__counselor=person)
    newest = own.select_related("session").order_by("-session__started_at")[:LAST_SCORES]
    scores = [one.final_score for one in newest if one.final_score is not None and not one.is_hidden_from(person)]
    return Sparkline(scores[::-1])
