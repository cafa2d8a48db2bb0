"""Retries and sweeps of rows that workers claim with a lease."""

from typing import Any

from celery import Task
from django.conf import settings
from django.db.models import QuerySet

MAX_RETRY_SECONDS = 60.0  # upper limit of a delay, even if Retry-After asks for more
# Seconds added to a countdown, because a worker whose clock is behind would find the row not yet claimable.
CLOCK_MARGIN = 0.5
SWEEP_BATCH_SIZE = 200  # tasks queued by one sweep, so that sweeps do not flood workers that are behind


class RetryLaterError(Exception):
    """Request to run the task again after `seconds`."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds

    @property
    def countdown(self) -> float:
        """Seconds until the task runs again, for Celery."""
        return self.seconds + CLOCK_MARGIN


def retry_delay(attempts: int, retry_after: float | None) -> float:
    """Return the seconds until the next attempt: `retry_after` if given, otherwise 2, 4, 8, …; at most 60."""
    return min(retry_after or 2.0**attempts, MAX_RETRY_SECONDS)


def queue_overdue(rows: QuerySet[Any], task: Task[..., Any]) -> int:
    """Queue the task for the first `SWEEP_BATCH_SIZE` rows. Return the number of queued tasks."""
    found = list(rows.values_list("pk", flat=True)[:SWEEP_BATCH_SIZE])
    for pk in found:
        # The message expires before the next sweep, so that messages do not pile up when workers are behind.
        task.apply_async((str(pk),), expires=settings.SWEEP_EVERY)
    return len(found)
