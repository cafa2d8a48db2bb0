"""Queueing of tasks for workers. A broker outage fails no request and delays none for long."""

import logging
import time
from threading import Lock
from typing import Any

from celery import Task
from django.db import transaction
from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)

PAUSE_SECONDS = 10.0  # without an attempt after a failure, so that requests do not wait for a broker that is down
LOG_EVERY = 60.0  # seconds between log lines about the same outage


class BrokerOutage:
    """Record of the broker's last failure in this process."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._paused_until = self._logged_at = float("-inf")

    def is_paused(self) -> bool:
        return time.monotonic() < self._paused_until

    def record(self, error: Exception) -> None:
        with self._lock:
            now = time.monotonic()
            self._paused_until = now + PAUSE_SECONDS
            if now - self._logged_at >= LOG_EVERY:
                self._logged_at = now
                logger.warning("The broker is unreachable, so sweeps will queue the work: %s", type(error).__name__)

    def end(self) -> None:
        self._paused_until = float("-inf")


outage = BrokerOutage()


def queue_on_commit(task: Task[..., Any], *ids: object) -> None:
    """Queue the task once the current transaction commits.

    Without a broker, nothing is lost: the row exists, and a sweep queues it within seconds.
    """
    transaction.on_commit(lambda: queue_task(task, *ids), robust=True)


def queue_task(task: Task[..., Any], *ids: object) -> bool:
    """Queue the task now. Return False if the broker is unreachable."""
    if outage.is_paused():
        return False
    try:
        task.apply_async(ids, retry=False)
    except (OperationalError, OSError) as error:
        outage.record(error)
        return False
    return True
