"""Scenarios of the library as a counselor sees them: with their own attempts, and found by words."""

from django.db.models import Count, Max, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce

from accounts.models import User
from scenarios.models import ScenarioQuerySet
from training.models.end_reasons import EndReason
from training.models.sessions import Session, SessionQuerySet


def with_own_results(scenarios: ScenarioQuerySet, user: User) -> ScenarioQuerySet:
    """Add `attempts` and `best_score`: how often `user` has taken each scenario, and the best score they may see.

    `Session.score` is set when feedback is published, so a grade that is held for human review is not in it.
    """
    by_scenario = _attempts(user).filter(scenario=OuterRef("pk")).order_by().values("scenario")
    return scenarios.annotate(
        attempts=Coalesce(Subquery(by_scenario.annotate(number=Count("pk")).values("number")), 0),
        best_score=Subquery(by_scenario.annotate(best=Max("score")).values("best")),
    )


def _attempts(user: User) -> SessionQuerySet:
    """Return the user's finished practice, without what they stopped and what was lost to a fault."""
    ended = Session.objects.for_counselor(user).without_trials().exclude(status=Session.Status.ACTIVE)
    return ended.exclude(end_reason=EndReason.STOPPED).filter(is_gradable=True)


def mentions(text: str) -> Q:
    """Return the condition for scenarios that say `text` in anything that counselors may read."""
    return (
        Q(title__icontains=text)
        | Q(description__icontains=text)
        | Q(content_notes__icontains=text)
        | Q(category__name__icontains=text)
    )
