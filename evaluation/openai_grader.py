"""One graded answer from OpenAI, with the account's procedures searched. The only module here that knows OpenAI."""

import json
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from django.conf import settings
from openai import OpenAI, omit
from openai.types.responses import FileSearchToolParam, ParsedResponse, ResponseInputParam
from pydantic import BaseModel, ConfigDict, ValidationError

from ai import AIUnavailable, build_client, in_our_words
from evaluation.proof import Line
from evaluation.rubric import Check

logger = logging.getLogger(__name__)

PROMPT_VERSION = "grader.v1"
_INSTRUCTIONS = (Path(__file__).parent / "prompts" / f"{PROMPT_VERSION}.txt").read_text()
# Citation marks that a model may leave inside its strings, and what PostgreSQL cannot store.
_UNWANTED = re.compile("[\ue000-\uf8ff\0]")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class QuoteSaid(_Strict):
    turn: str
    text: str


class Citation(_Strict):
    section: str
    text: str


class Judged(_Strict):
    key: str
    verdict: Literal["met", "not_met", "not_applicable"]
    reason: str
    quotes: list[QuoteSaid]
    citations: list[Citation]


class WentWell(_Strict):
    turn: str
    quote: str
    why: str


class Improvement(_Strict):
    turn: str
    quote: str
    goal: str
    better_wording: str
    why: str


class Flagged(_Strict):
    kind: str
    severity: Literal["info", "warning", "critical"]
    note: str


class Grading(_Strict):
    """What a grader answers. No score: that is computed from the verdicts, in code."""

    criteria: list[Judged]
    rationale: str
    went_well: list[WentWell]
    improvements: list[Improvement]
    learning_objective: str
    reflection_questions: list[str]
    flags: list[Flagged]


@dataclass(frozen=True)
class Case:
    """All that a grader is given."""

    session_id: str
    checks: Sequence[Check]
    lines: Sequence[Line]
    evaluator_context: str = ""
    policy_sections: str = ""
    vector_store_id: str = ""


@dataclass(frozen=True)
class Graded:
    grading: Grading
    model: str
    used_file_search: bool | None
    procedure_texts: list[str] = field(default_factory=list)
    file_ids: list[str] = field(default_factory=list)
    input_tokens: int | None = None
    output_tokens: int | None = None


def ask(case: Case) -> Graded:
    """Grade a case. Raises AIUnavailable; `retryable` says whether another try can help.

    When the procedures cannot be searched it is graded without them, and says so in `used_file_search`.
    """
    with build_client(timeout=settings.EVALUATOR_TIMEOUT, max_retries=0) as client:
        if not case.vector_store_id:
            return _graded(_request(client, case, search=False), has_procedures=False)
        try:
            return _graded(_request(client, case, search=True), has_procedures=True)
        except AIUnavailable as error:
            if error.retryable:
                raise
            # The store is gone or the search is refused: a grade by the other checks is better than none.
            logger.warning("Graded without procedures: %s", error.code, extra={"session_id": case.session_id})
            return _graded(_request(client, case, search=False), has_procedures=True)


def _request(client: OpenAI, case: Case, search: bool) -> ParsedResponse[Grading]:
    tool: FileSearchToolParam = {
        "type": "file_search",
        "vector_store_ids": [case.vector_store_id],
        "max_num_results": 8,
    }
    try:
        with in_our_words():
            return client.responses.parse(
                model=settings.EVALUATOR_MODEL,
                instructions=_INSTRUCTIONS,
                input=_input(case),
                text_format=Grading,
                tools=[tool] if search else omit,
                include=["file_search_call.results"] if search else omit,
                max_output_tokens=settings.EVALUATOR_MAX_OUTPUT_TOKENS,
                temperature=omit if settings.EVALUATOR_TEMPERATURE is None else settings.EVALUATOR_TEMPERATURE,
                store=False,
            )
    except ValidationError as error:
        raise AIUnavailable("unusable_answer", retryable=True) from error


def _input(case: Case) -> ResponseInputParam:
    parts = [case.evaluator_context or "The author of the scenario named nothing in particular."]
    if case.policy_sections:
        parts.append(f"## RELEVANT PROCEDURES\n{case.policy_sections}")
    parts.append(json.dumps({"criteria": [{"key": check.key, "check": check.text} for check in case.checks]}))
    turns = [
        {"id": line.id, "speaker": "counselor" if line.is_counselor else "caller", "text": line.text}
        for line in case.lines
    ]
    parts.append(json.dumps({"turns": turns}, ensure_ascii=False))
    return [{"role": "user", "content": [{"type": "input_text", "text": part} for part in parts]}]


def _graded(response: ParsedResponse[Grading], has_procedures: bool) -> Graded:
    if response.status == "incomplete":
        raise AIUnavailable("cut_off", retryable=True)
    grading = response.output_parsed
    if grading is None:
        raise AIUnavailable("refused", retryable=True)
    searches = [item for item in response.output if item.type == "file_search_call"]
    found = [result for search in searches for result in search.results or []]
    return Graded(
        grading=Grading.model_validate(_clean(grading.model_dump())),
        model=response.model,
        # Offered a search, a model may still not make one.
        used_file_search=bool(searches) if has_procedures else None,
        procedure_texts=[result.text for result in found if result.text],
        file_ids=sorted({result.file_id for result in found if result.file_id}),
        input_tokens=response.usage.input_tokens if response.usage else None,
        output_tokens=response.usage.output_tokens if response.usage else None,
    )


def _clean(value: object) -> object:
    if isinstance(value, str):
        return _UNWANTED.sub("", value)
    if isinstance(value, list):
        return [_clean(one) for one in value]
    return {name: _clean(one) for name, one in value.items()} if isinstance(value, dict) else value
