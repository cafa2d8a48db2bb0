"""Verification of a grader's answer: only proven claims go into the feedback."""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from django.utils.translation import gettext_noop

from ai import AIUnavailableError
from evaluation.grading import evidence, openai_grader, red_lines, rubric
from evaluation.grading.evidence import GraderTurn
from evaluation.grading.openai_grader import GradingInput, GradingOutput
from evaluation.grading.red_lines import CrossedRedLine
from evaluation.grading.rubric import Check
from evaluation.grading.schemas import CriterionAnswer, FlagAnswer, ImprovementAnswer, StrengthAnswer
from evaluation.models import CriterionResult, Evaluation
from evaluation.models.flag_kinds import COUNSELOR_FLAG_KINDS, FlagFinding, FlagKind, FlagSource

Verdict = CriterionResult.Verdict
Concern = Evaluation.Concern

# Stored in English, and translated when they are shown.
UNVERIFIED_REASON = gettext_noop("No quote from the conversation shows this.")
_UNVERIFIED_RED_LINE_REASON = gettext_noop(
    "The grader says that this red line was crossed, but no quote confirms it. A person will review it."
)
_INJECTION_NOTE = gettext_noop(
    "These words address the grader. They were hidden from the grader and not accepted as evidence."
)
# Limit on criteria that cite the same words, or half of those met if that is more. Honest gradings rarely exceed it.
_MAX_CRITERIA_PER_QUOTE = 6
_MAX_QUOTES_PER_CRITERION = 3


def verify_results(graded: GradingOutput) -> list[CriterionResult]:
    """Build one result for each check, with proven quotes only. Raise AIUnavailableError if a check was left out."""
    case = graded.case
    judged = {one.key: one for one in graded.answer.criteria}
    if missing := [check.key for check in case.checks if check.key not in judged]:
        raise AIUnavailableError(f"left_out:{len(missing)}", retryable=True)
    by_rule = {one.key: one for one in red_lines.find_crossed_red_lines(case.lines)}
    return [
        _verify_criterion(case, graded.passages, position, check, judged[check.key], by_rule.get(check.key))
        for position, check in enumerate(case.checks)
    ]


def _verify_criterion(
    case: GradingInput,
    passages: Sequence[str],
    position: int,
    check: Check,
    answer: CriterionAnswer,
    by_rule: CrossedRedLine | None,
) -> CriterionResult:
    quotes = [quote for one in answer.quotes if (quote := evidence.verify_quote(one.text, one.turn, case.lines))]
    index = case.procedures.index if case.procedures else None
    citations = [
        citation
        for one in answer.citations
        if (citation := evidence.verify_citation(one.text, one.section, passages, index))
    ]
    verdict, reason = _decide_verdict(check, answer, bool(quotes))
    if by_rule and verdict != Verdict.NOT_MET:
        verdict, reason = Verdict.NOT_MET, by_rule.reason
        text = next(line.text for line in case.lines if line.turn_id == by_rule.turn)
        quotes = [evidence.VerifiedQuote(by_rule.turn, by_rule.start, by_rule.end, text[by_rule.start : by_rule.end])]
    return CriterionResult(
        position=position,
        key=check.key,
        check_text=check.text,
        branch=check.branch,
        is_red_line=bool(check.red_line),
        source=check.source,
        weight=check.weight,
        verdict=verdict,
        reason=reason,
        quotes=[asdict(quote) for quote in quotes[:_MAX_QUOTES_PER_CRITERION]],
        citations=[asdict(citation) for citation in citations],
    )


def _decide_verdict(check: Check, answer: CriterionAnswer, has_quotes: bool) -> tuple[str, str]:
    """Return the verdict that the evidence supports, and the reason for it."""
    verdict: str = answer.verdict
    if verdict == Verdict.MET and check.needs_quote and not has_quotes:
        return Verdict.NO_EVIDENCE, UNVERIFIED_REASON
    if verdict == Verdict.NOT_MET and check.red_line == "commission" and not has_quotes:
        return Verdict.NO_EVIDENCE, _UNVERIFIED_RED_LINE_REASON
    return verdict, answer.reason


def collect_flags(case: GradingInput, grader: Sequence[FlagAnswer], scan: Sequence[FlagAnswer]) -> list[FlagFinding]:
    """Return the flags to raise, each kind once per source. A quote that cannot be proven is left out."""
    found = [_flag_injection(line) for line in case.lines if line.redacted_spans]
    found += [_verify_flag(case, one, FlagSource.GRADER) for one in grader] + [
        _verify_flag(case, one, FlagSource.SCAN) for one in scan
    ]
    return list({(one.kind, one.source): one for one in reversed(found)}.values())[::-1]


