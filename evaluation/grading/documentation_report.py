"""Verified comparison of documentation and transcript: every quote that the model gives must appear in its source.

Accuracy is the number of supported statements as a share of those plus the gaps, each gap weighted by its severity.
Compliance is the share of guidelines that were followed. Overall is the mean of both, rounded down.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any

from evaluation.grading.evidence import GraderTurn, find_words, verify_quote
from evaluation.grading.schemas import ComparisonAnswer, OmissionAnswer, StatementAnswer

GAP_KINDS = {"unsupported": "fabrication", "contradicted": "inaccuracy", "minimized": "minimization"}
_WEIGHTS = {"minor": 1, "moderate": 2, "serious": 3}


@dataclass(frozen=True)
class DocumentationGap:
    """A verified gap between documentation and transcript, or a broken guideline."""

    kind: str  # fabrication, inaccuracy, minimization, omission, or formatting (a broken guideline)
    severity: str  # minor, moderate, or serious
    written: str = ""  # words of the documentation or, for a broken guideline, of the guidelines
    turn: str = ""  # id of the turn with the words said
    said: str = ""  # words of that turn
    note: str = ""  # the model's explanation


@dataclass(frozen=True)
class DocumentationReport:
    """The scores of a piece of documentation, from 0 to 100, and its gaps."""

    accuracy: int
    compliance: int | None  # None without guidelines
    overall: int  # the accuracy alone if there are no guidelines
    gaps: list[dict[str, Any]]  # fields of DocumentationGap, most serious first


def build_documentation_report(
    comparison: ComparisonAnswer, lines: Sequence[GraderTurn], documentation: str, guidelines: str
) -> DocumentationReport:
    """Verify the model's comparison and score it. Claims that cannot be verified are dropped."""
    supported = 0
    gaps: list[DocumentationGap] = []
    for statement in comparison.statements:
        if statement.verdict == "supported":
            supported += bool(_contains(statement.quote, documentation) and _verify_evidence(statement, lines))
        elif gap := _verify_statement(statement, lines, documentation):
            gaps.append(gap)
    gaps += [gap for omission in comparison.omissions if (gap := _verify_omission(omission, lines))]
    penalty = sum(_WEIGHTS[gap.severity] for gap in gaps)
    rules = [rule for rule in comparison.guidelines if _contains(rule.rule, guidelines)]
    broken = [
        DocumentationGap("formatting", rule.severity, rule.rule, note=rule.note) for rule in rules if not rule.is_kept
    ]
    accuracy = _percent(supported, supported + penalty)
    compliance = _percent(len(rules) - len(broken), len(rules)) if rules else None
    overall = accuracy if compliance is None else (accuracy + compliance) // 2
    return DocumentationReport(
        accuracy, compliance, overall, [asdict(gap) for gap in _most_serious_first([*gaps, *broken])]
    )


def _verify_statement(
    statement: StatementAnswer, lines: Sequence[GraderTurn], documentation: str
) -> DocumentationGap | None:
    """Return the gap of an unsupported, contradicted, or minimized statement, or None if it cannot be verified.

    Its quote must appear in the documentation, and its evidence in the transcript unless it is merely unsupported.
    """
    if not _contains(statement.quote, documentation):
        return None
    evidence = _verify_evidence(statement, lines)
    if statement.verdict != "unsupported" and evidence is None:
        return None
    turn, words = evidence or ("", "")
    return DocumentationGap(
        GAP_KINDS[statement.verdict], statement.severity, statement.quote, turn, words, statement.note
    )


def _verify_omission(omission: OmissionAnswer, lines: Sequence[GraderTurn]) -> DocumentationGap | None:
    evidence = _verify_evidence(omission, lines)
    return DocumentationGap("omission", omission.severity, "", *evidence, omission.note) if evidence else None


def _verify_evidence(claim: StatementAnswer | OmissionAnswer, lines: Sequence[GraderTurn]) -> tuple[str, str] | None:
    """Return the id and the words of the turn that holds the evidence, or None. Either speaker counts."""
    for of_counselor in (True, False):
        if quote := verify_quote(claim.evidence, claim.turn, lines, of_counselor):
            return quote.turn, quote.text
    return None


def _contains(quote: str, text: str) -> bool:
    return find_words(quote, text) is not None


def _percent(part: int, whole: int) -> int:
    return int(Fraction(100 * part, whole)) if whole else 0


def _most_serious_first(gaps: Sequence[DocumentationGap]) -> list[DocumentationGap]:
    return sorted(gaps, key=lambda gap: -_WEIGHTS[gap.severity])
