"""OpenAI requests for grading with a procedures search, scans, and comparisons. No other module here uses `openai`."""

import json
import logging
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Generic, TypeVar

from django.conf import settings
from openai import OpenAI, omit
from openai.types.responses import FileSearchToolParam, ResponseInputParam
from openai.types.shared_params import ComparisonFilter
from pydantic import BaseModel

from accounts.procedures.sections import CitationIndex
from ai import (
    AIUnavailableError,
    ModelAnswer,
    build_client,
    create_answer,
    find_injections,
    parse_answer,
    translate_openai_errors,
)
from evaluation.grading.evidence import GraderTurn
from evaluation.grading.rubric import Check
from evaluation.grading.schemas import ComparisonAnswer, GradingAnswer, ScanAnswer
from evaluation.models.evaluations import WithoutProcedures

logger = logging.getLogger(__name__)

PROMPT_VERSION, SCAN_PROMPT_VERSION, DOCUMENTATION_PROMPT_VERSION = "grader.v2", "scan.v1", "documentation.v1"
_PROMPTS = Path(__file__).parent / "prompts"
_INSTRUCTIONS = (_PROMPTS / f"{PROMPT_VERSION}.txt").read_text()
_SCAN_INSTRUCTIONS = (_PROMPTS / f"{SCAN_PROMPT_VERSION}.txt").read_text()
_DOCUMENTATION_INSTRUCTIONS = (_PROMPTS / f"{DOCUMENTATION_PROMPT_VERSION}.txt").read_text()
_SCAN_MAX_OUTPUT_TOKENS = 800
_MAX_SEARCH_RESULTS = 8
_MAX_QUERY_CHARACTERS = 1000
_CHECKS_WITHIN_LIMIT = 40  # checks per request that EVALUATOR_MAX_OUTPUT_TOKENS allows for
_TOKENS_PER_CHECK = 120  # tokens in the answer to one check: a quote, a citation, and a short reason
_MAX_LIMIT_FACTOR = 4  # a cut-off answer is retried with up to this many times the token limit
# Citation marks that models may leave in their strings, and NUL, which PostgreSQL cannot store.
_UNSTORABLE = re.compile("[\ue000-\uf8ff\0]")
# Models that reject a temperature. Each one costs a failed request per process.
_models_without_temperature: set[str] = set()

AnswerT = TypeVar("AnswerT", bound=BaseModel)


@dataclass(frozen=True)
class ProceduresSearch:
    """A search limited to an account's current document, whatever else its vector store may hold."""

    store_id: str  # OpenAI vector store
    document_id: str  # primary key of the ProcedureDocument, by which the search is filtered
    file_id: str  # OpenAI file of the document
    index: CitationIndex | None = None  # None for a document stored before indexes existed

    @property
    def filter(self) -> ComparisonFilter:
        return {"type": "eq", "key": "document", "value": self.document_id}


@dataclass(frozen=True)
class GradingInput:
    """Everything that one grading needs."""

    session_id: str  # for the log
    checks: Sequence[Check]  # in the order of the results
    lines: Sequence[GraderTurn]  # the conversation
    evaluator_context: str = ""  # the scenario author's points to assess
    policy_sections: str = ""  # the parts of the procedures that matter for the scenario
    procedures: ProceduresSearch | None = None  # None without a current document
    has_injection_in_procedures: bool = False  # the current document contains prompt injection
    scenario_id: str = ""  # for the log
    without_procedures: str = ""  # a WithoutProcedures; empty with procedures

    def leave_out_procedures(self, reason: str) -> "GradingInput":
        """Return this input without the procedures, and without the checks and sections that rest on them."""
        return replace(
            self,
            checks=[check for check in self.checks if not check.is_about_procedures],
            policy_sections="",
            procedures=None,
            has_injection_in_procedures=False,
            without_procedures=reason,
        )


