"""From verdicts to a score and a letter, in code: a model never counts."""

from collections.abc import Iterable
from fractions import Fraction

from evaluation.models import CriterionResult

Verdict = CriterionResult.Verdict

# The lowest score of each letter. B is good, A exceptional.
GRADES = [(93, "A"), (80, "B"), (65, "C"), (50, "D"), (0, "F")]


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
