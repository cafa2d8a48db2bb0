"""Receivers of the training app's signals."""

from typing import Any

from django.dispatch import receiver

from evaluation.services import feedback_requests
from training.models import Session
from training.signals import session_ended


@receiver(session_ended)
def queue_evaluation(session: Session, **kwargs: Any) -> None:
    """Queue grading when a session ends. Stopped sessions and warm-up calls are never graded."""
    if not session.was_stopped and not session.is_warm_up:
        feedback_requests.queue_evaluation(session)
