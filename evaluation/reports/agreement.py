"""Agreement between the evaluator and people: raw, beyond chance, and the base rate of criteria met.

Unweighted Cohen's kappa with the large-sample variance of Fleiss, Cohen, and Everitt (1969). Raw agreement means little
by itself: if nearly everything is met, two raters who always say "met" agree nearly always.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from django.utils.translation import gettext as _

Z_95 = 1.96  # standard errors on each side of a 95% interval


@dataclass(frozen=True)
class Agreement:
    """Agreement on a set of verdicts. Kappa and its interval are None if agreement by chance is certain."""

    n: int  # verdicts given by both
    raw: float  # share of equal verdicts, 0 to 1
    kappa: float | None  # agreement beyond chance, up to 1
    low: float | None  # lower end of kappa's 95% interval
    high: float | None  # upper end of the interval
    base_rate: float  # share of people's verdicts that are "met", 0 to 1
    is_too_few: bool = False  # too few verdicts to state kappa


def compute_agreement(pairs: Iterable[tuple[str, str]], met: str = "met") -> Agreement | None:
    """Compute the agreement of (evaluator's, person's) verdict pairs. Return None if there are none."""
    counted = Counter(pairs)
    n = sum(counted.values())
    if not n:
        return None
    names = sorted({name for pair in counted for name in pair})
    share = {(one, other): counted[one, other] / n for one in names for other in names}
    by_evaluator = {name: sum(share[name, other] for other in names) for name in names}
    by_person = {name: sum(share[other, name] for other in names) for name in names}
    raw = sum(share[name, name] for name in names)
    chance = sum(by_evaluator[name] * by_person[name] for name in names)
    base_rate = by_person.get(met, 0.0)
    if math.isclose(chance, 1.0):
        return Agreement(n, raw, None, None, None, base_rate)
    kappa = (raw - chance) / (1 - chance)
    error = math.sqrt(max(0.0, _variance(share, by_evaluator, by_person, names, n)))
    low, high = max(-1.0, kappa - Z_95 * error), min(1.0, kappa + Z_95 * error)
    return Agreement(n, raw, kappa, low, high, base_rate)


def _variance(
    share: dict[tuple[str, str], float],
    by_evaluator: dict[str, float],
    by_person: dict[str, float],
    names: Sequence[str],
    n: int,
) -> float:
    """Return the large-sample variance of kappa."""
    raw = sum(share[name, name] for name in names)
    chance = sum(by_evaluator[name] * by_person[name] for name in names)
    diagonal = sum(
        share[name, name] * ((1 - chance) - (by_evaluator[name] + by_person[name]) * (1 - raw)) ** 2 for name in names
    )
    off_diagonal = (1 - raw) ** 2 * sum(
        share[one, other] * (by_person[one] + by_evaluator[other]) ** 2
        for one in names
        for other in names
        if one != other
    )
    correction = (raw * chance - 2 * chance + raw) ** 2
    return (diagonal + off_diagonal - correction) / (n * (1 - chance) ** 4)


@dataclass(frozen=True)
class AgreementRow:
    """One row of a table: a criterion, or all of them together."""

    key: str  # empty for all criteria together
    name: str  # the check's text
    agreement: Agreement


def build_agreement_table(
    verdicts: Iterable[tuple[str, str, str]], names: dict[str, str], min_reviews: int = 0
) -> list[AgreementRow]:
    """Build one row for each criterion, lowest kappa first, then one for all together.

    Take (key, evaluator's verdict, person's verdict) tuples. A row with fewer than `min_reviews` has no kappa.
    """
    by_key: dict[str, list[tuple[str, str]]] = {}
    for key, by_evaluator, by_person in verdicts:
        by_key.setdefault(key, []).append((by_evaluator, by_person))
    rows = [
        AgreementRow(key, names.get(key, key), _without_kappa_of_few(found, min_reviews))
        for key, pairs in by_key.items()
        if (found := compute_agreement(pairs))
    ]
    rows.sort(key=lambda row: (2.0 if row.agreement.kappa is None else row.agreement.kappa, row.key))
    overall = compute_agreement([pair for pairs in by_key.values() for pair in pairs])
    if overall is None:
        return []
    return [*rows, AgreementRow("", _("All criteria"), _without_kappa_of_few(overall, min_reviews))]


def _without_kappa_of_few(found: Agreement, min_reviews: int) -> Agreement:
    """Drop kappa and its interval if they rest on too few verdicts: a handful of them can say anything."""
    if found.n >= min_reviews:
        return found
    return replace(found, kappa=None, low=None, high=None, is_too_few=True)
