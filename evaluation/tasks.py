"""Celery's doors: they take ids and call one service."""

from uuid import UUID

from celery import Task, shared_task


@shared_task(bind=True, max_retries=None)
def grade_session(self: Task, evaluation_id: str) -> None:
    from evaluation import services  # noqa: PLC0415  (services queue this task)

    try:
        services.grade(UUID(evaluation_id))
    except services.NotYet as wait:
        raise self.retry(countdown=wait.seconds) from wait


@shared_task
def sweep_evaluations() -> None:
    from evaluation import services  # noqa: PLC0415

    services.sweep_evaluations()
