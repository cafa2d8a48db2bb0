"""Counselors' documentation of their sessions, its reviews, and the guidelines for it."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import LeasedModel, LeaseQuerySet, Organization, User
from training.models import Session, readable_sessions


class GuidelinesQuerySet(models.QuerySet["Guidelines"]):
    def for_user(self, user: User) -> GuidelinesQuerySet:
        """Limit to the guidelines of the user's organization."""
        return self.filter(organization_id=user.organization_id)


class Guidelines(models.Model):
    """An organization's guidelines for documentation. The newest upload applies. Uploads are never changed."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    filename = models.CharField(_("file name"), max_length=200)
    text = models.TextField(_("text"))
    unread = models.JSONField(
        default=list,
        db_default=models.Value([], models.JSONField()),
        editable=False,
        help_text=_("Parts that could not be read, as a list of {kind, pages, count}."),
    )
    uploaded_by = models.ForeignKey(
        User, verbose_name=_("uploaded by"), on_delete=models.PROTECT, editable=False, related_name="+"
    )
    uploaded_at = models.DateTimeField(_("uploaded"), auto_now_add=True)

    objects = GuidelinesQuerySet.as_manager()

    class Meta:
        ordering = ["-uploaded_at", "-pk"]
        verbose_name = _("documentation guidelines")
        verbose_name_plural = _("documentation guidelines")

    def __str__(self) -> str:
        return self.filename


class DocumentationReviewQuerySet(LeaseQuerySet["DocumentationReview"]):
    def for_user(self, user: User) -> DocumentationReviewQuerySet:
        """Limit to the reviews that `user` may read: their own, and others' if permitted."""
        return self.filter(readable_sessions(user, "session__", "evaluation.view_documentationreview"))

    def retryable_by(self, user: User) -> DocumentationReviewQuerySet:
        """Limit to the reviews that `user` may queue again, which costs money."""
        return self.filter(readable_sessions(user, "session__", "evaluation.change_documentationreview"))


class DocumentationReview(LeasedModel):
    """A comparison of a counselor's own documentation with the transcript: a separate report, not part of a grade."""

    class Status(models.TextChoices):
        QUEUED = "queued", _("Queued")
        RUNNING = "running", _("In progress")
        COMPLETED = "completed", _("Completed")
        FAILED = "failed", _("Failed")

    UNDER_WAY = (Status.QUEUED, Status.RUNNING)
    BANDS = ((80, _("good")), (60, _("fair")), (0, _("poor")))  # (lowest overall score, name), best first

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    session = models.OneToOneField(Session, on_delete=models.CASCADE, related_name="documentation_review")
    filename = models.CharField(max_length=200)
    text = models.TextField()
    unread = models.JSONField(
        default=list,
        db_default=models.Value([], models.JSONField()),
        editable=False,
        help_text=_("Parts that could not be read, as a list of {kind, pages, count}."),
    )
    guidelines = models.ForeignKey(Guidelines, on_delete=models.PROTECT, null=True, related_name="+")
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.QUEUED)
    failure = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    completed_at = models.DateTimeField(null=True)
    model = models.CharField(max_length=100, blank=True)
    prompt_version = models.CharField(max_length=50, blank=True)
    transcript_hash = models.CharField(max_length=64, blank=True)
    input_tokens = models.PositiveIntegerField(null=True)
    output_tokens = models.PositiveIntegerField(null=True)
    accuracy = models.PositiveSmallIntegerField(null=True, help_text=_("0 to 100."))
    compliance = models.PositiveSmallIntegerField(null=True, help_text=_("0 to 100. Empty without guidelines."))
    overall = models.PositiveSmallIntegerField(null=True, help_text=_("0 to 100."))
    summary = models.TextField(blank=True)
    gaps = models.JSONField(default=list, help_text=_("Verified gaps: [{kind, severity, written, turn, said, note}]."))

    objects = DocumentationReviewQuerySet.as_manager()

    def __str__(self) -> str:
        return f"Documentation of {self.session_id}"

    @property
    def is_under_way(self) -> bool:
        return self.status in self.UNDER_WAY

    @property
    def is_completed(self) -> bool:
        return self.status == self.Status.COMPLETED

    @property
    def band(self) -> str:
        """Name of the band that the overall score falls into."""
        return next((str(name) for lowest, name in self.BANDS if (self.overall or 0) >= lowest), "")

    @property
    def failure_text(self) -> str:
        """The reason for the failure in the reader's language. It is stored in English."""
        return gettext(self.failure)
