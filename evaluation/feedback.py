"""What a grader's answer is worth: only what can be proven goes into the feedback."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict

from ai import AIUnavailable
from evaluation import openai_grader, proof, rubric
from evaluation.models import CriterionResult
from evaluation.openai_grader import Case, Graded
from evaluation.proof import Line


def proven_results(case: Case, graded: Graded) -> list[CriterionResult]:
    """A row for each check, with what could be proven. Raises AIUnavailable when a check was left out."""
    judged = {one.key: one for one in graded.grading.criteria}
    if missing := [check.key for check in case.checks if check.key not in judged]:
        raise AIUnavailable(f"left_out:{len(missing)}", retryable=True)
    results = []
    for position, check in enumerate(case.checks):
        said = judged[check.key]
        quotes = [quote for one in said.quotes if (quote := proof.prove(one.text, one.turn, case.lines))]
        result = CriterionResult(
            position=position,
            key=check.key,
            check_text=check.text,
            source=check.source,
            weight=check.weight,
            verdict=said.verdict,
            reason=said.reason,
            quotes=[asdict(quote) for quote in quotes],
            citations=[one.model_dump() for one in said.citations if proof.stands_in(one.text, graded.procedure_texts)],
        )
        if result.verdict == CriterionResult.Verdict.MET and check.needs_quote and not quotes:
            result.verdict = CriterionResult.Verdict.NOT_MET
            result.reason = "No words of yours were found that show this."
        results.append(result)
    return results


def proven_feedback(case: Case, graded: Graded) -> dict[str, object]:
    """The fields of an Evaluation that come from the answer; the score is not among them."""
    grading = graded.grading
    return {
        "model": graded.model,
        "prompt_version": openai_grader.PROMPT_VERSION,
        "rubric_version": rubric.VERSION,
        "transcript_hash": _hash_of(case.lines),
        "vector_store_id": case.vector_store_id,
        "file_ids": graded.file_ids,
        "used_file_search": graded.used_file_search,
        "input_tokens": graded.input_tokens,
        "output_tokens": graded.output_tokens,
        "rationale": grading.rationale,
        "went_well": [
            {"turn": quote.turn, "quote": quote.text, "why": one.why}
            for one in grading.went_well
            if (quote := proof.prove(one.quote, one.turn, case.lines))
        ],
        "improvements": [_improvement(one, case.lines) for one in grading.improvements],
        "learning_objective": grading.learning_objective,
        "reflection_questions": grading.reflection_questions,
    }


def _improvement(one: openai_grader.Improvement, lines: Sequence[Line]) -> dict[str, str]:
    """Advice stays when its quote cannot be proven; the quote does not."""
    quote = proof.prove(one.quote, one.turn, lines)
    return one.model_dump() | {"turn": quote.turn if quote else "", "quote": quote.text if quote else ""}


def _hash_of(lines: Sequence[Line]) -> str:
    return hashlib.sha256(json.dumps([asdict(line) for line in lines]).encode()).hexdigest()
