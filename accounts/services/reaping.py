"""Removal of objects without an owner: recorded first, then removed after a grace period, a small share each day.

Ownership of the object store is checked again before each removal, because a run may take hours.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from math import ceil

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import ReapCandidate
from accounts.services.ownership import may_delete

logger = logging.getLogger(__name__)

_BATCH_SIZE = 500  # rows in one statement
_RECORD_KEPT_FOR = timedelta(days=30)


@dataclass
class ReapReport:
    """Outcome of one run of a reaper."""

    candidates: int = 0  # found without an owner
    due: int = 0  # of these, past the grace period
    allowance: int = 0  # that this run may remove
    removed: list[str] = field(default_factory=list)


def reap(
    reaper: str, orphans: Iterable[str], count_known: Callable[[], int], remove: Callable[[str], int], is_all: bool
) -> tuple[ReapReport, int]:
    """Record the keys in `orphans` as candidates, and remove those that are due. Return (report, objects removed).

    `count_known` is called after all orphans have been read, and returns the number of keys examined. `remove` checks a
    key again, and returns the number of objects removed. Unless `is_all` is true, at most REAP_SHARE percent of the
    known keys are removed a day, or REAP_AT_LEAST if that is more. With REAP_DRY_RUN, nothing is removed.
    """
    now = timezone.now()
    _record_candidates(reaper, orphans, now)
    waiting = ReapCandidate.objects.filter(reaper=reaper, removed_at=None)
    waiting.filter(seen_at__lt=now).delete()  # they have an owner again, or are gone
    ReapCandidate.objects.filter(reaper=reaper, removed_at__lt=now - _RECORD_KEPT_FOR).delete()
    due = waiting.filter(first_seen_at__lte=now - timedelta(seconds=settings.REAP_GRACE))
    report = ReapReport(candidates=waiting.count(), due=due.count())
    if not settings.REAP_DRY_RUN:
        report.allowance = report.due if is_all else _allowance(reaper, count_known(), now)
    objects = _remove_due(due.order_by("first_seen_at", "key")[: report.allowance], remove, report)
    if report.candidates:
        logger.info(
            "Reaper of %s: %d candidates, %d past the grace period, %d removed",
            reaper,
            report.candidates,
            report.due,
            len(report.removed),
        )
    return report, objects


def _record_candidates(reaper: str, orphans: Iterable[str], now: datetime) -> None:
    remaining = iter(orphans)
    while keys := list(islice(remaining, _BATCH_SIZE)):
        # An object that was removed earlier and is back starts over.
        ReapCandidate.objects.filter(reaper=reaper, key__in=keys).exclude(removed_at=None).delete()
        ReapCandidate.objects.bulk_create(
            [ReapCandidate(reaper=reaper, key=key, first_seen_at=now, seen_at=now) for key in keys],
            update_conflicts=True,
            unique_fields=["reaper", "key"],
            update_fields=["seen_at"],
        )


def _allowance(reaper: str, known: int, now: datetime) -> int:
    """Return the number of keys that may still be removed today."""
    share = max(settings.REAP_AT_LEAST, ceil(known * settings.REAP_SHARE / 100))
    today = ReapCandidate.objects.filter(reaper=reaper, removed_at__gt=now - timedelta(days=1)).count()
    return max(0, share - today)


def _remove_due(due: QuerySet[ReapCandidate], remove: Callable[[str], int], report: ReapReport) -> int:
    objects = 0
    for candidate in due:
        if not may_delete(candidate.reaper):
            break
        if removed := remove(candidate.key):
            objects += removed
            report.removed.append(candidate.key)
            ReapCandidate.objects.filter(pk=candidate.pk).update(removed_at=timezone.now())
            logger.info("Reaper of %s removed %s", candidate.reaper, candidate.key)
    return objects