@dataclass(frozen=True)
class GradingOutput:
    """The result of one grading, and its cost over all requests."""

    case: GradingInput  # what was graded: without procedures if they could not be searched
    answer: GradingAnswer
    model: str  # name that the API returned
    passages: list[str] = field(default_factory=list)  # search results, from the account's document alone
    file_ids: list[str] = field(default_factory=list)  # OpenAI files of the passages
    input_tokens: int = 0  # over all requests
    output_tokens: int = 0  # over all requests
    latency_ms: int = 0  # from the first request to the last answer

    @property
    def used_file_search(self) -> bool:
        """Return whether a search returned passages of the account's document."""
        return bool(self.passages)


@dataclass(frozen=True)
class _ParsedResponse(Generic[AnswerT]):
    """A parsed answer and its response."""

    answer: AnswerT  # validated by its schema
    response: ModelAnswer  # model name, usage, and searches


class _UsageMeter:
    """Tokens and time of one grading over all of its requests."""

    def __init__(self) -> None:
        self.input_tokens = self.output_tokens = 0
        self.started_at = time.monotonic()

    def add(self, response: ModelAnswer) -> None:
        self.input_tokens += response.input_tokens or 0
        self.output_tokens += response.output_tokens or 0

    @property
    def latency_ms(self) -> int:
        return round(1000 * (time.monotonic() - self.started_at))


def request_grading(case: GradingInput, is_last_try: bool = False) -> GradingOutput:
    """Grade a case. Raise AIUnavailableError, which is `retryable` if another try can help.

    If the document is gone, or if the search fails permanently or on the last try, grade without the procedures.
    """
    meter = _UsageMeter()
    with build_client(timeout=settings.EVALUATOR_TIMEOUT, max_retries=0) as client:
        if case.procedures is None:
            return _build_output(case, meter, _request_answer(client, case, meter))
        try:
            graded = _grade_with_search(client, case, case.procedures, meter)
        except AIUnavailableError as error:
            if error.retryable and not is_last_try:
                raise
            code, reason = error.code, WithoutProcedures.MISSING if error.missing else WithoutProcedures.SEARCH_FAILED
        else:
            if graded.used_file_search:
                return graded
            code, reason = "nothing_found", WithoutProcedures.MISSING
        # A grade on the other checks is better than none.
        ids = {"session_id": case.session_id, "scenario_id": case.scenario_id}
        logger.warning("Graded without procedures: %s", code, extra=ids)
        case = case.leave_out_procedures(reason)
        return _build_output(case, meter, _request_answer(client, case, meter))


def _grade_with_search(
    client: OpenAI, case: GradingInput, procedures: ProceduresSearch, meter: _UsageMeter
) -> GradingOutput:
    tool: FileSearchToolParam = {
        "type": "file_search",
        "vector_store_ids": [procedures.store_id],
        "max_num_results": _MAX_SEARCH_RESULTS,
        "filters": procedures.filter,
    }
    try:
        parsed = _request_answer(client, case, meter, tool)
    except AIUnavailableError as error:
        if error.retryable or error.missing:
            raise
        logger.info("Searching in a separate request: %s", error.code, extra={"session_id": case.session_id})
        return _search_then_grade(client, case, procedures, meter)
    searches = [search for search in parsed.response.searches if search.is_completed]
    if not searches:  # a model may skip the search it is offered, and a search may fail
        logger.info("Searching in a separate request: not searched", extra={"session_id": case.session_id})
        return _search_then_grade(client, case, procedures, meter)
    found = [result for search in searches for result in search.results]
    return _build_output(case, meter, parsed, _keep_own_passages(case, procedures, found))


def _search_then_grade(
    client: OpenAI, case: GradingInput, procedures: ProceduresSearch, meter: _UsageMeter
) -> GradingOutput:
    """Search first, then grade without tools, for models that cannot combine a search with a fixed schema.

    Raise AIUnavailableError if the search fails or finds nothing.
    """
    query = " ".join([case.policy_sections, *(check.text for check in case.checks)])
    with translate_openai_errors():
        results = client.vector_stores.search(
            procedures.store_id,
            query=query[:_MAX_QUERY_CHARACTERS],
            filters=procedures.filter,
            max_num_results=_MAX_SEARCH_RESULTS,
        )
        found = [(result.file_id, part.text) for result in results.data for part in result.content]
    passages = _keep_own_passages(case, procedures, found)
    if not passages:
        raise AIUnavailableError("nothing_found", retryable=False, missing=True)
    return _build_output(case, meter, _request_answer(client, case, meter, passages=passages), passages)


