"""Independent scans of conversations."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization, User
from evaluation.models.evaluations import Evaluation
from evaluation.models.visibility import readable_flags


class ScanQuerySet(models.QuerySet["Scan"]):
    def for_user(self, user: User) -> ScanQuerySet:
        """Limit to the scans that `user` may read, under the same rule as for flags."""
        return self.filter(readable_flags(user, "evaluation__session__"))


class Scan(models.Model):
    """The independent scan of a conversation by a model that does not grade. Kept even when it finds nothing."""

    class Status(models.TextChoices):
        CLEAN = "clean", _("Clean")
        FLAGGED = "flagged", _("Flagged")
        FAILED = "failed", _("Failed")

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    evaluation = models.OneToOneField(Evaluation, on_delete=models.CASCADE, related_name="scan")
    status = models.CharField(max_length=10, choices=Status.choices)
    model = models.CharField(max_length=100, blank=True)
    prompt_version = models.CharField(max_length=50, blank=True)
    input_tokens = models.PositiveIntegerField(null=True)
    output_tokens = models.PositiveIntegerField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ScanQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.status} scan"
