from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class InstallationQuerySet(models.QuerySet["Installation"]):
    def has_adopted(self, file_id: str) -> bool:
        """Return True if this installation adopted the file at OpenAI, which names no installation itself."""
        return any(file_id in files for files in self.values_list("adopted_files", flat=True))


class Installation(models.Model):
    """The installation that this database belongs to. The table has only one row.

    The bucket's marker names the same installation and repeats the counter and the token, which change together. A copy
    of this database therefore falls behind the marker as soon as the original advances.
    """

    id = models.SmallIntegerField(primary_key=True, default=1, editable=False)
    name = models.CharField(_("installation id"), max_length=64)  # equal to the setting INSTALLATION_ID
    counter = models.PositiveBigIntegerField(default=1)
    token = models.CharField(max_length=32)  # random, new with each counter
    # Ids of files at OpenAI from before files named their installation.
    adopted_files = models.JSONField(default=list, blank=True)
    adopted_at = models.DateTimeField()
    advanced_at = models.DateTimeField()

    objects = InstallationQuerySet.as_manager()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="installation_once")]

    def __str__(self) -> str:
        return self.name


class ReapCandidate(models.Model):
    """An object that a reaper found without an owner. It is removed after a grace period, unless it gains an owner.

    Rows of removed objects are kept for a month as a record of the removal.
    """

    reaper = models.CharField(max_length=40)
    key = models.CharField(max_length=300)
    first_seen_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["reaper", "first_seen_at", "key"]
        constraints = [models.UniqueConstraint(fields=["reaper", "key"], name="reap_candidate_once")]

    def __str__(self) -> str:
        return f"{self.reaper} {self.key}"