def _keep_own_passages(case: GradingInput, procedures: ProceduresSearch, found: Sequence[tuple[str, str]]) -> list[str]:
    """Return only the passages of the current document. Passages of another document are never evidence."""
    if foreign_ids := {file_id for file_id, _ in found} - {procedures.file_id}:
        logger.error("A search returned another file", extra={"session_id": case.session_id, "files": len(foreign_ids)})
    return [text for file_id, text in found if file_id == procedures.file_id and text]


def _build_output(
    case: GradingInput,
    meter: _UsageMeter,
    parsed: _ParsedResponse[GradingAnswer],
    passages: Sequence[str] = (),
) -> GradingOutput:
    return GradingOutput(
        case=case,
        answer=parsed.answer,
        model=parsed.response.model,
        passages=list(passages),
        file_ids=[case.procedures.file_id] if case.procedures and passages else [],
        input_tokens=meter.input_tokens,
        output_tokens=meter.output_tokens,
        latency_ms=meter.latency_ms,
    )


def _request_answer(
    client: OpenAI,
    case: GradingInput,
    meter: _UsageMeter,
    tool: FileSearchToolParam | None = None,
    passages: Sequence[str] = (),
) -> _ParsedResponse[GradingAnswer]:
    def create(limit: int) -> ModelAnswer:
        model = settings.EVALUATOR_MODEL
        temperature = None if model in _models_without_temperature else settings.EVALUATOR_TEMPERATURE
        return create_answer(
            client,
            model=model,
            instructions=_INSTRUCTIONS,
            input=_build_input(case, passages),
            extra_body=_json_schema_format("grading", GradingAnswer),
            tools=[tool] if tool else omit,
            tool_choice={"type": "file_search"} if tool else omit,
            include=["file_search_call.results"] if tool else omit,
            max_output_tokens=limit,
            temperature=omit if temperature is None else temperature,
            store=False,
        )

    extra_checks = max(0, len(case.checks) - _CHECKS_WITHIN_LIMIT)
    limit = settings.EVALUATOR_MAX_OUTPUT_TOKENS + extra_checks * _TOKENS_PER_CHECK
    return _create_until_parsed(create, limit, meter, GradingAnswer)


def request_scan(case: GradingInput) -> tuple[ScanAnswer, ModelAnswer]:
    """Scan a conversation with a cheap second model that does not grade. Raise AIUnavailableError on failure."""
    with build_client(timeout=settings.EVALUATOR_TIMEOUT, max_retries=1) as client:

        def create(limit: int) -> ModelAnswer:
            return create_answer(
                client,
                model=settings.ANALYZER_MODEL,
                instructions=_SCAN_INSTRUCTIONS,
                input=_user_message([_transcript_json(case.lines)]),
                extra_body=_json_schema_format("scan", ScanAnswer),
                max_output_tokens=limit,
                store=False,
            )

        parsed = _create_until_parsed(create, _SCAN_MAX_OUTPUT_TOKENS, _UsageMeter(), ScanAnswer)
        return parsed.answer, parsed.response


def request_comparison(
    lines: Sequence[GraderTurn], documentation: str, guidelines: str
) -> tuple[ComparisonAnswer, ModelAnswer]:
    """Compare documentation with the transcript and the guidelines. Raise AIUnavailableError on failure."""
    documents = {"documentation": documentation} | ({"documentation_guidelines": guidelines} if guidelines else {})
    with build_client(timeout=settings.EVALUATOR_TIMEOUT, max_retries=0) as client:

        def create(limit: int) -> ModelAnswer:
            return create_answer(
                client,
                model=settings.EVALUATOR_MODEL,
                instructions=_DOCUMENTATION_INSTRUCTIONS,
                input=_user_message([json.dumps(documents, ensure_ascii=False), _transcript_json(lines)]),
                extra_body=_json_schema_format("documentation", ComparisonAnswer),
                max_output_tokens=limit,
                store=False,
            )

        parsed = _create_until_parsed(create, settings.EVALUATOR_MAX_OUTPUT_TOKENS, _UsageMeter(), ComparisonAnswer)
        return parsed.answer, parsed.response