def _flag_injection(line: GraderTurn) -> FlagFinding:
    span = line.redacted_spans[0]
    return FlagFinding(
        FlagKind.GAMING,
        FlagSource.RULES,
        _INJECTION_NOTE,
        line.turn_id,
        line.text[span.start : span.end].strip()[:500],
    )


def _verify_flag(case: GradingInput, answer: FlagAnswer, source: str) -> FlagFinding:
    quote = evidence.verify_quote(
        answer.quote, answer.turn, case.lines, of_counselor=answer.kind in COUNSELOR_FLAG_KINDS
    )
    return FlagFinding(
        answer.kind, source, answer.note[:2000], quote.turn if quote else "", quote.text if quote else ""
    )


def find_concerns(graded: GradingOutput, results: Sequence[CriterionResult], found: Sequence[FlagFinding]) -> list[str]:
    """Return the reasons why a person must review the feedback."""
    case = graded.case
    rules: dict[str, bool] = {
        Concern.PROMPT_INJECTION: any(line.redacted_spans for line in case.lines)
        or case.has_injection_in_procedures
        or openai_grader.contains_prompt_injection(graded.passages)
        or any(one.kind in {FlagKind.GAMING, FlagKind.JAILBREAK} for one in found),
        Concern.RED_LINE: any(one.is_red_line and one.verdict == Verdict.NOT_MET for one in results),
        Concern.RED_LINE_UNVERIFIED: any(one.is_red_line and one.verdict == Verdict.NO_EVIDENCE for one in results),
        Concern.THIN_EVIDENCE: _has_thin_evidence(results),
        Concern.DISTRESS: any(one.kind == FlagKind.COUNSELOR_DISTRESS for one in found),
    }
    return [str(concern) for concern, applies in rules.items() if applies]


def _has_thin_evidence(results: Sequence[CriterionResult]) -> bool:
    """Return whether too many of the criteria met rest on the same words."""
    met = [result for result in results if result.verdict == Verdict.MET and result.quotes]
    used = Counter((quote["turn"], quote["start"], quote["end"]) for result in met for quote in result.quotes)
    return max(used.values(), default=0) > max(_MAX_CRITERIA_PER_QUOTE, len(met) / 2)


def verify_feedback(graded: GradingOutput, results: Sequence[CriterionResult]) -> dict[str, object]:
    """Return the Evaluation fields that come from the answer, which do not include the score."""
    case, grading, procedures = graded.case, graded.answer, graded.case.procedures
    strengths = [moment for one in grading.went_well if (moment := _verify_strength(one, case.lines, results))]
    return {
        "model": graded.model,
        "prompt_version": openai_grader.PROMPT_VERSION,
        "rubric_version": rubric.VERSION,
        "transcript_hash": hash_transcript(case.lines),
        "document_id": procedures.document_id if procedures else None,
        "vector_store_id": procedures.store_id if procedures else "",
        "file_ids": graded.file_ids,
        "used_file_search": graded.used_file_search,
        "without_procedures": case.without_procedures,
        "input_tokens": graded.input_tokens,
        "output_tokens": graded.output_tokens,
        "latency_ms": graded.latency_ms,
        "rationale": grading.rationale,
        "went_well": strengths[:3],
        "improvements": [_verify_improvement(one, case.lines) for one in grading.improvements[:5]],
        "learning_objective": grading.learning_objective,
        "reflection_questions": grading.reflection_questions,
    }


def _verify_strength(
    one: StrengthAnswer, lines: Sequence[GraderTurn], results: Sequence[CriterionResult]
) -> dict[str, object] | None:
    """Return the praise if it is proven, else None. Words that cross a red line are never praised."""
    quote = evidence.verify_quote(one.quote, one.turn, lines)
    if quote is None or any(
        _overlaps(quote, other) for row in results if row.is_crossed_red_line for other in row.quotes
    ):
        return None
    return {"turn": quote.turn, "start": quote.start, "quote": quote.text, "why": one.why}


def _overlaps(quote: evidence.VerifiedQuote, other: dict[str, Any]) -> bool:
    return quote.turn == other["turn"] and quote.start < other["end"] and quote.end > other["start"]


def _verify_improvement(one: ImprovementAnswer, lines: Sequence[GraderTurn]) -> dict[str, object]:
    """Return the advice, without its quote if the quote cannot be proven."""
    quote = evidence.verify_quote(one.quote, one.turn, lines)
    location = {"turn": quote.turn, "start": quote.start, "quote": quote.text} if quote else {"turn": "", "quote": ""}
    return one.model_dump() | location


def hash_transcript(lines: Sequence[GraderTurn]) -> str:
    """Return the SHA-256 hex digest of the turns, before redaction."""
    turns = [
        {"id": line.id, "turn": line.turn_id, "is_counselor": line.is_counselor, "text": line.text} for line in lines
    ]
    return hashlib.sha256(json.dumps(turns).encode()).hexdigest()
