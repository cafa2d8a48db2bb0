"""How the evaluator does: agreement with people, how long it takes, what it costs, and what goes wrong."""

import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from evaluation.agreement import Row, table_of
from evaluation.models import CriterionResult, Evaluation, EvaluationQuerySet, Scan
from evaluation.rubric import general_checks

_AS_NOT_MET = CriterionResult.Verdict.NO_EVIDENCE


def agreement_rows(evaluations: EvaluationQuerySet) -> list[Row]:
    """By criterion of the rubric; the scenarios' own are taken together. What a person last said counts."""
    reviewed = CriterionResult.objects.filter(evaluation__in=evaluations, reviews__isnull=False).distinct()
    verdicts = []
    for row in reviewed.prefetch_related("reviews"):
        said = max(row.reviews.all(), key=lambda review: (review.created_at, review.pk))
        theirs = said.new_verdict or row.verdict
        key = row.key if row.source == CriterionResult.Source.RUBRIC else "scenario"
        verdicts.append((key, as_judged(row.verdict), as_judged(theirs)))
    return table_of(verdicts, names_of_checks())


def names_of_checks() -> dict[str, str]:
    return {check.key: check.text for check in general_checks()} | {"scenario": "The scenarios' own points"}


def as_judged(verdict: str) -> str:
    """Without evidence a check is not met: so it is counted, and so it is compared."""
    return CriterionResult.Verdict.NOT_MET if verdict == _AS_NOT_MET else verdict


@dataclass(frozen=True)
class Spread:
    """Of so many values, in their own unit: the middle, and what 95 of 100 stay under."""

    n: int
    median: float
    p95: float


def spread_of(values: Sequence[float]) -> Spread | None:
    if not values:
        return None
    ordered = sorted(values)
    return Spread(len(ordered), statistics.median(ordered), ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))])


@dataclass(frozen=True)
class Report:
    """Latencies in ms, with a search and without one; tokens of an evaluation."""

    by_status: Counter[str]
    by_grade: Counter[str]
    with_search: Spread | None
    without_search: Spread | None
    input_tokens: Spread | None
    output_tokens: Spread | None
    all_tokens: int
    graded_without_procedures: int
    by_scan: Counter[str]
    waiting: int
    agreement: list[Row]


def report_on(evaluations: EvaluationQuerySet, since: datetime | None = None) -> Report:
    if since:
        evaluations = evaluations.filter(created_at__gte=since)
    graded = list(
        evaluations.graded().values("latency_ms", "used_file_search", "input_tokens", "output_tokens", "grade")
    )
    latencies = {
        searched: [
            row["latency_ms"] for row in graded if row["latency_ms"] and bool(row["used_file_search"]) == searched
        ]
        for searched in (True, False)
    }
    tokens = {
        name: [int(row[name] or 0) for row in graded if row[name] is not None]
        for name in ("input_tokens", "output_tokens")
    }
    return Report(
        by_status=Counter(evaluations.values_list("status", flat=True)),
        by_grade=Counter(row["grade"] for row in graded),
        with_search=spread_of(latencies[True]),
        without_search=spread_of(latencies[False]),
        input_tokens=spread_of(tokens["input_tokens"]),
        output_tokens=spread_of(tokens["output_tokens"]),
        all_tokens=sum(tokens["input_tokens"]) + sum(tokens["output_tokens"]),
        graded_without_procedures=sum(row["used_file_search"] is False for row in graded),
        by_scan=Counter(Scan.objects.filter(evaluation__in=evaluations).values_list("status", flat=True)),
        waiting=Evaluation.objects.filter(pk__in=evaluations.values("pk")).waiting_for_person().count(),
        agreement=agreement_rows(evaluations),
    )
