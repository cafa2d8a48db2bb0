"""Expiry of leases."""

from datetime import timedelta

from django.db.models import QuerySet
from django.utils import timezone


def expire_leases(rows: QuerySet) -> None:
    """Make every lease and scheduled retry of these rows due. Rows that are done (without `available_at`) stay done."""
    rows.exclude(available_at=None).update(available_at=timezone.now() - timedelta(days=1))
