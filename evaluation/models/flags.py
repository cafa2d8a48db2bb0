"""Flags for supervisors, and counselors' disputes of verdicts."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization, User
from evaluation.models import flag_kinds
from evaluation.models.criteria import CriterionResult
from evaluation.models.evaluations import Evaluation
from evaluation.models.visibility import readable_flags
from training.models import Session, readable_sessions


class FlagHandling(models.TextChoices):
    """States of a supervisor's handling of a flag."""

    PENDING = "pending", _("Pending")
    REVIEWED = "reviewed", _("Reviewed")
    DISMISSED = "dismissed", _("Dismissed")


class FlagQuerySet(models.QuerySet["Flag"]):
    def for_user(self, user: User) -> FlagQuerySet:
        """Limit to the flags that `user` may read: none on their own session, not even their own reports."""
        return self.filter(readable_flags(user, "session__"))

    def pending(self) -> FlagQuerySet:
        return self.filter(handling=FlagHandling.PENDING)

    def most_severe_first(self) -> FlagQuerySet:
        return self.order_by("rank", "-created_at", "-pk")


class RankField(models.PositiveSmallIntegerField):
    """A rank that is always set from the row's severity, in bulk inserts too."""

    def pre_save(self, model_instance: models.Model, add: bool) -> int:
        rank = flag_kinds.SEVERITY_RANKS.get(model_instance.severity, 2)  # type: ignore[attr-defined]
        setattr(model_instance, self.attname, rank)
        return rank


class Flag(models.Model):
    """An issue for supervisors: found by the grader, the scan, or a rule, or reported by a counselor."""

    Severity = flag_kinds.FlagSeverity

    public_id = models.UUIDField(default=uuid.uuid4, editable=False, unique=True)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="flags")
    evaluation = models.ForeignKey(Evaluation, on_delete=models.CASCADE, null=True, related_name="flags")
    # Rows stored before this set of kinds existed keep their old kinds.
    kind = models.CharField(_("kind"), max_length=60, choices=flag_kinds.FlagKind.choices)
    severity = models.CharField(_("severity"), max_length=10, choices=Severity.choices)
    rank = RankField(default=2, editable=False, help_text=_("Sort order: 0 is the most severe."))
    source = models.CharField(
        max_length=10, choices=flag_kinds.FlagSource.choices, default=flag_kinds.FlagSource.GRADER
    )
    note = models.TextField(_("note"), blank=True)
    turn = models.CharField(max_length=40, blank=True, help_text=_("ID of the quoted turn."))
    quote = models.TextField(blank=True)
    reported_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    handling = models.CharField(max_length=10, choices=FlagHandling.choices, default=FlagHandling.PENDING)
    handled_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    handled_at = models.DateTimeField(null=True)
    handled_note = models.CharField(max_length=1000, blank=True)

    objects = FlagQuerySet.as_manager()

    class Meta:
        ordering = ["evaluation", "pk"]
        verbose_name = _("flag")
        verbose_name_plural = _("flags")
        indexes = [
            models.Index(fields=["organization", "handling", "rank", "-created_at", "-id"], name="flag_queue"),
            models.Index(fields=["organization", "-created_at", "id"], name="flag_in_order"),
            models.Index(fields=["reported_by", "-created_at"], name="flag_of_reporter"),
        ]

    def __str__(self) -> str:
        return f"{self.get_severity_display()}: {self.get_kind_display()}"

    @property
    def note_text(self) -> str:
        """The note in the reader's language. Notes written by code are stored in English and translated here."""
        return gettext(self.note)

    @property
    def is_pending(self) -> bool:
        return self.handling == FlagHandling.PENDING


class DisputeQuerySet(models.QuerySet["Dispute"]):
    def for_user(self, user: User) -> DisputeQuerySet:
        """Limit to the disputes that `user` may read: their own, and others' if permitted."""
        return self.filter(readable_sessions(user, "criterion__evaluation__session__", "evaluation.view_dispute"))

    def pending(self) -> DisputeQuerySet:
        return self.filter(answered_at=None)


class Dispute(models.Model):
    """A counselor's request that a person recheck one verdict. A review of the criterion resolves it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    criterion = models.OneToOneField(CriterionResult, on_delete=models.CASCADE, related_name="dispute")
    counselor = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    reason = models.TextField(max_length=1000)
    created_at = models.DateTimeField(auto_now_add=True)
    answered_at = models.DateTimeField(null=True)

    objects = DisputeQuerySet.as_manager()

    class Meta:
        ordering = ["created_at"]
        indexes = [
            models.Index(fields=["organization", "answered_at", "created_at"], name="dispute_queue"),
            models.Index(fields=["organization", "-created_at", "id"], name="dispute_in_order"),
        ]

    def __str__(self) -> str:
        return f"Dispute of {self.criterion_id}"
