"""People's reviews of evaluations, and supervisors' comments on calls."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization, User
from evaluation.models.criteria import CriterionResult
from evaluation.models.evaluations import Evaluation
from evaluation.models.visibility import readable_feedback
from training.models import Session, readable_sessions

# Verdicts that a reviewer can choose. Not `no_evidence`: the existence of evidence is not a matter of opinion.
REVIEW_VERDICTS = [
    (verdict.value, verdict.label)
    for verdict in CriterionResult.Verdict
    if verdict != CriterionResult.Verdict.NO_EVIDENCE
]


class ReviewQuerySet(models.QuerySet["Review"]):
    def for_user(self, user: User) -> ReviewQuerySet:
        """Limit to the reviews of feedback that `user` may read."""
        return self.filter(readable_feedback(user, "evaluation__session__"))


class Review(models.Model):
    """A person's verdict beside the evaluator's: on one criterion, or on the whole evaluation if none is given."""

    class Verdict(models.TextChoices):
        AGREE = "agree", _("Agree")
        OVERRULE = "overrule", _("Overrule")

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    evaluation = models.ForeignKey(Evaluation, on_delete=models.CASCADE, related_name="reviews")
    criterion = models.ForeignKey(
        CriterionResult,
        verbose_name=_("criterion"),
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="reviews",
    )
    reviewer = models.ForeignKey(
        User, verbose_name=_("reviewer"), on_delete=models.PROTECT, editable=False, related_name="+"
    )
    verdict = models.CharField(_("verdict"), max_length=10, choices=Verdict.choices)
    new_verdict = models.CharField(
        _("new verdict"),
        max_length=20,
        choices=REVIEW_VERDICTS,
        blank=True,
        help_text=_("Required if you overrule a criterion."),
    )
    reason = models.TextField(
        _("reason"), max_length=2000, blank=True, help_text=_("Required if you overrule a criterion.")
    )
    # The review of an earlier version of the feedback that this one repeats.
    carried_from = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, editable=False, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ReviewQuerySet.as_manager()

    class Meta:
        ordering = ["created_at"]
        verbose_name = _("review")
        verbose_name_plural = _("reviews")

    def __str__(self) -> str:
        return f"{self.reviewer}: {self.get_verdict_display()}"

    def clean(self) -> None:
        if self.verdict == self.Verdict.OVERRULE and self.criterion_id and not self.new_verdict:
            raise ValidationError({"new_verdict": _("Choose the new verdict.")})
        if self.verdict == self.Verdict.OVERRULE and not self.reason.strip():
            raise ValidationError({"reason": _("Enter a reason.")})


class CommentQuerySet(models.QuerySet["Comment"]):
    def for_user(self, user: User) -> CommentQuerySet:
        """Limit to the comments that `user` may read: on their own calls, and on others' if permitted."""
        return self.filter(readable_sessions(user, "session__", "evaluation.view_comment"))


class Comment(models.Model):
    """A supervisor's comment on a moment of a call, or on a whole conversation. Its counselor reads it, too."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="comments")
    author = models.ForeignKey(User, on_delete=models.PROTECT, editable=False, related_name="+")
    at_ms = models.PositiveIntegerField(
        null=True, help_text=_("Position in the recording, in milliseconds. Empty for the whole conversation.")
    )
    text = models.TextField(_("comment"), max_length=2000)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = CommentQuerySet.as_manager()

    class Meta:
        ordering = [models.F("at_ms").asc(nulls_first=True), "created_at"]

    def __str__(self) -> str:
        return f"{self.author} at {self.at_ms} ms" if self.at_ms is not None else f"{self.author}"
