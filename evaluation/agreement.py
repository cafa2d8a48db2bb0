"""How far the evaluator and people agree: raw, beyond chance, and how often a criterion is met at all.

Cohen's kappa with the large-sample variance of Fleiss, Cohen and Everitt (1969), without weights. A raw agreement
means little by itself: where nearly everything is met, two who always say so agree nearly always.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

CONFIDENCE = 1.96  # standard errors on each side: 95 %


@dataclass(frozen=True)
class Agreement:
    """Of `n` verdicts that both gave. Shares from 0 to 1; `kappa` and its interval are None where chance is certain."""

    n: int
    raw: float
    kappa: float | None
    low: float | None
    high: float | None
    base_rate: float


def agreement(pairs: Iterable[tuple[str, str]], met: str = "met") -> Agreement | None:
    """Of (evaluator's, person's) verdicts; None without any. The base rate is how often people say `met`."""
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
    low, high = max(-1.0, kappa - CONFIDENCE * error), min(1.0, kappa + CONFIDENCE * error)
    return Agreement(n, raw, kappa, low, high, base_rate)


def _variance(
    share: dict[tuple[str, str], float],
    by_evaluator: dict[str, float],
    by_person: dict[str, float],
    names: Sequence[str],
    n: int,
) -> float:
    raw = sum(share[name, name] for name in names)
    chance = sum(by_evaluator[name] * by_person[name] for name in names)
    same = sum(
        share[name, name] * ((1 - chance) - (by_evaluator[name] + by_person[name]) * (1 - raw)) ** 2 for name in names
    )
    apart = (1 - raw) ** 2 * sum(
        share[one, other] * (by_person[one] + by_evaluator[other]) ** 2
        for one in names
        for other in names
        if one != other
    )
    whole = (raw * chance - 2 * chance + raw) ** 2
    return (same + apart - whole) / (n * (1 - chance) ** 4)


@dataclass(frozen=True)
class Row:
    """One line of a table: a criterion, or all of them."""

    key: str
    name: str
    agreement: Agreement


def table_of(verdicts: Iterable[tuple[str, str, str]], names: dict[str, str]) -> list[Row]:
    """By criterion, the least agreed on first, then all together. Takes (key, evaluator's, person's)."""
    by_key: dict[str, list[tuple[str, str]]] = {}
    for key, ours, theirs in verdicts:
        by_key.setdefault(key, []).append((ours, theirs))
    rows = [Row(key, names.get(key, key), found) for key, pairs in by_key.items() if (found := agreement(pairs))]
    rows.sort(key=lambda row: (2.0 if row.agreement.kappa is None else row.agreement.kappa, row.key))
    everything = agreement([pair for pairs in by_key.values() for pair in pairs])
    return [*rows, Row("", "All criteria", everything)] if everything else []
