"""Counts and words of feedback as they stand after people's reviews.

The evaluator writes its words before anyone reviews it. Once a person has changed a verdict, words that rest on the
verdicts come from here: from the final verdicts, and never from the evaluator.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from evaluation.grading import scoring
from evaluation.models import CriterionResult, Evaluation

Verdict = CriterionResult.Verdict
_MISSED = (Verdict.NOT_MET, Verdict.NO_EVIDENCE)


@dataclass(frozen=True)
class FinalFeedback:
    """Feedback after people's reviews. Without a changed verdict, the words are the evaluator's."""

    is_changed: bool  # a person has changed a verdict
    met: int  # criteria met
    counted: int  # criteria that apply
    first_to_look_at: str  # the weightiest criterion that was missed; empty if none was
    capped_from: int | None  # score without the crossed red line
    rationale: str
    learning_objective: str
    went_well: Sequence[Mapping[str, Any]]
    improvements: Sequence[Mapping[str, Any]]


def build_final_feedback(evaluation: Evaluation, results: Sequence[CriterionResult]) -> FinalFeedback:
    """Return the counts and words that the final verdicts support."""
    changed = [row for row in results if row.reviewed_verdict and row.reviewed_verdict != row.verdict]
    applying = [row for row in results if row.final_verdict != Verdict.NOT_APPLICABLE]
    met = sum(row.final_verdict == Verdict.MET for row in applying)
    missed = [row for row in applying if row.final_verdict in _MISSED]
    first = min(missed, key=lambda row: (not row.is_red_line, -row.weight, row.position), default=None)
    title = first.title if first else ""
    if not changed:
        words = evaluation.rationale, evaluation.learning_objective, evaluation.went_well, evaluation.improvements
        return FinalFeedback(False, met, len(applying), title, evaluation.capped_from, *words)
    points = scoring.compute_score((row.final_verdict, row.weight, row.is_red_line) for row in results)
    return FinalFeedback(
        True,
        met,
        len(applying),
        title,
        points.capped_from if points else None,
        _describe_changes(changed),
        _build_objective(title) if applying else "",
        [one for one in evaluation.went_well if not _rests_on(one, missed)],
        [one for one in evaluation.improvements if _rests_on(one, missed) or not _rests_on(one, _praised(changed))],
    )


def _describe_changes(changed: Sequence[CriterionResult]) -> str:
    """Return one sentence for the changes in place of the evaluator's summary, which knew nothing of them."""
    return ngettext(
        "A person changed the verdict on %(count)s criterion. Score, counts, and advice follow the final verdicts.",
        "A person changed the verdicts on %(count)s criteria. Score, counts, and advice follow the final verdicts.",
        len(changed),
    ) % {"count": len(changed)}


def _build_objective(first_missed: str) -> str:
    if not first_missed:
        return _("In your next session, do the same again: every criterion was met.")
    return _("In your next session, practice this: %(criterion)s") % {"criterion": first_missed}


def _praised(changed: Sequence[CriterionResult]) -> list[CriterionResult]:
    """Return the results that a person changed to met."""
    return [row for row in changed if row.reviewed_verdict == Verdict.MET]


def _rests_on(moment: Mapping[str, Any], results: Sequence[CriterionResult]) -> bool:
    """Return whether the moment's words overlap with the evidence of one of the results."""
    start = int(moment.get("start", 0))
    end = start + len(moment["quote"])
    return bool(moment["quote"]) and any(
        quote["turn"] == moment["turn"] and start < quote["end"] and end > quote["start"]
        for row in results
        for quote in row.quotes
    )
