"""Celery tasks. Each takes ids and calls one service."""

from uuid import UUID

from celery import Task, shared_task

from evaluation.services import alerts, documentation, grading, notifications

_MAIL_AGAIN = 60  # seconds, base of the exponential backoff


@shared_task(bind=True, max_retries=None)
def grade_session(self: Task, evaluation_id: str) -> None:
    try:
        grading.grade_evaluation(UUID(evaluation_id))
    except grading.RetryLaterError as wait:
        raise self.retry(countdown=wait.seconds) from wait


@shared_task(autoretry_for=(OSError,), retry_backoff=_MAIL_AGAIN, max_retries=5)
def alert_supervisors(evaluation_id: str) -> None:
    alerts.send_critical_flag_alerts(UUID(evaluation_id))


@shared_task(autoretry_for=(OSError,), retry_backoff=_MAIL_AGAIN, max_retries=5)
def alert_of_report(flag_id: int) -> None:
    alerts.send_report_alert(flag_id)


@shared_task
def sweep_evaluations() -> None:
    grading.sweep_evaluations()


@shared_task(bind=True, max_retries=None)
def review_documentation(self: Task, review_id: str) -> None:
    try:
        documentation.compare_documentation(UUID(review_id))
    except grading.RetryLaterError as wait:
        raise self.retry(countdown=wait.seconds) from wait


@shared_task
def sweep_documentation() -> None:
    documentation.sweep_documentation()


@shared_task
def sweep_notices() -> None:
    notifications.send_feedback_ready_emails()
