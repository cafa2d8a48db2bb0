"""Publication of feedback: its score counts for the assignment and the week, and webhooks announce it."""

from django.db import transaction

from accounts.integrations.webhooks import queue_event
from accounts.models import WebhookEvent
from evaluation.models import Evaluation
from evaluation.services.weekly_tallies import recount_week
from training.models import Session
from training.services import assignments
from training.services.webhook_payloads import session_payload


@transaction.atomic
def publish_feedback(evaluation: Evaluation, score: int, grade: str) -> None:
    """Publish feedback that is ready, either right after grading or when a person releases it."""
    record_score(evaluation.session, score)
    announce_feedback(evaluation, score, grade)


def announce_feedback(evaluation: Evaluation, score: int, grade: str) -> None:
    """Queue the webhook event about feedback, or about a new score of it. Trials are not announced."""
    session = evaluation.session
    if session.kind != Session.Kind.TRIAL:
        payload = session_payload(session) | {"evaluation_id": str(evaluation.pk), "score": score, "grade": grade}
        queue_event(session.organization_id, WebhookEvent.EVALUATION_READY, payload)


@transaction.atomic
def record_score(session: Session, score: int) -> None:
    """Record the session's new score for its assignment and its week."""
    assignments.record_score(session, score)
    recount_week(session)
