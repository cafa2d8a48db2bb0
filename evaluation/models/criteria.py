"""Results of an evaluation's checks, each with its evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization, User
from evaluation.models.visibility import readable_feedback

if TYPE_CHECKING:
    from evaluation.models.evaluations import EvaluationQuerySet  # which imports this module


class CriterionResultQuerySet(models.QuerySet["CriterionResult"]):
    def for_user(self, user: User) -> CriterionResultQuerySet:
        """Limit to the results of feedback that `user` may read."""
        return self.filter(readable_feedback(user, "evaluation__session__"))

    def applying(self) -> CriterionResultQuerySet:
        """Limit to results that apply, and add `final`: in the database, the same as `final_verdict`."""
        overruled = models.When(~Q(reviewed_verdict=""), then=models.F("reviewed_verdict"))
        final = models.Case(overruled, default=models.F("verdict"))
        return self.annotate(final=final).exclude(final=CriterionResult.Verdict.NOT_APPLICABLE)

    def crossed_red_lines(self) -> CriterionResultQuerySet:
        """Limit to red lines that were crossed: in the database, the same as `is_crossed_red_line`."""
        not_met = CriterionResult.Verdict.NOT_MET
        return self.filter(Q(reviewed_verdict=not_met) | Q(reviewed_verdict="", verdict=not_met), is_red_line=True)

    def unreviewed(self) -> CriterionResultQuerySet:
        """Limit to results that no one has reviewed and that the counselor does not dispute."""
        return self.filter(reviews=None).exclude(dispute__isnull=False, dispute__answered_at=None)

    def for_evaluations(self, evaluations: EvaluationQuerySet) -> CriterionResultQuerySet:
        """Limit to the results of `evaluations`. Pass only evaluations that the reader may see."""
        return self.filter(evaluation__in=evaluations)


class CriterionResult(models.Model):
    """The result of one check. Every quote appears in the transcript, word for word, at its offset."""

    class Verdict(models.TextChoices):
        MET = "met", _("Met")
        NOT_MET = "not_met", _("Not met")
        NOT_APPLICABLE = "not_applicable", _("Not applicable")
        NO_EVIDENCE = "no_evidence", _("No evidence")

    class Source(models.TextChoices):
        RUBRIC = "rubric", _("Rubric")
        SCENARIO = "scenario", _("Scenario")

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    evaluation = models.ForeignKey("Evaluation", on_delete=models.CASCADE, related_name="criteria")
    position = models.PositiveSmallIntegerField()
    key = models.CharField(max_length=60)
    check_text = models.TextField(_("check"))
    branch = models.CharField(max_length=30, blank=True, help_text=_("Branch of the rubric."))
    is_red_line = models.BooleanField(default=False)
    source = models.CharField(max_length=10, choices=Source.choices)
    weight = models.PositiveSmallIntegerField(_("weight"), default=1)
    verdict = models.CharField(_("verdict"), max_length=20, choices=Verdict.choices)
    reason = models.TextField(_("reason"), blank=True)
    quotes = models.JSONField(
        default=list, help_text=_("[{turn, start, end, text}], with offsets in the turn’s text as heard.")
    )
    citations = models.JSONField(
        default=list,
        help_text=_("[{section, title, page, text}], each found in a search result and in the document."),
    )
    reviewed_verdict = models.CharField(max_length=20, choices=Verdict.choices, blank=True)

    objects = CriterionResultQuerySet.as_manager()

    class Meta:
        ordering = ["evaluation", "position"]
        verbose_name = _("criterion")
        verbose_name_plural = _("criteria")
        constraints = [models.UniqueConstraint(fields=["evaluation", "key"], name="criterion_once_per_evaluation")]

    def __str__(self) -> str:
        return self.title

    @property
    def final_verdict(self) -> str:
        """The reviewer's verdict if one overruled the evaluator, else the evaluator's."""
        return self.reviewed_verdict or self.verdict

    @property
    def title(self) -> str:
        """The check in the reader's language. Only the rubric's own texts can be translated."""
        return gettext(self.check_text)

    @property
    def reason_text(self) -> str:
        """The reason for the verdict. Reasons that code gives are stored in English and translated here."""
        return gettext(self.reason)

    @property
    def is_crossed_red_line(self) -> bool:
        """Return whether this is a red line that the counselor crossed."""
        return self.is_red_line and self.final_verdict == self.Verdict.NOT_MET
