"""Celery tasks. Each takes ids and calls one service."""

from uuid import UUID

from celery import shared_task

from recordings.services import deletion, finishing

# Enough for an hour of audio over a slow connection. If a task is delivered twice, the second one does nothing.
SOFT_TIME_LIMIT, TIME_LIMIT = 1500, 1560  # seconds


@shared_task(soft_time_limit=SOFT_TIME_LIMIT, time_limit=TIME_LIMIT)
def finish_recording(recording_id: str) -> None:
    finishing.finish_recording(UUID(recording_id))


@shared_task(soft_time_limit=SOFT_TIME_LIMIT, time_limit=TIME_LIMIT)
def sweep_recordings() -> None:
    finishing.sweep_recordings()


@shared_task(soft_time_limit=SOFT_TIME_LIMIT, time_limit=TIME_LIMIT)
def sweep_retention() -> None:
    deletion.sweep_retention()


@shared_task(soft_time_limit=SOFT_TIME_LIMIT, time_limit=TIME_LIMIT)
def sweep_orphans() -> None:
    deletion.delete_orphans()
