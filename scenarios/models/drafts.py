"""Drafts of scenarios made from complaints."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db import models

from accounts.models import Account, Organization, User
from scenarios.models.scenarios import Difficulty, Mode, Scenario, Skill


class ScenarioDraftQuerySet(models.QuerySet["ScenarioDraft"]):
    def for_user(self, user: User) -> ScenarioDraftQuerySet:
        """Limit to the organization's drafts for scenario authors, and to none for others.

        Drafts contain complaints.
        """
        if not user.has_perm("scenarios.add_scenario"):
            return self.none()
        return self.filter(organization_id=user.organization_id)

    def lost(self, before: datetime) -> ScenarioDraftQuerySet:
        """Limit to drafts that are still being written and have not been touched since `before`."""
        return self.filter(status=ScenarioDraft.Status.WRITING, touched_at__lt=before)

    def abandoned(self, before: datetime) -> ScenarioDraftQuerySet:
        """Limit to drafts that are neither saved nor discarded and have not been touched since `before`."""
        open_ones = [ScenarioDraft.Status.READY, ScenarioDraft.Status.FAILED]
        return self.filter(status__in=open_ones, touched_at__lt=before)


class ScenarioDraft(models.Model):
    """A scenario that a model drafts from a complaint and a person edits before it is saved.

    The source is kept while the draft is open, because the texts are checked against it when saved.
    """

    class Status(models.TextChoices):
        WRITING = "writing", "being written"
        READY = "ready", "to be edited"
        FAILED = "failed"
        SAVED = "saved"
        DISCARDED = "discarded"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="drafts")
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    source = models.TextField(blank=True, help_text="the complaint; cleared when the draft is saved or discarded")
    instructions = models.TextField(blank=True)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    mode = models.CharField(max_length=10, choices=Mode.choices, default=Mode.PHONE)
    difficulty = models.CharField(max_length=20, choices=Difficulty.choices, default=Difficulty.INTERMEDIATE)
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.WRITING)
    failure = models.CharField(max_length=500, blank=True)
    title = models.CharField(max_length=255, blank=True)
    description = models.TextField(blank=True)
    prompt = models.TextField(blank=True)
    evaluator_context = models.TextField(blank=True)
    skills = models.ManyToManyField(Skill, blank=True, related_name="+")
    relevant_policy_sections = models.TextField(blank=True)
    unproven_sections = models.JSONField(default=list, help_text="suggested, and not found in the procedures")
    used_file_search = models.BooleanField(null=True)
    model = models.CharField(max_length=100, blank=True)
    input_tokens = models.PositiveIntegerField(null=True)
    output_tokens = models.PositiveIntegerField(null=True)
    scenario = models.ForeignKey(Scenario, on_delete=models.SET_NULL, null=True, related_name="+")
    attempts = models.PositiveSmallIntegerField(default=0)
    touched_at = models.DateTimeField(auto_now_add=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ScenarioDraftQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        verbose_name = "draft from a complaint"
        verbose_name_plural = "drafts from complaints"

    def __str__(self) -> str:
        return self.title or "A draft without a title yet"

    @property
    def is_open(self) -> bool:
        return self.status in {self.Status.WRITING, self.Status.READY, self.Status.FAILED}
