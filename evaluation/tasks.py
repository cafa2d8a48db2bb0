"""Celery tasks. Each takes ids and calls one service."""

from datetime import timedelta
from uuid import UUID

from celery import Task, shared_task
from django.utils import timezone

from accounts.services.leases import RetryLaterError, queue_lost, queue_overdue, work_in_turn
from accounts.services.task_queue import queue_task
from evaluation.models import DocumentationReview, Evaluation
from evaluation.services import alerts, documentation_comparison, grading, notifications

_MAIL_RETRY_SECONDS = 60  # seconds, base of the exponential backoff
_ALERT_LOST_SECONDS = 60  # seconds after which an alert that has not been sent is queued again


@shared_task(bind=True, max_retries=None)
def grade_session(self: Task, evaluation_id: str) -> None:
    try:
        work_in_turn(self, Evaluation.objects.all(), _grade_and_alert)
    except RetryLaterError as wait:
        raise self.retry(countdown=wait.countdown) from wait


def _grade_and_alert(evaluation_id: UUID) -> None:
    try:
        needs_alert = grading.grade_evaluation(evaluation_id)
    except RetryLaterError as wait:
        # A row that cannot be claimed yet must not use up its organization's turn.
        Evaluation.objects.filter(pk=evaluation_id).postpone(wait.seconds)
        raise
    if needs_alert:
        queue_task(alert_supervisors, str(evaluation_id))


@shared_task(autoretry_for=(OSError,), retry_backoff=_MAIL_RETRY_SECONDS, max_retries=5)
def alert_supervisors(evaluation_id: str) -> None:
    alerts.send_alerts(UUID(evaluation_id))


@shared_task(autoretry_for=(OSError,), retry_backoff=_MAIL_RETRY_SECONDS, max_retries=5)
def alert_of_report(flag_id: int) -> None:
    alerts.send_report_alert(flag_id)


@shared_task
def sweep_evaluations() -> int:
    unalerted = Evaluation.objects.unalerted(timezone.now() - timedelta(seconds=_ALERT_LOST_SECONDS))
    queue_overdue(unalerted, alert_supervisors)
    return queue_lost(Evaluation.objects.all(), grade_session)


@shared_task(bind=True, max_retries=None)
def review_documentation(self: Task, review_id: str) -> None:
    try:
        work_in_turn(self, DocumentationReview.objects.all(), documentation_comparison.compare_documentation)
    except RetryLaterError as wait:
        raise self.retry(countdown=wait.countdown) from wait


@shared_task
def sweep_documentation() -> int:
    return queue_lost(DocumentationReview.objects.all(), review_documentation)


@shared_task
def sweep_notices() -> None:
    notifications.send_feedback_ready_emails()
    notifications.send_review_waiting_emails()
