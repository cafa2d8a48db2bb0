"""Score and letter grade, computed in code from the verdicts and never by a model.

The score is the weight of the checks that are met as a percentage of the weight of those that apply, rounded down. An
unproven check counts as not met, which lowers the score. A crossed red line caps it, however good the rest is.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from evaluation.grading.rubric import RED_LINE_CAP
from evaluation.models import CriterionResult

Verdict = CriterionResult.Verdict

# Lowest score of each letter. B is good, A is exceptional.
GRADE_THRESHOLDS = [(93, "A"), (80, "B"), (65, "C"), (50, "D"), (0, "F")]


@dataclass(frozen=True)
class Score:
    """A score, with its letter grade."""

    score: int  # 0 to 100
    capped_from: int | None = None  # the score before a crossed red line lowered it; None if it did not

    @property
    def grade(self) -> str:
        return grade_for(self.score)


def compute_score(verdicts: Iterable[tuple[str, int, bool]]) -> Score | None:
    """Return the score of (verdict, weight, is a red line) tuples, or None if nothing applies."""
    judged = list(verdicts)
    reached = percent_met((verdict, weight) for verdict, weight, _ in judged)
    if reached is None:
        return None
    is_crossed = any(is_red_line and verdict == Verdict.NOT_MET for verdict, _, is_red_line in judged)
    return (
        Score(min(reached, RED_LINE_CAP), reached if reached > RED_LINE_CAP else None) if is_crossed else Score(reached)
    )


def percent_met(verdicts: Iterable[tuple[str, int]]) -> int | None:
    """Return the weight that is met as a percentage of the weight that applies, rounded down.

    Take (verdict, weight) pairs. Return None if nothing applies.
    """
    applying = [(verdict, weight) for verdict, weight in verdicts if verdict != Verdict.NOT_APPLICABLE]
    total = sum(weight for _, weight in applying)
    if not total:
        return None
    met = sum(weight for verdict, weight in applying if verdict == Verdict.MET)
    return int(Fraction(100 * met, total))


def grade_for(points: int) -> str:
    """Return the letter for a score from 0 to 100."""
    return next(letter for lowest, letter in GRADE_THRESHOLDS if points >= lowest)
