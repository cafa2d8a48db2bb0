from __future__ import annotations

import uuid
from datetime import datetime

from django.db import IntegrityError, models, transaction
from django.db.models import Max

from accounts.models import Organization, ProcedureDocument, User
from evaluation.flags import Severity
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

    def graded(self) -> EvaluationQuerySet:
        return self.filter(status__in=Evaluation.GRADED)

    def newest_of_each(self) -> EvaluationQuerySet:
        """Completed ones, without those that a later grading of the same session has taken the place of."""
        later = Evaluation.objects.filter(
            session=models.OuterRef("session"),
            version__gt=models.OuterRef("version"),
            status=Evaluation.Status.COMPLETED,
        )
        return self.filter(~models.Exists(later), status=Evaluation.Status.COMPLETED)

    def waiting_for_person(self) -> EvaluationQuerySet:
        """What somebody must look at, of the newest grading of each session."""
        return self.filter(is_waiting=True)

    def in_review_state(self, state: str) -> EvaluationQuerySet:
        """`waiting`, `disputed`, `reviewed` or `unreviewed`; all of them for anything else."""
        reviewed = models.Exists(Evaluation.objects.filter(pk=models.OuterRef("pk"), reviews__isnull=False))
        disputed = models.Q(criteria__dispute__isnull=False, criteria__dispute__answered_at=None)
        if state == "waiting":
            return self.waiting_for_person()
        if state == "disputed":
            return self.filter(disputed).distinct()
        if state in {"reviewed", "unreviewed"}:
            return self.filter(reviewed if state == "reviewed" else ~reviewed)
        return self

    def without_grade(self) -> EvaluationQuerySet:
        """Where something that is worth grading has no grade: it failed, or could not be graded."""
        return self.filter(status__in=[Evaluation.Status.FAILED, Evaluation.Status.NOT_GRADABLE])

    def unalerted(self, before: datetime) -> EvaluationQuerySet:
        """Graded before that, with critical flags that nobody was written to about."""
        return (
            self.graded()
            .filter(flags__severity=Severity.CRITICAL, alerted_at=None, completed_at__lt=before, scan__isnull=False)
            .distinct()
        )

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
                # Whoever is to look at something looks at the newer one.
                self.filter(session=session, is_waiting=True).update(is_waiting=False)
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
        HELD = "held", "held for a person"
        TOO_SHORT = "too_short", "too short"
        NOT_GRADABLE = "not_gradable", "not gradable"
        FAILED = "failed"

    UNDER_WAY = (Status.QUEUED, Status.RUNNING)
    GRADED = (Status.COMPLETED, Status.HELD)

    class Concern(models.TextChoices):
        STEERED = "steered", "something in it speaks to the grader"
        RED_LINE = "red_line", "a red line is crossed"
        RED_LINE_UNPROVEN = "red_line_unproven", "a red line may be crossed, and no words prove it"
        THIN_EVIDENCE = "thin_evidence", "the same words stand for many criteria"
        DISTRESS = "distress", "the counselor may need support"

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
    document = models.ForeignKey(ProcedureDocument, on_delete=models.PROTECT, null=True, related_name="+")
    vector_store_id = models.CharField(max_length=100, blank=True)
    file_ids = models.JSONField(default=list)
    used_file_search = models.BooleanField(null=True, help_text="empty: there were no procedures to search")
    input_tokens = models.PositiveIntegerField(null=True)
    output_tokens = models.PositiveIntegerField(null=True)
    latency_ms = models.PositiveIntegerField(null=True, help_text="from the question to the model's answer")

    score = models.PositiveSmallIntegerField(null=True, help_text="0 to 100")
    grade = models.CharField(max_length=1, blank=True)
    capped_from = models.PositiveSmallIntegerField(null=True, help_text="the score that a crossed red line took")
    reviewed_score = models.PositiveSmallIntegerField(null=True, help_text="with what people overruled; it counts")
    reviewed_grade = models.CharField(max_length=1, blank=True)
    needs_person = models.JSONField(default=list, help_text="why a person must look: see Concern")
    is_waiting = models.BooleanField(default=False, help_text="needs a person, and nobody has looked at it")
    looked_at_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    looked_at = models.DateTimeField(null=True)
    alerted_at = models.DateTimeField(null=True, help_text="when supervisors were written to about critical flags")
    announced_at = models.DateTimeField(null=True, help_text="when its counselor was written to that it is ready")
    measures = models.JSONField(default=dict, help_text="what was counted, see evaluation.measures")
    rationale = models.TextField(blank=True)
    went_well = models.JSONField(default=list)
    improvements = models.JSONField(default=list)
    learning_objective = models.TextField(blank=True)
    reflection_questions = models.JSONField(default=list)

    objects = EvaluationQuerySet.as_manager()

    class Meta:
        ordering = ["session", "-version"]
        indexes = [
            models.Index(fields=["organization", "-completed_at", "-id"], name="evaluation_in_order"),
            models.Index(fields=["organization", "-created_at", "id"], name="evaluation_as_asked"),
            models.Index(fields=["organization", "status", "-completed_at"], name="evaluation_by_status"),
            models.Index(
                fields=["organization", "completed_at"], condition=models.Q(is_waiting=True), name="evaluation_waiting"
            ),
            models.Index(
                fields=["completed_at"],
                condition=models.Q(status="completed", announced_at=None),
                name="evaluation_unannounced",
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["session", "version"], name="evaluation_version_once"),
            models.UniqueConstraint(
                fields=["session"],
                condition=models.Q(status__in=["queued", "running"]),
                name="one_evaluation_under_way",
            ),
            models.CheckConstraint(
                condition=~models.Q(status__in=["completed", "held"]) | models.Q(score__range=(0, 100)),
                name="graded_evaluations_have_a_score",
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
    def is_held(self) -> bool:
        """Graded, and not shown to the counselor before a person has looked at it."""
        return self.status == self.Status.HELD

    @property
    def is_graded(self) -> bool:
        return self.status in self.GRADED

    @property
    def waits_for_person(self) -> bool:
        return self.is_waiting

    @property
    def concerns(self) -> list[str]:
        """Why a person must look, in words."""
        return [str(self.Concern(one).label) for one in self.needs_person]

    @property
    def final_score(self) -> int | None:
        """The reviewed score counts, where there is one."""
        return self.score if self.reviewed_score is None else self.reviewed_score

    @property
    def final_grade(self) -> str:
        return self.reviewed_grade or self.grade

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
        NO_EVIDENCE = "no_evidence", "no evidence"

    class Source(models.TextChoices):
        RUBRIC = "rubric"
        SCENARIO = "scenario"

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    evaluation = models.ForeignKey(Evaluation, on_delete=models.CASCADE, related_name="criteria")
    position = models.PositiveSmallIntegerField()
    key = models.CharField(max_length=60)
    check_text = models.TextField()
    branch = models.CharField(max_length=30, blank=True, help_text="of the rubric")
    is_red_line = models.BooleanField(default=False)
    source = models.CharField(max_length=10, choices=Source.choices)
    weight = models.PositiveSmallIntegerField(default=1)
    verdict = models.CharField(max_length=20, choices=Verdict.choices)
    reason = models.TextField(blank=True)
    quotes = models.JSONField(default=list, help_text="[{turn, start, end, text}], offsets in the turn's text as heard")
    citations = models.JSONField(
        default=list,
        help_text="[{section, title, page, text}], each found in what the search returned and in the document",
    )
    reviewed_verdict = models.CharField(max_length=20, choices=Verdict.choices, blank=True)

    class Meta:
        ordering = ["evaluation", "position"]
        constraints = [models.UniqueConstraint(fields=["evaluation", "key"], name="criterion_once_per_evaluation")]

    def __str__(self) -> str:
        return f"{self.key}: {self.verdict}"

    @property
    def final_verdict(self) -> str:
        """What a person said counts."""
        return self.reviewed_verdict or self.verdict

    @property
    def is_crossed(self) -> bool:
        """A red line that was not kept."""
        return self.is_red_line and self.final_verdict == self.Verdict.NOT_MET


class Scan(models.Model):
    """The second look at a conversation, by another model that grades nothing; kept when it found nothing, too."""

    class Status(models.TextChoices):
        CLEAN = "clean"
        FLAGGED = "flagged"
        FAILED = "failed"

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    evaluation = models.OneToOneField(Evaluation, on_delete=models.CASCADE, related_name="scan")
    status = models.CharField(max_length=10, choices=Status.choices)
    model = models.CharField(max_length=100, blank=True)
    prompt_version = models.CharField(max_length=50, blank=True)
    input_tokens = models.PositiveIntegerField(null=True)
    output_tokens = models.PositiveIntegerField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.status} scan"
