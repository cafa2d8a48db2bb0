"""Celery's doors: they take ids and call one service."""

from uuid import UUID

from celery import shared_task


@shared_task
def prepare_greeting(session_id: str) -> None:
    from training.services import greetings  # noqa: PLC0415  (services queue these tasks)

    greetings.prepare_greeting(UUID(session_id))


@shared_task
def sweep_greetings() -> None:
    from training.services import greetings  # noqa: PLC0415

    greetings.sweep_greetings()


@shared_task
def sweep_sessions() -> None:
    from training.services import sessions  # noqa: PLC0415

    sessions.sweep_sessions()


@shared_task
def sweep_notices() -> None:
    from training.services import notices  # noqa: PLC0415

    notices.sweep_notices()
