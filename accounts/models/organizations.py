from __future__ import annotations

import uuid
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, available_timezones

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models.features import Feature

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
    features = models.JSONField(
        _("features"),
        blank=True,
        default=dict,
        db_default=models.Value({}, models.JSONField()),
        help_text=_("True or false by a feature’s key. A feature that is not named has its default."),
    )
    default_pass_mark = models.PositiveSmallIntegerField(
        _("pass mark of new assignments"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(100)],
        help_text=_("Score from 1 to 100 that completes an assignment. Leave blank to accept any score."),
    )
    default_attempts = models.PositiveSmallIntegerField(
        _("attempts of new assignments"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(20)],
        help_text=_("Graded attempts to reach the pass mark, from 1 to 20. Leave blank for no limit."),
    )
    default_recording = models.BooleanField(
        _("require a recording in new assignments"),
        default=False,
        db_default=False,
        help_text=_("Counselors can’t decline a recording that an assignment requires."),
    )
    holds_feedback = models.BooleanField(
        _("hold feedback on assigned practice"),
        default=False,
        db_default=False,
        help_text=_("A person reviews the feedback on assigned practice before the counselor sees it."),
    )
    agreement_minimum = models.PositiveSmallIntegerField(
        _("reviews needed to show agreement"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("Reviews of a criterion that its agreement needs. Leave blank for the installation’s number."),
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

    @property
    def agreement_min_reviews(self) -> int:
        """Return the number of reviews that a criterion's agreement needs, by default the installation's."""
        return self.agreement_minimum or settings.AGREEMENT_MIN_REVIEWS

    def has_feature(self, feature: Feature) -> bool:
        return bool(self.features.get(feature.key, feature.is_on_by_default))