def _create_until_parsed(
    create: Callable[[int], ModelAnswer], limit: int, meter: _UsageMeter, shape: type[AnswerT]
) -> _ParsedResponse[AnswerT]:
    """Return an answer that fits the schema `shape`. Raise AIUnavailableError on failure.

    Retry without a temperature if the model rejects it, and with twice the token limit if the answer was cut off.
    """
    most = limit * _MAX_LIMIT_FACTOR
    while True:
        try:
            response = create(limit)
        except AIUnavailableError as error:
            if error.param != "temperature" or settings.EVALUATOR_MODEL in _models_without_temperature:
                raise
            _models_without_temperature.add(settings.EVALUATOR_MODEL)
            continue
        meter.add(response)
        if response.status != "incomplete":
            return _ParsedResponse(_parse_response(response, shape), response)
        if limit >= most or response.incomplete_reason not in {"", "max_output_tokens"}:
            raise AIUnavailableError("cut_off", retryable=True)
        limit *= 2


def _parse_response(response: ModelAnswer, shape: type[AnswerT]) -> AnswerT:
    """Return the answer of a response. Raise AIUnavailableError if it was refused or is unusable."""
    if response.status == "failed" or response.is_refusal:
        raise AIUnavailableError("refused", retryable=True)
    return parse_answer(response.text, shape, _strip_unstorable)


@cache
def _json_schema_format(name: str, shape: type[BaseModel]) -> dict[str, object]:
    """Build the parameter with the answer's JSON schema.

    It is sent as `extra_body`, because the SDK would walk through a whole schema in its own parameters on each call.
    """
    response_format = {"type": "json_schema", "name": name, "strict": True, "schema": shape.model_json_schema()}
    return {"text": {"format": response_format}}


def _build_input(case: GradingInput, passages: Sequence[str]) -> ResponseInputParam:
    """Build the input: evaluator context, procedures, checks, and the conversation as data, in this order."""
    parts = [case.evaluator_context or "The author of the scenario named nothing in particular."]
    procedures = [case.policy_sections] if case.policy_sections else []
    procedures += [json.dumps({"found": list(passages)}, ensure_ascii=False)] if passages else []
    if procedures:
        parts.append("\n\n".join(["## RELEVANT PROCEDURES", *procedures]))
    parts.append(json.dumps({"criteria": [_describe_check(check) for check in case.checks]}, ensure_ascii=False))
    return _user_message([*parts, _transcript_json(case.lines)])


def _user_message(parts: Sequence[str]) -> ResponseInputParam:
    return [{"role": "user", "content": [{"type": "input_text", "text": part} for part in parts]}]


def _describe_check(check: Check) -> dict[str, object]:
    optional = {"red_line": bool(check.red_line), "expected": check.expected, "phrases": list(check.phrases)}
    described: dict[str, object] = {"key": check.key, "check": check.text, "weight": check.weight}
    return described | {name: value for name, value in optional.items() if value}


def _transcript_json(lines: Sequence[GraderTurn]) -> str:
    """Return the turns as JSON, without prompt injections."""
    turns = [
        {"id": line.id, "speaker": "counselor" if line.is_counselor else "caller", "text": line.redacted_text}
        for line in lines
    ]
    return json.dumps({"turns": turns}, ensure_ascii=False)


def _strip_unstorable(value: object) -> object:
    """Remove unstorable characters from all strings of a JSON value."""
    if isinstance(value, str):
        return _UNSTORABLE.sub("", value)
    if isinstance(value, list):
        return [_strip_unstorable(one) for one in value]
    return {name: _strip_unstorable(one) for name, one in value.items()} if isinstance(value, dict) else value


def contains_prompt_injection(passages: Sequence[str]) -> bool:
    """Return whether a passage contains prompt injection. Documents are cleaned earlier: this is a second check."""
    return any(find_injections(passage, is_document=True) for passage in passages)
