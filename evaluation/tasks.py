"""Celery's doors: they take ids and call one service."""

from uuid import UUID

from celery import Task, shared_task

_MAIL_AGAIN = 60  # seconds


@shared_task(bind=True, max_retries=None)
def grade_session(self: Task, evaluation_id: str) -> None:
    from evaluation.services import grading  # noqa: PLC0415  (services queue this task)

    try:
        grading.grade(UUID(evaluation_id))
    except grading.NotYet as wait:
        raise self.retry(countdown=wait.seconds) from wait


@shared_task(autoretry_for=(OSError,), retry_backoff=_MAIL_AGAIN, max_retries=5)
def alert_supervisors(evaluation_id: str) -> None:
    from evaluation.services import alerts  # noqa: PLC0415

    alerts.alert_supervisors(UUID(evaluation_id))


@shared_task
def sweep_evaluations() -> None:
    from evaluation.services import grading  # noqa: PLC0415

    grading.sweep_evaluations()
