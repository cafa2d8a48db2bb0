"""First page after logging in: the next thing to do."""

from dataclasses import dataclass

from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from evaluation.models import Evaluation, Tally
from evaluation.reports.final_feedback import build_final_feedback
from evaluation.reports.plots import Sparkline
from evaluation.reports.progress import PracticeRecommendation, list_skill_progress, recommend_practice
from evaluation.views.progress import WEEKS
from training.models import Assignment, Session

LAST_SCORES = 10


@dataclass(frozen=True)
class LastResult:
    """The newest feedback that the counselor may see."""

    session: Session
    feedback: Evaluation
    one_thing: str  # for next time; may be empty


@dataclass(frozen=True)
class CounselorToday:
    """Content of a counselor's Today, apart from the recent conversations."""

    greeting: str
    live: Session | None  # unfinished conversation to continue
    next_up: Assignment | None  # the first of the open assignments
    also_assigned: list[Assignment]  # the others, the soonest due first
    advice: PracticeRecommendation | None
    scores: Sparkline
    last_result: LastResult | None

    @property
    def overdue_count(self) -> int:
        return sum(one.is_overdue for one in [self.next_up, *self.also_assigned] if one)

    @property
    def assigned_count(self) -> int:
        return len(self.also_assigned) + (self.next_up is not None)


def build_counselor_today(person: User) -> CounselorToday:
    mine = Assignment.objects.for_user(person).filter(counselor=person).open()
    assignments = list(mine.select_related("scenario").soonest_due_first())
    live = Session.objects.for_counselor(person).live().without_warm_ups().select_related("scenario_version")
    skills = list_skill_progress(Tally.objects.for_user(person), WEEKS)
    feedback = _newest_feedback(person)
    return CounselorToday(
        greeting=greet(person),
        live=live.order_by("-started_at").first(),
        next_up=assignments[0] if assignments else None,
        also_assigned=assignments[1:],
        advice=recommend_practice(person, skills),
        scores=Sparkline([one.final_score for one in reversed(feedback) if one.final_score is not None]),
        last_result=_describe_result(feedback[0]) if feedback else None,
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


def _newest_feedback(person: User) -> list[Evaluation]:
    """Return the person's newest feedback that they may see. That on trials does not count."""
    own = Evaluation.objects.for_user(person).latest_completed().filter(session__counselor=person)
    listed = own.exclude(session__kind=Session.Kind.TRIAL).select_related("session__scenario_version")
    newest = listed.order_by("-session__started_at")[:LAST_SCORES]
    return [one for one in newest if not one.is_hidden_from(person)]


def _describe_result(feedback: Evaluation) -> LastResult:
    final = build_final_feedback(feedback, list(feedback.criteria.all()))
    return LastResult(feedback.session, feedback, final.learning_objective)
