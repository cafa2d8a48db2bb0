"""Leases on rows that workers process: one holder at a time, and no late writes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Self, TypeVar
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import Count, F, IntegerField, OuterRef, Subquery, Window
from django.db.models.functions import Coalesce, RowNumber
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

LeasedRow = TypeVar("LeasedRow", bound="LeasedModel")
RowQuerySet = TypeVar("RowQuerySet", bound=models.QuerySet[Any])


def order_by_turn(waiting: RowQuerySet, held: models.QuerySet[Any], limit: int, since: str) -> RowQuerySet:
    """Order waiting rows so that organizations take turns, the one with the fewest `held` rows first.

    Leave out rows that would take an organization beyond `limit` held rows. `since` names the field that says when the
    wait began.
    """
    theirs = held.order_by().filter(organization_id=OuterRef("organization_id")).values("organization_id")
    held_count = Subquery(theirs.annotate(number=Count("pk")).values("number"), output_field=IntegerField())
    place = Window(RowNumber(), partition_by=F("organization_id"), order_by=[F(since).asc(), F("pk").asc()])
    placed = waiting.order_by().annotate(place=place + Coalesce(held_count, 0))
    return placed.filter(place__lte=limit).order_by("place", since, "pk")


class LeaseQuerySet(models.QuerySet[LeasedRow]):
    """Rows with a lease. A row waits, is held by a worker, or is settled.

    The start and the end of every claim increment the fence. A worker writes through `fenced(row)` with the row that
    `claim` returned, so its writes change nothing once its claim has ended for any reason.
    """

    def claimable(self) -> Self:
        """Limit to rows that wait for a worker now, or whose lease has run out."""
        return self.filter(available_at__lte=now())

    def overdue(self) -> Self:
        """Limit to rows that have been claimable for `LOST_WORK_EVERY` seconds, the longest waiting first.

        The task of such a row was lost, or its worker died.
        """
        rows = self.filter(available_at__lte=now() - timedelta(seconds=settings.LOST_WORK_EVERY))
        return rows.order_by("available_at")

    def in_turn(self, limit: int) -> Self:
        """Limit to the claimable rows of organizations with fewer than `limit` claimed rows, in fair order.

        Organizations take turns, so a burst from one of them delays the others by only one row each.
        """
        claimed = self.model._default_manager.filter(is_claimed=True, available_at__gt=now())
        return order_by_turn(self.claimable(), claimed, limit, since="available_at")

    def exhausted(self, limit: int) -> Self:
        """Limit to claimable rows that have used up `limit` attempts, such as a row that kills its workers."""
        return self.claimable().filter(attempts__gte=limit)

    def fenced(self, row: LeasedRow) -> Self:
        """Limit to this row, unless a claim has started or ended since it was read. Workers write through this."""
        return self.filter(pk=row.pk, fence=row.fence)

    def claim(self, pk: UUID, seconds: float, **fields: Any) -> LeasedRow | None:
        """Claim a row for `seconds`, set `fields`, and return it. Return None if it is missing or not claimable."""
        started = now()
        # Later than the end of any earlier claim, so that it identifies this claim, even if `seconds` is 0.
        until = started + timedelta(seconds=seconds) + timedelta.resolution
        # The conditional UPDATE is the lock. `available_at` must not be in the subquery: after waiting for another
        # worker's lock, PostgreSQL checks the row again, but not the subquery.
        rows = self.model._default_manager.filter(pk=pk)
        claimable = rows.filter(pk__in=self.filter(pk=pk).values("pk"), available_at__lte=started)
        claimed = claimable.update(
            fence=F("fence") + 1, attempts=F("attempts") + 1, available_at=until, is_claimed=True, **fields
        )
        # Not found if the lease has already run out and another worker holds the row.
        return rows.filter(available_at=until).first() if claimed else None

    def claim_or_fail(self, pk: UUID, seconds: float, failed: Mapping[str, Any], **fields: Any) -> LeasedRow | None:
        """Claim a row like `claim`. If it has used up `TASK_ATTEMPTS` attempts, settle it with the `failed` fields."""
        row = self.filter(attempts__lt=settings.TASK_ATTEMPTS).claim(pk, seconds, **fields)
        if row is None:
            self.filter(pk=pk).exhausted(settings.TASK_ATTEMPTS).settle(**failed)
        return row

    def postpone(self, seconds: float) -> int:
        """Delay the rows that are claimable now by `seconds`. Return the number of rows."""
        return self.claimable().update(available_at=now() + timedelta(seconds=seconds))

    def renew(self, seconds: float, **fields: Any) -> int:
        """Extend the lease to `seconds` from now and set `fields`. Return 0 if the claim is lost."""
        return self.update(available_at=now() + timedelta(seconds=seconds), **fields)

    def put_back(self, delay: float = 0.0, *, refund: bool = False, **fields: Any) -> int:
        """End the claim and let the row wait for `delay` seconds. With `refund`, the attempt does not count."""
        attempts = F("attempts") - 1 if refund else F("attempts")
        until = now() + timedelta(seconds=delay)
        return self.update(fence=F("fence") + 1, attempts=attempts, available_at=until, is_claimed=False, **fields)

    def settle(self, **fields: Any) -> int:
        """End the claim, if there is one, because nothing is left to do. Return the number of rows."""
        return self.update(fence=F("fence") + 1, available_at=None, is_claimed=False, **fields)

    def requeue(self, **fields: Any) -> int:
        """Make the rows claimable now, reset their attempts, and end any claim that is still held."""
        return self.update(fence=F("fence") + 1, attempts=0, available_at=now(), is_claimed=False, **fields)


class LeasedModel(models.Model):
    """A row that workers process. See LeaseQuerySet, which is the only code that writes these fields."""

    # Incremented when a claim starts or ends, never decremented. A write must carry the number of its claim.
    fence = models.PositiveIntegerField(default=0, editable=False)
    # Number of claims since the row was queued or a person requested a retry.
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    # Time from which a worker may claim the row, which is the end of the lease while a worker holds it. Empty: settled.
    available_at = models.DateTimeField(null=True, default=now, editable=False)
    # Claimed by a worker while `available_at` is in the future. Distinguishes a lease from a delay.
    is_claimed = models.BooleanField(default=False, db_default=False, editable=False)

    class Meta:
        abstract = True
