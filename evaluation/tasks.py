"""Celery tasks. Each takes ids and calls one service."""

from datetime import timedelta
from uuid import UUID

from celery import Task, shared_task
from django.conf import settings
from django.utils import timezone

from accounts.services.leases import RetryLaterError, queue_overdue
from evaluation.models import DocumentationReview, Evaluation
from evaluation.services import alerts, documentation_comparison, grading, notifications

_MAIL_RETRY_SECONDS = 60  # seconds, base of the exponential backoff


@shared_task(bind=True, max_retries=None)
def grade_session(self: Task, evaluation_id: str) -> None:
    try:
        has_critical_flag = grading.grade_evaluation(UUID(evaluation_id))
    except RetryLaterError as wait:
        raise self.retry(countdown=wait.countdown) from wait
    if has_critical_flag:
        alert_supervisors.delay(evaluation_id)


@shared_task(autoretry_for=(OSError,), retry_backoff=_MAIL_RETRY_SECONDS, max_retries=5)
def alert_supervisors(evaluation_id: str) -> None:
    alerts.send_critical_flag_alerts(UUID(evaluation_id))


@shared_task(autoretry_for=(OSError,), retry_backoff=_MAIL_RETRY_SECONDS, max_retries=5)
def alert_of_report(flag_id: int) -> None:
    alerts.send_report_alert(flag_id)


@shared_task
def sweep_evaluations() -> int:
    unalerted = Evaluation.objects.unalerted(timezone.now() - timedelta(seconds=settings.TASK_LOST_AFTER))
    queue_overdue(unalerted, alert_supervisors)
    return queue_overdue(Evaluation.objects.overdue(), grade_session)


@shared_task(bind=True, max_retries=None)
def review_documentation(self: Task, review_id: str) -> None:
    try:
        documentation_comparison.compare_documentation(UUID(review_id))
    except RetryLaterError as wait:
        raise self.retry(countdown=wait.countdown) from wait


@shared_task
def sweep_documentation() -> int:
    return queue_overdue(DocumentationReview.objects.overdue(), review_documentation)


@shared_task
def sweep_notices() -> None:
    notifications.send_feedback_ready_emails()
