from __future__ import annotations

import uuid
from datetime import datetime

from django.db import models

from accounts.models import Account, Organization, User
from scenarios.models.scenarios import Difficulty, Mode, Scenario, Skill


class ScenarioDraftQuerySet(models.QuerySet["ScenarioDraft"]):
    def for_user(self, user: User) -> ScenarioDraftQuerySet:
        """Drafts hold complaints: those who write scenarios see their organization's, nobody else any."""
        if not user.has_perm("scenarios.add_scenario"):
            return self.none()
        return self.filter(organization_id=user.organization_id)

    def lost(self, before: datetime) -> ScenarioDraftQuerySet:
        return self.filter(status=ScenarioDraft.Status.WRITING, touched_at__lt=before)

    def forgotten(self, before: datetime) -> ScenarioDraftQuerySet:
        """Neither saved nor discarded, and nobody has touched them since `before`."""
        open_ones = [ScenarioDraft.Status.READY, ScenarioDraft.Status.FAILED]
        return self.filter(status__in=open_ones, touched_at__lt=before)


class ScenarioDraft(models.Model):
    """A scenario that a model drafts from a complaint and a person edits, before it is a scenario.

    The source is there while the draft is worked on: what is saved is checked against it.
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
