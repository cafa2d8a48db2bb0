"""Celery tasks. Each takes ids and calls one service."""

from celery import Task, shared_task

from accounts.services.leases import queue_lost, work_in_turn
from recordings.models import Recording
from recordings.services import deletion, finishing, orphans

# Enough for an hour of audio over a slow connection. If a task is delivered twice, the second one does nothing.
SOFT_TIME_LIMIT, TIME_LIMIT = 1500, 1560  # seconds


@shared_task(bind=True, soft_time_limit=SOFT_TIME_LIMIT, time_limit=TIME_LIMIT)
def finish_recording(self: Task, recording_id: str) -> None:
    work_in_turn(self, Recording.objects.finishable(), finishing.finish_recording)


@shared_task
def sweep_lost_recordings() -> int:
    return queue_lost(Recording.objects.finishable(), finish_recording)


@shared_task(soft_time_limit=SOFT_TIME_LIMIT, time_limit=TIME_LIMIT)
def sweep_recordings() -> None:
    finishing.sweep_recordings()


@shared_task(soft_time_limit=SOFT_TIME_LIMIT, time_limit=TIME_LIMIT)
def sweep_retention() -> None:
    deletion.sweep_retention()


@shared_task(soft_time_limit=SOFT_TIME_LIMIT, time_limit=TIME_LIMIT)
def sweep_orphans() -> None:
    orphans.delete_orphans()
