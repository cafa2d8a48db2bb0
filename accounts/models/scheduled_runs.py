"""Last run of each schedule entry, so that a restart of beat neither skips nor repeats a run."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import IntegrityError, models, transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class ScheduledRunQuerySet(models.QuerySet["ScheduledRun"]):
    def claim(self, name: str, every: timedelta, now: datetime) -> bool:
        """Record a run at `now`. Return False if the last one is less than `every` ago.

        A run further in the future than `every` was recorded while the clock was wrong, and is ignored. The
        conditional UPDATE is the lock, so any number of beat processes may call this.
        """
        if self.filter(Q(ran_at__lte=now - every) | Q(ran_at__gt=now + every), name=name).update(ran_at=now):
            return True
        if self.filter(name=name).exists():
            return False
        try:
            with transaction.atomic():
                self.create(name=name, ran_at=now)
        except IntegrityError:  # another beat has just recorded it
            return False
        return True


class ScheduledRun(models.Model):
    """The last run of one schedule entry."""

    name = models.CharField(max_length=200, unique=True)
    ran_at = models.DateTimeField()

    objects = ScheduledRunQuerySet.as_manager()

    class Meta:
        verbose_name = _("scheduled run")
        verbose_name_plural = _("scheduled runs")

    def __str__(self) -> str:
        return self.name
