from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class InstallationQuerySet(models.QuerySet["Installation"]):
    def has_adopted(self, file_id: str) -> bool:
        """Return whether this installation adopted a file at OpenAI that names no installation."""
        return any(file_id in files for files in self.values_list("adopted_files", flat=True))


class Installation(models.Model):
    """The installation that this database belongs to, in its only row.

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
    """An object that a reaper found without an owner: removed after a grace period, or forgotten if it has one again.

    Rows of removed objects stay for a month as the record of their removal.
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
