"""Evaluations of sessions."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db import IntegrityError, models, transaction
from django.db.models import Max, Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import LeasedModel, LeaseQuerySet, Organization, ProcedureDocument, User
from evaluation.models.criteria import CriterionResult
from evaluation.models.flag_kinds import FlagSeverity
from evaluation.models.visibility import readable_feedback
from training.models import Session


def _has_crossed_red_line() -> models.Exists:
    return models.Exists(CriterionResult.objects.filter(evaluation=models.OuterRef("pk")).crossed_red_lines())


class EvaluationQuerySet(LeaseQuerySet["Evaluation"]):
    def for_user(self, user: User) -> EvaluationQuerySet:
        """Limit to the feedback that `user` may read: their own, and others' if permitted."""
        return self.filter(readable_feedback(user, "session__"))

    def shown_to(self, user: User) -> EvaluationQuerySet:
        """Limit to the feedback whose results `user` may see. Their own is hidden while it is held for human review."""
        return self.for_user(user).exclude(session__counselor=user, status=Evaluation.Status.HELD)

    def reviewable_by(self, user: User) -> EvaluationQuerySet:
        """Limit to graded feedback that `user` may review. Feedback on their own session is never included."""
        rows = self.for_user(user).graded().exclude(session__counselor=user)
        return rows if user.has_perm("evaluation.add_review") else rows.none()

    def newest_first(self) -> EvaluationQuerySet:
        return self.order_by("-version")

    def under_way(self) -> EvaluationQuerySet:
        return self.filter(status__in=Evaluation.UNDER_WAY)

    def graded(self) -> EvaluationQuerySet:
        return self.filter(status__in=Evaluation.GRADED)

    def latest_completed(self) -> EvaluationQuerySet:
        """Limit to completed evaluations that no later completed evaluation of the same session has replaced."""
        later = Evaluation.objects.filter(
            session=models.OuterRef("session"),
            version__gt=models.OuterRef("version"),
            status=Evaluation.Status.COMPLETED,
        )
        return self.filter(~models.Exists(later), status=Evaluation.Status.COMPLETED)

    def needing_review(self) -> EvaluationQuerySet:
        """Limit to evaluations that need human review. Only the newest evaluation of a session can be among them."""
        return self.filter(is_waiting=True)

    def in_review_state(self, state: str) -> EvaluationQuerySet:
        """Limit to the state `waiting`, `disputed`, `reviewed`, or `unreviewed`. Any other value sets no limit."""
        reviewed = models.Exists(Evaluation.objects.filter(pk=models.OuterRef("pk"), reviews__isnull=False))
        disputed = models.Q(criteria__dispute__isnull=False, criteria__dispute__answered_at=None)
        if state == "waiting":
            return self.needing_review()
        if state == "disputed":
            return self.filter(disputed).distinct()
        if state in {"reviewed", "unreviewed"}:
            return self.filter(reviewed if state == "reviewed" else ~reviewed)
        return self

    def with_grade(self, letter: str) -> EvaluationQuerySet:
        """Limit to feedback with this final grade."""
        return self.filter(Q(reviewed_grade=letter) | Q(reviewed_grade="", grade=letter))

    def ungraded(self) -> EvaluationQuerySet:
        """Limit to evaluations that have no grade because grading failed or was not possible, not because of length."""
        return self.filter(status__in=[Evaluation.Status.FAILED, Evaluation.Status.NOT_GRADABLE])

    def unalerted(self, before: datetime) -> EvaluationQuerySet:
        """Limit to evaluations graded before `before` that supervisors should have got an email about.

        These have critical flags or a crossed red line. Trials are private, so no one else is told of them.
        """
        flagged = Evaluation.objects.filter(pk=models.OuterRef("pk"), flags__severity=FlagSeverity.CRITICAL)
        urgent = self.graded().filter(models.Exists(flagged) | _has_crossed_red_line())
        unsent = urgent.filter(alerted_at=None, completed_at__lt=before, scan__isnull=False)
        return unsent.exclude(session__kind=Session.Kind.TRIAL)

    def crossing_red_line(self) -> EvaluationQuerySet:
        """Limit to evaluations whose final verdicts say that a red line was crossed."""
        return self.filter(_has_crossed_red_line())

    def crossing_no_red_line(self) -> EvaluationQuerySet:
        """Limit to evaluations whose final verdicts do not say that a red line was crossed."""
        return self.exclude(_has_crossed_red_line())

    def queue_for(self, session: Session, by: User | None = None) -> tuple[Evaluation, bool]:
        """Return the session's queued or running evaluation, or else create its next version.

        The second value says whether it is new. Of concurrent requests, only one creates it.
        """
        waiting = self.filter(session=session).under_way().first()
        if waiting:
            return waiting, False
        last = self.filter(session=session).aggregate(last=Max("version"))["last"] or 0
        try:
            with transaction.atomic():
                # Human review moves on to the newer version.
                self.filter(session=session, is_waiting=True).update(is_waiting=False)
                created = self.create(
                    session=session, organization_id=session.organization_id, version=last + 1, requested_by=by
                )
                return created, True
        except IntegrityError:  # a concurrent request has created it
            return self.filter(session=session).newest_first()[0], False


