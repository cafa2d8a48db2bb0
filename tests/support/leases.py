"""Expiry of leases."""

from datetime import timedelta

from django.db.models import QuerySet
from django.utils import timezone


def expire_leases(rows: QuerySet) -> None:
    """Make every lease and every wait of these rows expire. Settled rows stay settled."""
    rows.exclude(available_at=None).update(available_at=timezone.now() - timedelta(days=1))
