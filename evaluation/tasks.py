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


@shared_task(autoretry_for=(OSError,), retry_backoff=_MAIL_AGAIN, max_retries=5)
def alert_of_report(flag_id: int) -> None:
    from evaluation.services import alerts  # noqa: PLC0415

    alerts.alert_of_report(flag_id)


@shared_task
def sweep_evaluations() -> None:
    from evaluation.services import grading  # noqa: PLC0415

    grading.sweep_evaluations()


@shared_task(bind=True, max_retries=None)
def review_documentation(self: Task, review_id: str) -> None:
    from evaluation.services import documenting, grading  # noqa: PLC0415

    try:
        documenting.compare_documentation(UUID(review_id))
    except grading.NotYet as wait:
        raise self.retry(countdown=wait.seconds) from wait


@shared_task
def sweep_documentation() -> None:
    from evaluation.services import documenting  # noqa: PLC0415

    documenting.sweep_documentation()


@shared_task
def sweep_notices() -> None:
    from evaluation.services import notices  # noqa: PLC0415

    notices.sweep_ready_notices()
