from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from django.core.validators import MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from accounts.models.people import User


class OrganizationQuerySet(models.QuerySet["Organization"]):
    def for_user(self, user: User) -> OrganizationQuerySet:
        """Limit to the user's own organization. Operators see all."""
        return self.all() if user.is_superuser else self.filter(pk=user.organization_id)


class Organization(models.Model):
    """A crisis center: the tenant. One organization's data is never visible to another."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(_("name"), max_length=200, unique=True)
    keeps_sources = models.BooleanField(
        _("keep source complaints"),
        default=False,
        help_text=_(
            "Keep the complaint that a scenario was drafted from. "
            "If unchecked, the complaint is deleted when the scenario is saved."
        ),
    )
    call_slots = models.PositiveSmallIntegerField(
        _("simultaneous calls"),
        default=25,
        validators=[MinValueValidator(1)],
        help_text=_("The most phone calls that can be in progress at once. OpenAI charges for each call."),
    )
    recording_days = models.PositiveIntegerField(
        _("recording retention (days)"),
        null=True,
        blank=True,
        default=365,
        validators=[MinValueValidator(1)],
        help_text=_("Recordings are deleted this many days after the call. Leave blank to keep them indefinitely."),
    )
    support_contacts = models.TextField(
        _("support contacts"),
        blank=True,
        max_length=2000,
        help_text=_(
            "Who counselors can turn to after a difficult conversation: people, phone numbers, and hours. "
            "Shown at the end of each session."
        ),
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    objects = OrganizationQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        verbose_name = _("organization")
        verbose_name_plural = _("organizations")

    def __str__(self) -> str:
        return self.name
