from __future__ import annotations

import uuid
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, available_timezones

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from accounts.models.people import User


def validate_time_zone(name: str) -> None:
    """Raise ValidationError for a name that is not in the time zone database."""
    if name not in available_timezones():
        raise ValidationError(
            _("“%(name)s” is not a time zone. Enter one like America/New_York."), params={"name": name}
        )


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
    time_zone = models.CharField(
        _("time zone"),
        max_length=64,
        blank=True,
        default="",
        db_default="",
        validators=[validate_time_zone],
        help_text=_(
            "Determines when a day begins for due dates, weeks, reports, and emails. For example, America/New_York. "
            "Leave blank to use the time zone of the installation."
        ),
    )
    transcription_language = models.CharField(
        _("language of calls"),
        max_length=3,
        blank=True,
        default="",
        db_default="",
        validators=[RegexValidator(r"\A[a-z]{2,3}\Z", _("Enter a language code of two or three letters, such as en."))],
        help_text=_("The language that counselors speak, such as en or es. Leave blank to detect it in each call."),
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    objects = OrganizationQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        verbose_name = _("organization")
        verbose_name_plural = _("organizations")

    def __str__(self) -> str:
        return self.name

    @property
    def zone(self) -> ZoneInfo:
        """Return the organization's time zone, by default the installation's."""
        return ZoneInfo(self.time_zone or settings.TIME_ZONE)
