"""Feedback that its counselor may read now: it counts, for the assignment and the weeks, and others are told."""

from django.db import transaction

from accounts.models import Event
from accounts.services.webhooks import announce
from evaluation.models import Evaluation
from evaluation.services.tallying import count_again
from training.models import Session
from training.services.assignments import count_result
from training.services.facts import facts_of


@transaction.atomic
def publish(evaluation: Evaluation, score: int, grade: str) -> None:
    """It is ready: for the first time, or because a person has let it through."""
    session = evaluation.session
    count(session, score)
    if session.kind != Session.Kind.TRIAL:
        facts = facts_of(session) | {"evaluation_id": str(evaluation.pk), "score": score, "grade": grade}
        announce(session.organization_id, Event.EVALUATION_READY, facts)


@transaction.atomic
def count(session: Session, score: int) -> None:
    """The score that counts from now on."""
    count_result(session, score)
    count_again(session)
