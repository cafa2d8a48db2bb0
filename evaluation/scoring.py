"""From verdicts to a score and a letter, in code: a model never counts.

The score is the weight of what is met among what applies, in percent, rounded down. What could not be proven counts
like what is not met: in doubt the lower. A red line that is crossed caps the score, however good the rest.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from evaluation.models import CriterionResult
from evaluation.rubric import CAP

Verdict = CriterionResult.Verdict

# The lowest score of each letter. B is good, A exceptional.
GRADES = [(93, "A"), (80, "B"), (65, "C"), (50, "D"), (0, "F")]


@dataclass(frozen=True)
class Points:
    """`capped_from` is the score that a crossed red line took, where it took one."""

    score: int
    capped_from: int | None = None

    @property
    def grade(self) -> str:
        return grade_for(self.score)


def total(verdicts: Iterable[tuple[str, int, bool]]) -> Points | None:
    """Of (verdict, weight, is a red line); None when nothing applies."""
    judged = list(verdicts)
    reached = score((verdict, weight) for verdict, weight, _ in judged)
    if reached is None:
        return None
    is_crossed = any(is_red_line and verdict == Verdict.NOT_MET for verdict, _, is_red_line in judged)
    return Points(min(reached, CAP), reached if reached > CAP else None) if is_crossed else Points(reached)


def score(verdicts: Iterable[tuple[str, int]]) -> int | None:
    """The weight of what is met among what applies, 0 to 100, rounded down: in doubt the lower.

    Takes (verdict, weight) pairs; None when nothing applies.
    """
    applying = [(verdict, weight) for verdict, weight in verdicts if verdict != Verdict.NOT_APPLICABLE]
    total = sum(weight for _, weight in applying)
    if not total:
        return None
    met = sum(weight for verdict, weight in applying if verdict == Verdict.MET)
    return int(Fraction(100 * met, total))


def grade_for(points: int) -> str:
    return next(letter for lowest, letter in GRADES if points >= lowest)
