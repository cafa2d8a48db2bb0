"""What a grader's answer is worth: only what can be proven goes into the feedback."""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from accounts.sections import squeezed
from ai import AIUnavailable
from evaluation import openai_grader, proof, red_lines, rubric
from evaluation.answers import Flagged, Improvement, Judged, WentWell
from evaluation.flags import BY_COUNSELOR, Found, Kind, Source
from evaluation.models import CriterionResult, Evaluation
from evaluation.openai_grader import Case, Graded
from evaluation.proof import Line
from evaluation.red_lines import Crossed
from evaluation.rubric import Check

Verdict = CriterionResult.Verdict
Concern = Evaluation.Concern

UNPROVEN = "No words of yours were found that show this."
_LINE_UNPROVEN = "It was said that this line is crossed, and no words of yours were found that show it. A person looks."
# So many criteria may rest on the same words, or half of all; an honest reading rarely needs more.
_MOST_BY_ONE_QUOTE = 6
_MOST_QUOTES = 3  # for one criterion


def proven_results(case: Case, graded: Graded) -> list[CriterionResult]:
    """A row for each check, with what could be proven. Raises AIUnavailable when a check was left out."""
    judged = {one.key: one for one in graded.grading.criteria}
    if missing := [check.key for check in case.checks if check.key not in judged]:
        raise AIUnavailable(f"left_out:{len(missing)}", retryable=True)
    by_rule = {one.key: one for one in red_lines.crossed(case.lines)}
    passages = [squeezed(passage) for passage in graded.passages]
    return [
        _result(case, passages, position, check, judged[check.key], by_rule.get(check.key))
        for position, check in enumerate(case.checks)
    ]


def _result(
    case: Case, passages: Sequence[str], position: int, check: Check, said: Judged, by_rule: Crossed | None
) -> CriterionResult:
    quotes = [quote for one in said.quotes if (quote := proof.prove(one.text, one.turn, case.lines))]
    index = case.procedures.index if case.procedures else None
    citations = [citation for one in said.citations if (citation := proof.cite(one.text, one.section, passages, index))]
    verdict, reason = _settled(check, said, bool(quotes))
    if by_rule and verdict != Verdict.NOT_MET:
        verdict, reason = Verdict.NOT_MET, by_rule.reason
        text = next(line.text for line in case.lines if line.turn == by_rule.turn)
        quotes = [proof.Quote(by_rule.turn, by_rule.start, by_rule.end, text[by_rule.start : by_rule.end])]
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
        quotes=[asdict(quote) for quote in quotes[:_MOST_QUOTES]],
        citations=[asdict(citation) for citation in citations],
    )


def _settled(check: Check, said: Judged, has_quotes: bool) -> tuple[str, str]:
    """The verdict that the proof bears, and why."""
    verdict: str = said.verdict
    if verdict == Verdict.MET and check.needs_quote and not has_quotes:
        return Verdict.NO_EVIDENCE, UNPROVEN
    if verdict == Verdict.NOT_MET and check.red_line == "commission" and not has_quotes:
        return Verdict.NO_EVIDENCE, _LINE_UNPROVEN
    return verdict, said.reason


def flags_of(case: Case, grader: Sequence[Flagged], scan: Sequence[Flagged]) -> list[Found]:
    """What is to be told, each kind of each source once. Words that cannot be proven are left out of it."""
    found = [_steering(line) for line in case.lines if line.barred]
    found += [_flag(case, one, Source.GRADER) for one in grader] + [_flag(case, one, Source.SCAN) for one in scan]
    return list({(one.kind, one.source): one for one in reversed(found)}.values())[::-1]


def _steering(line: Line) -> Found:
    span = line.barred[0]
    return Found(
        Kind.GAMING,
        Source.RULES,
        "These words speak to whoever grades. They were neither shown to the grader nor taken as evidence.",
        line.turn,
        line.text[span.start : span.end].strip()[:500],
    )


