from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from django.core.validators import MinValueValidator
from django.db import models

if TYPE_CHECKING:
    from accounts.models.people import User


class OrganizationQuerySet(models.QuerySet["Organization"]):
    def for_user(self, user: User) -> OrganizationQuerySet:
        """Limit to the user's own organization. Operators see all."""
        return self.all() if user.is_superuser else self.filter(pk=user.organization_id)


class Organization(models.Model):
    """A crisis center: the tenant. One organization's data is never visible to another."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=200, unique=True)
    keeps_sources = models.BooleanField(
        "keeps complaints",
        default=False,
        help_text="A complaint from which a scenario was drafted is kept with the draft; otherwise it is deleted "
        "when the scenario is saved.",
    )
    call_slots = models.PositiveSmallIntegerField(
        "lines",
        default=25,
        validators=[MinValueValidator(1)],
        help_text="How many phone calls may be under way at once. Each costs what OpenAI asks for a call.",
    )
    recording_days = models.PositiveIntegerField(
        "recordings kept for (days)",
        null=True,
        blank=True,
        default=365,
        validators=[MinValueValidator(1)],
        help_text="Recordings are deleted so many days after the call. Empty: they are kept.",
    )
    support_contacts = models.TextField(
        "support for counselors",
        blank=True,
        max_length=2000,
        help_text="Whom a counselor can turn to after a hard conversation: people, numbers, hours. Shown after it.",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = OrganizationQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
