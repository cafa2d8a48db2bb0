"""Celery's doors: they take ids and call one service."""

from uuid import UUID

from celery import shared_task


@shared_task
def prepare_procedures(document_id: str) -> None:
    from accounts import services  # noqa: PLC0415  (services queue this task)

    services.prepare_procedures(UUID(document_id))


@shared_task
def sweep_procedures() -> None:
    from accounts import services  # noqa: PLC0415

    services.sweep_procedures()
