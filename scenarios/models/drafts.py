"""Drafts of scenarios made from complaints."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import Account, LeasedModel, LeaseQuerySet, Organization, User
from scenarios.models.categories import Skill
from scenarios.models.choices import Difficulty, Mode
from scenarios.models.scenarios import Scenario


class ScenarioDraftQuerySet(LeaseQuerySet["ScenarioDraft"]):
    def for_user(self, user: User) -> ScenarioDraftQuerySet:
        """Limit to the organization's drafts. Only scenario authors see any, because drafts contain complaints."""
        is_allowed = user.has_perm("scenarios.view_scenariodraft")
        return self.filter(organization_id=user.organization_id) if is_allowed else self.none()

    def open(self) -> ScenarioDraftQuerySet:
        """Limit to drafts that are neither saved nor discarded."""
        return self.filter(status__in=ScenarioDraft.OPEN_STATUSES)

    def abandoned(self, before: datetime) -> ScenarioDraftQuerySet:
        """Limit to drafts that are neither saved nor discarded and have not been touched since `before`."""
        statuses = [ScenarioDraft.Status.READY, ScenarioDraft.Status.FAILED]
        return self.filter(status__in=statuses, touched_at__lt=before)


class ScenarioDraft(LeasedModel):
    """A scenario that a model drafts from a complaint and a person edits before it is saved.

    The source is kept while the draft is open, because the texts are checked against it when saved.
    """

    class Status(models.TextChoices):
        WRITING = "writing", _("Being written")
        READY = "ready", _("Ready to edit")
        FAILED = "failed", _("Failed")
        SAVED = "saved", _("Saved")
        DISCARDED = "discarded", _("Discarded")

    OPEN_STATUSES = (Status.WRITING, Status.READY, Status.FAILED)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="drafts")
    created_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, related_name="+", verbose_name=_("created by")
    )
    source = models.TextField(
        blank=True, help_text=_("The complaint. It is cleared when the draft is saved or discarded.")
    )
    unread = models.JSONField(
        default=list,
        db_default=models.Value([], models.JSONField()),
        help_text=_("Parts of the complaint’s file that were not read, as a list of {kind, pages, count}."),
    )
    instructions = models.TextField(blank=True)
    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("account")
    )
    mode = models.CharField(_("mode"), max_length=10, choices=Mode.choices, default=Mode.PHONE)
    difficulty = models.CharField(
        _("difficulty"), max_length=20, choices=Difficulty.choices, default=Difficulty.INTERMEDIATE
    )
    status = models.CharField(_("status"), max_length=20, choices=Status.choices, default=Status.WRITING)
    failure = models.CharField(max_length=500, blank=True)
    title = models.CharField(max_length=255, blank=True)
    description = models.TextField(blank=True)
    prompt = models.TextField(blank=True)
    evaluator_context = models.TextField(blank=True)
    skills = models.ManyToManyField(Skill, blank=True, related_name="+")
    relevant_policy_sections = models.TextField(blank=True)
    unproven_sections = models.JSONField(
        default=list, help_text=_("Suggested sections that were not found in the procedures.")
    )
    used_file_search = models.BooleanField(null=True)
    model = models.CharField(max_length=100, blank=True)
    input_tokens = models.PositiveIntegerField(null=True)
    output_tokens = models.PositiveIntegerField(null=True)
    scenario = models.ForeignKey(Scenario, on_delete=models.SET_NULL, null=True, related_name="+")
    touched_at = models.DateTimeField(auto_now_add=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    objects = ScenarioDraftQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        verbose_name = _("draft from a complaint")
        verbose_name_plural = _("drafts from complaints")

    def __str__(self) -> str:
        return self.title or gettext("Untitled draft")

    @property
    def failure_text(self) -> str:
        """The reason for the failure in the reader's language. It is stored in English."""
        return gettext(self.failure)

    @property
    def is_open(self) -> bool:
        return self.status in self.OPEN_STATUSES
