"""Scenarios and their versions."""

from __future__ import annotations

import hashlib
import json
import logging
import uuid
from collections.abc import Iterable
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator, MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import Account, Feature, Organization, User
from accounts.web.visible_text import is_blank
from scenarios.models.categories import Category, Skill
from scenarios.models.choices import Difficulty, Mode, Opener, Patience
from scenarios.models.text_keys import title_key

logger = logging.getLogger(__name__)

MAX_SKILLS_PER_SCENARIO = 10
CONTEXT_FOLDER = "evaluator_context"


def evaluator_context_key(scenario: Scenario, filename: str) -> str:
    """Return a new storage key. Every write has its own key. The row is updated after the file is written."""
    return f"{CONTEXT_FOLDER}/{scenario.pk}/{uuid.uuid4()}.txt"


def validate_not_blank(text: str) -> None:
    """Raise ValidationError for text that looks empty, which forms that do not strip would accept."""
    if is_blank(text):
        raise ValidationError(gettext("This field cannot be blank."), code="blank")


class TitleKeyField(models.CharField):
    """The key of the row's title, updated on every save and bulk insert."""

    def pre_save(self, model_instance: models.Model, add: bool) -> str:
        key = title_key(model_instance.title)  # type: ignore[attr-defined]
        setattr(model_instance, self.attname, key)
        return key


class ScenarioQuerySet(models.QuerySet["Scenario"]):
    def for_user(self, user: User) -> ScenarioQuerySet:
        """Limit to scenarios that the user may read in full. Counselors may not, because they would see the prompt."""
        is_allowed = user.has_perm("scenarios.view_scenario")
        return self.filter(organization_id=user.organization_id) if is_allowed else self.none()

    def playable_by(self, user: User) -> ScenarioQuerySet:
        """Limit to scenarios for free practice: active library scenarios of the user's organization.

        There are none if the organization has turned off free practice.
        """
        if not user.organization.has_feature(Feature.FREE_PRACTICE):
            return self.none()
        rows = self.filter(organization_id=user.organization_id, is_active=True, is_one_time=False)
        return rows.in_modes_of(user.organization)

    def in_modes_of(self, organization: Organization) -> ScenarioQuerySet:
        """Leave out chats if the organization has turned off practice by chat."""
        return self if organization.has_feature(Feature.CHAT) else self.exclude(mode=Mode.CHAT)

    def library(self) -> ScenarioQuerySet:
        return self.filter(is_one_time=False)

    def one_time(self) -> ScenarioQuerySet:
        return self.filter(is_one_time=True)

    def unused(self) -> ScenarioQuerySet:
        """Limit to scenarios that were never assigned or practiced. Trials by authors do not count."""
        practiced = Scenario.objects.filter(sessions__kind__in=["assignment", "free_practice"])
        return self.filter(assignments__isnull=True).exclude(pk__in=practiced.values("pk"))

    def with_title_keys(self, keys: Iterable[str]) -> ScenarioQuerySet:
        return self.filter(title_key__in=keys)


class ContextUnavailableError(Exception):
    """Failure to read a scenario's evaluator context. A retry may help."""