class WithoutProcedures(models.TextChoices):
    """Reasons why a conversation was graded without the account's procedures."""

    NO_ACCOUNT = "no_account", _("the scenario belongs to no account")
    NOT_UPLOADED = "not_uploaded", _("the account has no document")
    PREPARING = "preparing", _("the account’s document was still being prepared")
    UNCONFIRMED = "unconfirmed", _("no one had confirmed the account’s document")
    FAILED = "failed", _("the account’s document could not be prepared")
    MISSING = "missing", _("a search did not find the account’s document")
    SEARCH_FAILED = "search_failed", _("the search in the account’s document failed")


class Evaluation(LeasedModel):
    """Version n of a session's feedback: queued, then filled exactly once. Score and letter are computed in code."""

    class Status(models.TextChoices):
        QUEUED = "queued", _("Queued")
        RUNNING = "running", _("In progress")
        COMPLETED = "completed", _("Completed")
        HELD = "held", _("Held for human review")
        TOO_SHORT = "too_short", _("Too short to grade")
        NOT_GRADABLE = "not_gradable", _("Can’t be graded")
        FAILED = "failed", _("Failed")

    UNDER_WAY = (Status.QUEUED, Status.RUNNING)
    GRADED = (Status.COMPLETED, Status.HELD)

    class Concern(models.TextChoices):
        PROMPT_INJECTION = "steered", _("Some of the text addresses the grader")
        RED_LINE = "red_line", _("A red line was crossed")
        RED_LINE_UNVERIFIED = "red_line_unproven", _("A red line may have been crossed, but no quote confirms it")
        THIN_EVIDENCE = "thin_evidence", _("The same words are the evidence for many criteria")
        DISTRESS = "distress", _("The counselor may need support")
        POLICY = "policy", _("Your center reviews the feedback on assigned practice before the counselor sees it")
        REVIEW_NOT_CARRIED = (
            "review_lost",
            _("A person’s verdict on earlier feedback could not be kept, because its check has changed"),
        )

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    session = models.ForeignKey(
        Session, verbose_name=_("session"), on_delete=models.CASCADE, related_name="evaluations"
    )
    version = models.PositiveIntegerField(_("version"))
    status = models.CharField(_("status"), max_length=20, choices=Status.choices, default=Status.QUEUED)
    failure = models.CharField(
        _("reason without a grade"),
        max_length=200,
        blank=True,
        help_text=_("Written for people. The cause is in the log."),
    )
    requested_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    completed_at = models.DateTimeField(null=True)

    model = models.CharField(_("model"), max_length=100, blank=True)
    prompt_version = models.CharField(_("prompt version"), max_length=50, blank=True)
    rubric_version = models.CharField(_("rubric version"), max_length=50, blank=True)
    transcript_hash = models.CharField(_("transcript hash"), max_length=64, blank=True)
    document = models.ForeignKey(ProcedureDocument, on_delete=models.PROTECT, null=True, related_name="+")
    vector_store_id = models.CharField(max_length=100, blank=True)
    file_ids = models.JSONField(default=list)
    used_file_search = models.BooleanField(
        _("procedures searched"), null=True, help_text=_("Empty until there is a grade.")
    )
    without_procedures = models.CharField(
        _("graded without procedures"),
        max_length=20,
        choices=WithoutProcedures.choices,
        blank=True,
        default="",
        db_default="",
        help_text=_("Why the account’s procedures were not searched."),
    )
    input_tokens = models.PositiveIntegerField(null=True)
    output_tokens = models.PositiveIntegerField(null=True)
    latency_ms = models.PositiveIntegerField(
        null=True, help_text=_("From the first request to the model’s last answer.")
    )

    score = models.PositiveSmallIntegerField(_("score"), null=True, help_text=_("0 to 100."))
    grade = models.CharField(_("grade"), max_length=1, blank=True)
    capped_from = models.PositiveSmallIntegerField(
        null=True, help_text=_("Score before a crossed red line lowered it.")
    )
    reviewed_score = models.PositiveSmallIntegerField(
        null=True, help_text=_("Score with people’s verdicts. It replaces the computed score.")
    )
    reviewed_grade = models.CharField(max_length=1, blank=True)
    needs_person = models.JSONField(default=list, help_text=_("Reasons why a person must review this."))
    is_waiting = models.BooleanField(default=False, help_text=_("Needs human review, and no one has reviewed it yet."))
    looked_at_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    looked_at = models.DateTimeField(null=True)
    alerted_at = models.DateTimeField(
        null=True, help_text=_("When supervisors were emailed about critical flags or red lines.")
    )
    announced_at = models.DateTimeField(null=True, help_text=_("When the counselor was emailed that it is ready."))
    measures = models.JSONField(default=dict, help_text=_("Counts of the conversation."))
    rationale = models.TextField(_("summary"), blank=True)
    went_well = models.JSONField(default=list)
    improvements = models.JSONField(default=list)
    learning_objective = models.TextField(_("learning objective"), blank=True)
    reflection_questions = models.JSONField(default=list)

    objects = EvaluationQuerySet.as_manager()

    class Meta:
        ordering = ["session", "-version"]
        verbose_name = _("evaluation")
        verbose_name_plural = _("evaluations")
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
        return gettext("Feedback %(version)s on %(session)s") % {"version": self.version, "session": self.session_id}

    @property
    def is_under_way(self) -> bool:
        return self.status in self.UNDER_WAY

    @property
    def is_completed(self) -> bool:
        return self.status == self.Status.COMPLETED

    @property
    def is_held(self) -> bool:
        """Return whether this is graded but hidden from the counselor until a person has looked at it."""
        return self.status == self.Status.HELD

    def is_hidden_from(self, reader: User) -> bool:
        """Return True if `reader` may not see the results until a reviewer has looked at them."""
        return self.is_held and not (
            reader.has_perm("evaluation.add_review") and self.session.counselor_id != reader.pk
        )

    @property
    def is_graded(self) -> bool:
        return self.status in self.GRADED

    @property
    def needs_review(self) -> bool:
        return self.is_waiting

    @property
    def concerns(self) -> list[str]:
        """Reasons why a person must look at this, in words."""
        return [str(self.Concern(one).label) for one in self.needs_person]

    @property
    def failure_text(self) -> str:
        """The reason why there is no grade, in the reader's language. It is stored in English."""
        return gettext(self.failure)

    @property
    def final_score(self) -> int | None:
        """The reviewed score if there is one, else the computed score."""
        return self.score if self.reviewed_score is None else self.reviewed_score

    @property
    def final_grade(self) -> str:
        return self.reviewed_grade or self.grade

    @property
    def searched_procedures(self) -> bool | None:
        """Return whether passages of the procedures were found for this; None until there is a grade."""
        return bool(self.used_file_search) if self.is_graded else None

    @property
    def was_graded_without_procedures(self) -> bool:
        """Return whether this was graded without the procedures of the scenario's account."""
        return self.without_procedures not in {"", WithoutProcedures.NO_ACCOUNT}

    @property
    def without_procedures_text(self) -> str:
        """Sentence that says why the procedures were not used; empty if they were, or until there is a grade."""
        if not self.without_procedures:
            return ""
        reason = WithoutProcedures(self.without_procedures).label
        return gettext("Graded without the procedures, because %(reason)s.") % {"reason": reason}
