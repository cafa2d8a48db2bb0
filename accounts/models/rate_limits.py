"""Counts for rate limits, in the database: all processes share them, and no restart or Redis outage loses any."""

from __future__ import annotations

from datetime import datetime

from django.db import models

from accounts.models.organizations import Organization


class UsageCountQuerySet(models.QuerySet["UsageCount"]):
    def counted_since(self, moment: datetime) -> UsageCountQuerySet:
        """Limit to intervals that began after `moment`."""
        return self.filter(counted_from__gt=moment)


class UsageCount(models.Model):
    """Number of uses of one kind in one interval, by a person, in a conversation, or by a whole organization."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=20)
    # Id of the person, session, or organization. Not a foreign key, because sessions belong to a higher app.
    subject = models.UUIDField()
    counted_from = models.DateTimeField()  # start of the interval
    used = models.PositiveIntegerField(default=0, db_default=0)

    objects = UsageCountQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["subject", "kind", "counted_from"], name="one_count_per_interval"),
        ]
        indexes = [models.Index(fields=["counted_from"], name="usage_count_by_start")]

    def __str__(self) -> str:
        return f"{self.used} {self.kind} of {self.subject}"