class Scenario(models.Model):
    """A practice scenario: the caller's prompt and the author's criteria. The caller gets only the prompt."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="scenarios")
    title = models.CharField(_("title"), max_length=255)
    title_key = TitleKeyField(max_length=64, editable=False)
    description = models.TextField(
        _("description"), blank=True, validators=[MaxLengthValidator(1000)], help_text=_("Counselors can read this.")
    )
    prompt = models.TextField(
        _("prompt"),
        validators=[MaxLengthValidator(10_000), validate_not_blank],
        help_text=_("Describes the caller. Only the simulated caller gets this text."),
    )
    mode = models.CharField(_("mode"), max_length=10, choices=Mode.choices, default=Mode.PHONE)
    category = models.ForeignKey(
        Category,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="scenarios",
        verbose_name=_("category"),
    )
    skills = models.ManyToManyField(Skill, blank=True, related_name="scenarios", verbose_name=_("skills"))
    difficulty = models.CharField(
        _("difficulty"), max_length=20, choices=Difficulty.choices, default=Difficulty.INTERMEDIATE
    )
    estimated_minutes = models.PositiveSmallIntegerField(
        _("estimated minutes"), default=15, validators=[MinValueValidator(5), MaxValueValidator(120)]
    )
    account = models.ForeignKey(
        Account,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="scenarios",
        verbose_name=_("account"),
        help_text=_("Leave blank for the whole organization. The scenario is then graded against general criteria."),
    )
    visitor_survey = models.JSONField(
        _("visitor’s survey"),
        default=dict,
        blank=True,
        help_text=_("What the visitor filled in before a chat."),
    )
    content_notes = models.CharField(
        _("content notes"),
        max_length=300,
        blank=True,
        help_text=_(
            "Topics that may be hard for a counselor, such as “suicide of a child.” Counselors read this before they "
            "start and can decline."
        ),
    )
    opens = models.CharField(
        _("who speaks first"),
        max_length=10,
        choices=Opener.choices,
        blank=True,
        help_text=_("If empty, the caller starts a chat and the counselor starts a phone call."),
    )
    patience = models.CharField(
        _("patience"),
        max_length=10,
        choices=Patience.choices,
        default=Patience.NORMAL,
        help_text=_("How much silence the caller tolerates on the phone before answering or speaking up."),
    )
    evaluator_context_file = models.FileField(
        upload_to=evaluator_context_key, max_length=200, blank=True, editable=False
    )
    relevant_policy_sections = models.TextField(
        _("relevant policy sections"), blank=True, validators=[MaxLengthValidator(2000)]
    )
    checks = models.JSONField(
        _("checks"),
        default=list,
        blank=True,
        help_text=_("The checks as edited by the author. If empty, they are proposed from the evaluator context."),
    )
    is_one_time = models.BooleanField(_("one-time"), default=False)
    is_active = models.BooleanField(_("active"), default=True)
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, editable=False, related_name="+")
    changed_by = models.ForeignKey(
        User,
        on_delete=models.SET_NULL,
        null=True,
        editable=False,
        related_name="+",
        help_text="Person who made the last change, if it was a person.",
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = ScenarioQuerySet.as_manager()

    class Meta:
        ordering = ["title", "pk"]
        verbose_name = _("scenario")
        verbose_name_plural = _("scenarios")
        indexes = [
            models.Index(fields=["organization", "title_key"], name="scenario_title_key"),
            models.Index(fields=["organization", "title", "id"], name="scenario_in_order"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(estimated_minutes__range=(5, 120)), name="minutes_between_5_and_120"),
            models.CheckConstraint(condition=~Q(title=""), name="scenario_has_a_title"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def evaluator_context(self) -> str:
        """Content of the evaluator context file, or "" if there is none. Raises ContextUnavailableError."""
        if not self.evaluator_context_file:
            return ""
        try:
            with self.evaluator_context_file.open("rb") as file:
                return file.read().decode("utf-8-sig")
        except Exception as error:  # Storage backends raise errors of many types.
            logger.exception("Evaluator context not read", extra={"scenario_id": self.pk})
            raise ContextUnavailableError(gettext("The evaluator context can’t be read right now.")) from error

    @property
    def is_assigned(self) -> bool:
        return bool(self.assignments.exists())

    def clean(self) -> None:
        if self.title and is_blank(self.title):
            raise ValidationError({"title": gettext("This field cannot be blank.")})
        if self.account and self.account.organization_id != self.organization_id:
            raise ValidationError({"account": gettext("This account belongs to another organization.")})
        if self.category and self.category.organization_id != self.organization_id:
            raise ValidationError({"category": gettext("This category belongs to another organization.")})
        if not self._state.adding and self.is_assigned:
            before = Scenario.objects.values_list("mode", flat=True).get(pk=self.pk)
            if before != self.mode:
                raise ValidationError({"mode": gettext("The mode is locked because this scenario has been assigned.")})


class ScenarioVersion(models.Model):
    """An immutable snapshot of a scenario or of its working copy, created when the first session after a change starts.

    A snapshot of a working copy has no scenario, so it is never the newest version of one.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    scenario = models.ForeignKey(Scenario, on_delete=models.SET_NULL, null=True, related_name="versions")
    working_copy_id = models.UUIDField(
        null=True, db_index=True, help_text="The working copy of which a trial needed this snapshot."
    )
    number = models.PositiveIntegerField()
    digest = models.CharField(max_length=64, help_text="SHA-256 of the fields below")
    title = models.CharField(max_length=255)
    description = models.TextField(blank=True)
    content_notes = models.CharField(max_length=300, blank=True)
    visitor_survey = models.JSONField(default=dict)
    prompt = models.TextField()
    mode = models.CharField(max_length=10, choices=Mode.choices)
    difficulty = models.CharField(max_length=20, choices=Difficulty.choices)
    opens = models.CharField(max_length=10, choices=Opener.choices, blank=True, help_text="If empty, the mode decides.")
    patience = models.CharField(max_length=10, choices=Patience.choices, default=Patience.NORMAL)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, null=True, related_name="+")
    evaluator_context = models.TextField(blank=True)
    relevant_policy_sections = models.TextField(blank=True)
    checks = models.JSONField(default=list, help_text="Fixed when the version is created.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["scenario", "number"]
        verbose_name = _("scenario version")
        verbose_name_plural = _("scenario versions")
        constraints = [models.UniqueConstraint(fields=["scenario", "number"], name="version_number_once")]

    SNAPSHOT_FIELDS = (
        "title",
        "description",
        "content_notes",
        "visitor_survey",
        "prompt",
        "mode",
        "difficulty",
        "opens",
        "patience",
        "account_id",
        "relevant_policy_sections",
    )

    def __str__(self) -> str:
        return gettext("%(title)s, version %(number)s") % {"title": self.title, "number": self.number}

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise TypeError("A scenario version cannot be changed.")
        super().save(*args, **kwargs)

    @staticmethod
    def compute_digest(snapshot: dict[str, Any]) -> str:
        return hashlib.sha256(json.dumps(snapshot, sort_keys=True, default=str).encode()).hexdigest()
