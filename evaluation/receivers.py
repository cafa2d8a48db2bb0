"""Receivers of the training app's signals."""

from typing import Any

from django.dispatch import receiver

from evaluation.services import feedback_requests
from training.models import Session
from training.signals import session_ended


@receiver(session_ended)
def queue_evaluation(session: Session, **kwargs: Any) -> None:
    """Queue grading when a session ends, unless its counselor stopped it: stopped sessions are never graded."""
    if not session.was_stopped:
        feedback_requests.queue_evaluation(session)
