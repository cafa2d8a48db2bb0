"""Celery beat scheduler that stores the last run of each entry in the database."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from celery.beat import ScheduleEntry, Scheduler
from celery.schedules import schedule
from django.db import DatabaseError, connection
from django.utils import timezone

from accounts.models import ScheduledRun

# Entries with at least this interval are remembered. More frequent ones run soon after each start anyway.
REMEMBERED_FROM = timedelta(minutes=10)
RETRY_AFTER = timedelta(minutes=1)  # after a run that could not be queued
CHECK_EVERY = timedelta(minutes=5)  # between checks of an entry that is not due


class DatabaseScheduler(Scheduler):
    """Scheduler that makes up a missed run once, no matter how often beat restarts or how many instances run."""

    clock: Callable[[], datetime] = staticmethod(timezone.now)

    def setup_schedule(self) -> None:
        super().setup_schedule()
        # An entry counts as due until the database says otherwise. Celery would first wait for a whole interval.
        for entry in self.schedule.values():
            if is_remembered(entry):
                entry.last_run_at = entry.default_now() - interval_of(entry)

    def is_due(self, entry: ScheduleEntry) -> Any:
        """Return whether to run the entry now, and the seconds until the next check. Claim the run in the database."""
        if not is_remembered(entry):
            return super().is_due(entry)
        if not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()
        now, every = self.clock(), interval_of(entry)
        try:
            if ScheduledRun.objects.claim(entry.name or "", every, now):
                return True, RETRY_AFTER.total_seconds()
            ran_at = ScheduledRun.objects.filter(name=entry.name).values_list("ran_at", flat=True).first() or now
        except DatabaseError:
            self.logger.warning("beat: %s is waiting for the database", entry.name)
            return False, RETRY_AFTER.total_seconds()
        # Check again within CHECK_EVERY, because another beat may fail to queue the run that it has claimed.
        return False, min(max((ran_at + every - now).total_seconds(), 1.0), CHECK_EVERY.total_seconds())

    def apply_async(self, entry: ScheduleEntry, *args: Any, **options: Any) -> Any:
        try:
            return super().apply_async(entry, *args, **options)
        except Exception:
            if is_remembered(entry):
                self._make_due_again(entry)
            raise

    def _make_due_again(self, entry: ScheduleEntry) -> None:
        """Undo the claim on a run that could not be queued, so that the entry is due again after RETRY_AFTER."""
        ran_at = self.clock() - interval_of(entry) + RETRY_AFTER
        ScheduledRun.objects.filter(name=entry.name).update(ran_at=ran_at)


def is_remembered(entry: ScheduleEntry) -> bool:
    return interval_of(entry) >= REMEMBERED_FROM


def interval_of(entry: ScheduleEntry) -> timedelta:
    assert isinstance(entry.schedule, schedule)
    every: timedelta = entry.schedule.run_every  # type: ignore[attr-defined]  # missing from the stubs
    return every
