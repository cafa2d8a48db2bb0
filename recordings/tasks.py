"""Celery's doors: they take ids and call one service."""

from uuid import UUID

from celery import shared_task


@shared_task
def finish_recording(recording_id: str) -> None:
    from recordings.services import finishing  # noqa: PLC0415  (services queue these tasks)

    finishing.finish_recording(UUID(recording_id))


@shared_task
def sweep_recordings() -> None:
    from recordings.services import finishing  # noqa: PLC0415

    finishing.sweep_recordings()


@shared_task
def sweep_retention() -> None:
    from recordings.services import deletion  # noqa: PLC0415

    deletion.sweep_retention()
