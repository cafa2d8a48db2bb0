"""Heartbeats, turns, retries, and sweeps of rows that workers claim with a lease."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar
from uuid import UUID

from celery import Task
from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.db import DatabaseError, connection, connections
from django.db.models import QuerySet
from django.utils.translation import gettext_noop

from accounts.models import LeasedModel, LeaseQuerySet
from accounts.services.task_queue import queue_task
from ai import SearchBudgetError

logger = logging.getLogger(__name__)

Result = TypeVar("Result")

MAX_RETRY_SECONDS = 60.0  # upper limit of a delay, even if Retry-After asks for more
# Seconds added to a countdown, because a worker whose clock is behind would find the row not yet claimable.
CLOCK_MARGIN = 0.5
SWEEP_BATCH_SIZE = 200  # tasks queued by one sweep, so that sweeps do not flood workers that are behind
HEARTBEATS_PER_LEASE = 3  # two may be late before the lease runs out
MIN_HEARTBEAT_SECONDS = 0.05

# Stored in English, and translated when shown. The shortest column holds 200 characters.
_OUT_OF_TIME = gettext_noop("This took too long and was stopped. Everything is saved. You can try again.")
_TEXT_TOO_COSTLY = gettext_noop(
    "The text took too long to search. It is saved. Remove long repetitions from it, and try again."
)


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


@contextmanager
def fail_when_out_of_time(fail: Callable[[str], object]) -> Iterator[None]:
    """Call `fail` with a reason in words if the task reaches its soft time limit or a search exceeds its budget.

    Do all work on a claimed row in this block, so that the row fails at once instead of when its lease runs out.
    """
    try:
        yield
    except SoftTimeLimitExceeded:
        reason = _OUT_OF_TIME
    except SearchBudgetError:
        reason = _TEXT_TOO_COSTLY
    else:
        return
    logger.error("Stopped work on a row: %s", reason)
    # The limit may have interrupted a query, and the connection accepts no other query after that.
    if not connection.in_atomic_block:
        connection.close()
    fail(reason)


# ---- Heartbeats


@contextmanager
def keep_claimed(row: LeasedModel, seconds: float, longest: float = settings.TASK_TIME_LIMIT) -> Iterator[None]:
    """Renew the claim on `row` while the block runs. If the worker is killed, others can claim it `seconds` later.

    Renewals end after `longest` seconds, because a thread that hangs must not hold the row forever.
    """
    fenced = type(row)._default_manager.fenced(row)  # type: ignore[attr-defined]  # every leased model has it
    with heartbeat(lambda: fenced.renew(seconds), seconds, longest):
        yield


@contextmanager
def heartbeat(renew: Callable[[], int], seconds: float, longest: float = settings.TASK_TIME_LIMIT) -> Iterator[None]:
    """Call `renew` from a thread several times per `seconds` while the block runs, until it returns 0."""
    stop = threading.Event()
    interval = max(seconds / HEARTBEATS_PER_LEASE, MIN_HEARTBEAT_SECONDS)
    thread = threading.Thread(target=_beat, args=(renew, stop, interval, longest), name="lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        # A heartbeat that waits for the database ends with the process.
        thread.join(interval)


def _beat(renew: Callable[[], int], stop: threading.Event, interval: float, longest: float) -> None:
    ends_at = time.monotonic() + longest
    try:
        while not stop.wait(interval) and time.monotonic() < ends_at:
            try:
                if not renew():
                    return
            except DatabaseError as error:
                logger.warning("Claim not renewed: %s", type(error).__name__)
                connections.close_all()
    finally:
        connections.close_all()


# ---- Turns


def organization_limit(task: Task[..., Any]) -> int:
    """Return the number of rows of one organization that workers may process at once in the task's queue."""
    limit: int = settings.ORGANIZATION_LIMITS[settings.CELERY_TASK_ROUTES[task.name]["queue"]]
    return limit


def work_in_turn(task: Task[..., Any], rows: LeaseQuerySet[Any], work: Callable[[UUID], Result]) -> Result | None:
    """Work on the row of the organization whose turn is next. Return None if no row may be claimed now.

    A message says that some row is waiting, not which one. Otherwise, a burst from one organization would be processed
    in the order of its messages, before everything that others queue afterward.
    """
    return take_turn(task, lambda: rows.in_turn(organization_limit(task)), work)


def take_turn(
    task: Task[..., Any], waiting: Callable[[], QuerySet[Any]], work: Callable[[UUID], Result]
) -> Result | None:
    """Work on the first waiting row, and queue the task again if another row may be claimed by then."""
    pk = _first_key(waiting())
    if pk is None:
        return None
    try:
        return work(pk)
    finally:
        following = _first_key(waiting())
        # If the same row is still first, `work` could not claim it. The sweep takes care of it.
        if following is not None and following != pk:
            queue_task(task, str(following))


def _first_key(rows: QuerySet[Any]) -> UUID | None:
    return next(iter(rows.values_list("pk", flat=True)[:1]), None)


# ---- Sweeps


def queue_lost(rows: LeaseQuerySet[Any], task: Task[..., Any]) -> int:
    """Queue the task for overdue rows, up to the limit of each organization. Return their number."""
    return queue_overdue(rows.overdue().in_turn(organization_limit(task)), task)


def queue_overdue(rows: QuerySet[Any], task: Task[..., Any]) -> int:
    """Queue the task for the first `SWEEP_BATCH_SIZE` rows. Return the number of queued tasks."""
    found = list(rows.values_list("pk", flat=True)[:SWEEP_BATCH_SIZE])
    for pk in found:
        # The message expires before the next sweep, so that messages do not pile up when workers are behind.
        task.apply_async((str(pk),), expires=settings.LOST_WORK_EVERY)
    return len(found)