def _flag(case: Case, said: Flagged, source: str) -> Found:
    quote = proof.prove(said.quote, said.turn, case.lines, of_counselor=said.kind in BY_COUNSELOR)
    return Found(said.kind, source, said.note[:2000], quote.turn if quote else "", quote.text if quote else "")


def concerns_of(case: Case, graded: Graded, results: Sequence[CriterionResult], found: Sequence[Found]) -> list[str]:
    """Why a person must look at it."""
    rules: dict[str, bool] = {
        Concern.STEERED: any(line.barred for line in case.lines)
        or case.is_document_steering
        or openai_grader.speaks_to_grader(graded.passages)
        or any(one.kind in {Kind.GAMING, Kind.JAILBREAK} for one in found),
        Concern.RED_LINE: any(one.is_red_line and one.verdict == Verdict.NOT_MET for one in results),
        Concern.RED_LINE_UNPROVEN: any(one.is_red_line and one.verdict == Verdict.NO_EVIDENCE for one in results),
        Concern.THIN_EVIDENCE: _is_thin(results),
        Concern.DISTRESS: any(one.kind == Kind.COUNSELOR_DISTRESS for one in found),
    }
    return [str(concern) for concern, holds in rules.items() if holds]


def _is_thin(results: Sequence[CriterionResult]) -> bool:
    met = [result for result in results if result.verdict == Verdict.MET and result.quotes]
    used = Counter((quote["turn"], quote["start"], quote["end"]) for result in met for quote in result.quotes)
    return max(used.values(), default=0) > max(_MOST_BY_ONE_QUOTE, len(met) / 2)


def proven_feedback(case: Case, graded: Graded, results: Sequence[CriterionResult]) -> dict[str, object]:
    """The fields of an Evaluation that come from the answer; the score is not among them."""
    grading, procedures = graded.grading, case.procedures
    strengths = [moment for one in grading.went_well if (moment := _strength(one, case.lines, results))]
    return {
        "model": graded.model,
        "prompt_version": openai_grader.PROMPT_VERSION,
        "rubric_version": rubric.VERSION,
        "transcript_hash": hash_of(case.lines),
        "document_id": procedures.document_id if procedures else None,
        "vector_store_id": procedures.store_id if procedures else "",
        "file_ids": graded.file_ids,
        "used_file_search": graded.used_file_search,
        "input_tokens": graded.input_tokens,
        "output_tokens": graded.output_tokens,
        "latency_ms": graded.latency_ms,
        "rationale": grading.rationale,
        "went_well": strengths[:3],
        "improvements": [_improvement(one, case.lines) for one in grading.improvements[:5]],
        "learning_objective": grading.learning_objective,
        "reflection_questions": grading.reflection_questions,
    }


def _strength(one: WentWell, lines: Sequence[Line], results: Sequence[CriterionResult]) -> dict[str, object] | None:
    """Proven, and no part of words that cross a red line: nobody is praised for those."""
    quote = proof.prove(one.quote, one.turn, lines)
    if quote is None or any(_overlaps(quote, other) for row in results if row.is_crossed for other in row.quotes):
        return None
    return {"turn": quote.turn, "start": quote.start, "quote": quote.text, "why": one.why}


def _overlaps(quote: proof.Quote, other: dict[str, Any]) -> bool:
    return quote.turn == other["turn"] and quote.start < other["end"] and quote.end > other["start"]


def _improvement(one: Improvement, lines: Sequence[Line]) -> dict[str, object]:
    """Advice stays when its quote cannot be proven; the quote does not."""
    quote = proof.prove(one.quote, one.turn, lines)
    place = {"turn": quote.turn, "start": quote.start, "quote": quote.text} if quote else {"turn": "", "quote": ""}
    return one.model_dump() | place


def hash_of(lines: Sequence[Line]) -> str:
    told = [{"id": line.id, "turn": line.turn, "is_counselor": line.is_counselor, "text": line.text} for line in lines]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()
