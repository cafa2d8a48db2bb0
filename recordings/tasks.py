"""Celery tasks. Each takes ids and calls one service."""

from uuid import UUID

from celery import shared_task

# Enough for an hour of audio over a slow connection. A task delivered twice finds the recording claimed.
SOFT_TIME_LIMIT, TIME_LIMIT = 1500, 1560  # seconds


@shared_task(soft_time_limit=SOFT_TIME_LIMIT, time_limit=TIME_LIMIT)
def finish_recording(recording_id: str) -> None:
    from recordings.services import finishing  # noqa: PLC0415  (services queue these tasks)

    finishing.finish_recording(UUID(recording_id))


@shared_task(soft_time_limit=SOFT_TIME_LIMIT, time_limit=TIME_LIMIT)
def sweep_recordings() -> None:
    from recordings.services import finishing  # noqa: PLC0415

    finishing.sweep_recordings()


@shared_task(soft_time_limit=SOFT_TIME_LIMIT, time_limit=TIME_LIMIT)
def sweep_retention() -> None:
    from recordings.services import deletion  # noqa: PLC0415

    deletion.sweep_retention()


@shared_task(soft_time_limit=SOFT_TIME_LIMIT, time_limit=TIME_LIMIT)
def sweep_orphans() -> None:
    from recordings.services import deletion  # noqa: PLC0415

    deletion.delete_orphans()
