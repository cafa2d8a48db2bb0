"""Report on the evaluator's performance: agreement with people, latency, tokens, and failures."""

import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import Prefetch
from django.utils.translation import gettext as _

from evaluation.grading.rubric import general_checks
from evaluation.models import CriterionResult, Evaluation, EvaluationQuerySet, Review, Scan
from evaluation.models.evaluations import WithoutProcedures
from evaluation.reports.agreement import AgreementRow, build_agreement_table

_SEARCHED_OR_NO_ACCOUNT = {"", WithoutProcedures.NO_ACCOUNT}
_NO_EVIDENCE = CriterionResult.Verdict.NO_EVIDENCE


def list_agreement(evaluations: EvaluationQuerySet, min_reviews: int | None = None) -> list[AgreementRow]:
    """Return the agreement by criterion, with scenario criteria in one row. Only a criterion's last review counts.

    A review that was carried over counts only in the version of the feedback that it was given on. A criterion needs
    `min_reviews` to show kappa, by default the installation's number.
    """
    given = Review.objects.filter(carried_from=None)
    reviewed = CriterionResult.objects.filter(evaluation__in=evaluations, reviews__in=given).distinct()
    verdicts = []
    for row in reviewed.prefetch_related(Prefetch("reviews", given, to_attr="given_reviews")):
        latest = max(row.given_reviews, key=lambda review: (review.created_at, review.pk))
        theirs = latest.new_verdict or row.verdict
        key = row.key if row.source == CriterionResult.Source.RUBRIC else "scenario"
        verdicts.append((key, fold_no_evidence(row.verdict), fold_no_evidence(theirs)))
    return build_agreement_table(verdicts, check_names(), min_reviews or settings.AGREEMENT_MIN_REVIEWS)


def check_names() -> dict[str, str]:
    """Return the checks by key, in the reader's language."""
    return {check.key: _(check.text) for check in general_checks()} | {"scenario": _("Scenario criteria")}


def fold_no_evidence(verdict: str) -> str:
    """Turn `no_evidence` into `not_met`, because scoring counts it that way."""
    return CriterionResult.Verdict.NOT_MET if verdict == _NO_EVIDENCE else verdict


@dataclass(frozen=True)
class Percentiles:
    """Median and 95th percentile of some values, in their own unit."""

    n: int  # number of values
    median: float
    p95: float  # 95% of the values are below it


def compute_percentiles(values: Sequence[float]) -> Percentiles | None:
    if not values:
        return None
    ordered = sorted(values)
    return Percentiles(
        len(ordered), statistics.median(ordered), ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
    )


@dataclass(frozen=True)
class EvaluatorReport:
    """Figures about a set of evaluations."""

    by_status: Counter[str]  # evaluations
    by_grade: Counter[str]  # graded evaluations
    with_search: Percentiles | None  # latency of gradings with a file search, in ms
    without_search: Percentiles | None  # latency of gradings without one, in ms
    input_tokens: Percentiles | None  # per evaluation
    output_tokens: Percentiles | None  # per evaluation
    all_tokens: int  # input and output of all evaluations
    graded_without_procedures: int  # evaluations whose procedures could not be searched
    by_scan: Counter[str]  # scans, by status
    waiting: int  # evaluations that need human review
    agreement: list[AgreementRow]  # by criterion


def build_evaluator_report(evaluations: EvaluationQuerySet, since: datetime | None = None) -> EvaluatorReport:
    """Build the report on these evaluations, or on those among them that were created since `since`."""
    if since:
        evaluations = evaluations.filter(created_at__gte=since)
    graded = list(
        evaluations.graded().values(
            "latency_ms", "used_file_search", "without_procedures", "input_tokens", "output_tokens", "grade"
        )
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
    return EvaluatorReport(
        by_status=Counter(evaluations.values_list("status", flat=True)),
        by_grade=Counter(row["grade"] for row in graded),
        with_search=compute_percentiles(latencies[True]),
        without_search=compute_percentiles(latencies[False]),
        input_tokens=compute_percentiles(tokens["input_tokens"]),
        output_tokens=compute_percentiles(tokens["output_tokens"]),
        all_tokens=sum(tokens["input_tokens"]) + sum(tokens["output_tokens"]),
        graded_without_procedures=sum(
            row["without_procedures"] not in {"", WithoutProcedures.NO_ACCOUNT} for row in graded
        ),
        by_scan=Counter(Scan.objects.filter(evaluation__in=evaluations).values_list("status", flat=True)),
        waiting=Evaluation.objects.filter(pk__in=evaluations.values("pk")).needing_review().count(),
        agreement=list_agreement(evaluations),
    )
