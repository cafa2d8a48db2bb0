from __future__ import annotations

import uuid
from datetime import datetime

from django.db import IntegrityError, models, transaction
from django.db.models import Max

from accounts.models import Organization, User
from training.models import Session


class EvaluationQuerySet(models.QuerySet["Evaluation"]):
    def for_user(self, user: User) -> EvaluationQuerySet:
        """A counselor's own feedback, everyone else's organization."""
        rows = self.filter(organization_id=user.organization_id)
        return rows.filter(session__counselor_id=user.pk) if user.is_counselor else rows

    def newest_first(self) -> EvaluationQuerySet:
        return self.order_by("-version")

    def under_way(self) -> EvaluationQuerySet:
        return self.filter(status__in=Evaluation.UNDER_WAY)

    def lost(self, before: datetime) -> EvaluationQuerySet:
        """Evaluations that no worker has touched since `before`."""
        return self.under_way().filter(touched_at__lt=before)

    def queue_for(self, session: Session, by: User | None = None) -> Evaluation:
        """The next version for a session; the one under way, if there is one."""
        waiting = self.filter(session=session).under_way().first()
        if waiting:
            return waiting
        last = self.filter(session=session).aggregate(last=Max("version"))["last"] or 0
        try:
            with transaction.atomic():
                return self.create(
                    session=session, organization_id=session.organization_id, version=last + 1, requested_by=by
                )
        except IntegrityError:  # asked for twice at once: the other one has made it
            return self.filter(session=session).newest_first()[0]


class Evaluation(models.Model):
    """Version n of a session's feedback: queued, then filled exactly once. Score and letter are computed in code."""

    class Status(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        COMPLETED = "completed"
        TOO_SHORT = "too_short", "too short"
        NOT_GRADABLE = "not_gradable", "not gradable"
        FAILED = "failed"

    UNDER_WAY = (Status.QUEUED, Status.RUNNING)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="evaluations")
    version = models.PositiveIntegerField()
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.QUEUED)
    failure = models.CharField(max_length=200, blank=True, help_text="fit for people; the cause stands in the log")
    requested_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    attempts = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    touched_at = models.DateTimeField(auto_now_add=True)
    completed_at = models.DateTimeField(null=True)

    model = models.CharField(max_length=100, blank=True)
    prompt_version = models.CharField(max_length=50, blank=True)
    rubric_version = models.CharField(max_length=50, blank=True)
    transcript_hash = models.CharField(max_length=64, blank=True)
    vector_store_id = models.CharField(max_length=100, blank=True)
    file_ids = models.JSONField(default=list)
    used_file_search = models.BooleanField(null=True, help_text="empty: there were no procedures to search")
    input_tokens = models.PositiveIntegerField(null=True)
    output_tokens = models.PositiveIntegerField(null=True)

    score = models.PositiveSmallIntegerField(null=True, help_text="0 to 100")
    grade = models.CharField(max_length=1, blank=True)
    rationale = models.TextField(blank=True)
    went_well = models.JSONField(default=list)
    improvements = models.JSONField(default=list)
    learning_objective = models.TextField(blank=True)
    reflection_questions = models.JSONField(default=list)

    objects = EvaluationQuerySet.as_manager()

    class Meta:
        ordering = ["session", "-version"]
        constraints = [
            models.UniqueConstraint(fields=["session", "version"], name="evaluation_version_once"),
            models.UniqueConstraint(
                fields=["session"],
                condition=models.Q(status__in=["queued", "running"]),
                name="one_evaluation_under_way",
            ),
            models.CheckConstraint(
                condition=~models.Q(status="completed") | models.Q(score__range=(0, 100)),
                name="completed_evaluations_have_a_score",
            ),
        ]

    def __str__(self) -> str:
        return f"Feedback {self.version} on {self.session_id}"

    @property
    def is_under_way(self) -> bool:
        return self.status in self.UNDER_WAY

    @property
    def is_completed(self) -> bool:
        return self.status == self.Status.COMPLETED

    @property
    def was_graded_without_procedures(self) -> bool:
        """There were procedures to search, and they could not be."""
        return self.used_file_search is False


class CriterionResult(models.Model):
    """One check of an evaluation. Every quote stands in the transcript, word for word, at its offset."""

    class Verdict(models.TextChoices):
        MET = "met"
        NOT_MET = "not_met", "not met"
        NOT_APPLICABLE = "not_applicable", "not applicable"

    class Source(models.TextChoices):
        RUBRIC = "rubric"
        SCENARIO = "scenario"

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    evaluation = models.ForeignKey(Evaluation, on_delete=models.CASCADE, related_name="criteria")
    position = models.PositiveSmallIntegerField()
    key = models.CharField(max_length=60)
    check_text = models.TextField()
    source = models.CharField(max_length=10, choices=Source.choices)
    weight = models.PositiveSmallIntegerField(default=1)
    verdict = models.CharField(max_length=20, choices=Verdict.choices)
    reason = models.TextField(blank=True)
    quotes = models.JSONField(default=list, help_text="[{turn, start, end, text}], offsets in the turn's text as heard")
    citations = models.JSONField(default=list, help_text="[{section, text}], each found in what the search returned")

    class Meta:
        ordering = ["evaluation", "position"]
        constraints = [models.UniqueConstraint(fields=["evaluation", "key"], name="criterion_once_per_evaluation")]

    def __str__(self) -> str:
        return f"{self.key}: {self.verdict}"


class Flag(models.Model):
    """Something a supervisor should know of. Counselors never see flags."""

    class Severity(models.TextChoices):
        INFO = "info"
        WARNING = "warning"
        CRITICAL = "critical"

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    evaluation = models.ForeignKey(Evaluation, on_delete=models.CASCADE, related_name="flags")
    kind = models.CharField(max_length=60)
    severity = models.CharField(max_length=10, choices=Severity.choices)
    note = models.TextField(blank=True)

    def __str__(self) -> str:
        return f"{self.severity}: {self.kind}"


class Review(models.Model):
    """A person's verdict beside the evaluator's: on one criterion, or on the whole when none is named."""

    class Verdict(models.TextChoices):
        AGREE = "agree"
        OVERRULE = "overrule"

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    evaluation = models.ForeignKey(Evaluation, on_delete=models.CASCADE, related_name="reviews")
    criterion = models.ForeignKey(
        CriterionResult, on_delete=models.CASCADE, null=True, blank=True, related_name="reviews"
    )
    reviewer = models.ForeignKey(User, on_delete=models.PROTECT, editable=False, related_name="+")
    verdict = models.CharField(max_length=10, choices=Verdict.choices)
    reason = models.TextField(max_length=2000)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["created_at"]

    def __str__(self) -> str:
        return f"{self.reviewer}: {self.verdict}"


class CommentQuerySet(models.QuerySet["Comment"]):
    def for_user(self, user: User) -> CommentQuerySet:
        """A counselor reads what is said of their own calls, everyone else what is said in their organization."""
        rows = self.filter(organization_id=user.organization_id)
        return rows.filter(session__counselor_id=user.pk) if user.is_counselor else rows


class Comment(models.Model):
    """What a supervisor says to a moment of a call. The counselor reads it beside the transcript."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="comments")
    author = models.ForeignKey(User, on_delete=models.PROTECT, editable=False, related_name="+")
    at_ms = models.PositiveIntegerField(help_text="on the recording's clock")
    text = models.TextField(max_length=2000)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = CommentQuerySet.as_manager()

    class Meta:
        ordering = ["at_ms", "created_at"]

    def __str__(self) -> str:
        return f"{self.author} at {self.at_ms} ms"
