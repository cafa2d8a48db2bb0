"""Graded and scanned answers from OpenAI, the account's procedures searched. The only module here that knows it."""

import json
import logging
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Generic, TypeVar

from django.conf import settings
from openai import OpenAI, omit
from openai.types.responses import FileSearchToolParam, Response, ResponseInputParam
from openai.types.shared_params import ComparisonFilter
from pydantic import BaseModel, ValidationError

from accounts.sections import Index
from ai import AIUnavailable, build_client, find_instructions, in_our_words
from evaluation.answers import Compared, Grading, Scanned
from evaluation.proof import Line
from evaluation.rubric import Check

logger = logging.getLogger(__name__)

PROMPT_VERSION, SCAN_PROMPT_VERSION, DOCUMENTATION_PROMPT_VERSION = "grader.v2", "scan.v1", "documentation.v1"
_PROMPTS = Path(__file__).parent / "prompts"
_INSTRUCTIONS = (_PROMPTS / f"{PROMPT_VERSION}.txt").read_text()
_SCAN_INSTRUCTIONS = (_PROMPTS / f"{SCAN_PROMPT_VERSION}.txt").read_text()
_DOCUMENTATION_INSTRUCTIONS = (_PROMPTS / f"{DOCUMENTATION_PROMPT_VERSION}.txt").read_text()
_SCAN_TOKENS = 800
_MOST_RESULTS = 8
_LONGEST_QUERY = 1000  # characters
_LONGER = 4  # an answer that was cut off may take so many times the tokens at most
# Citation marks that a model may leave inside its strings, and what PostgreSQL cannot store.
_UNWANTED = re.compile("[\ue000-\uf8ff\0]")
# Models that take no temperature; each says so once in a process.
_without_temperature: set[str] = set()

Answer = TypeVar("Answer", bound=BaseModel)


@dataclass(frozen=True)
class Procedures:
    """Where an account's document in force is searched: it alone, whatever else the store may hold at this moment."""

    store_id: str
    document_id: str
    file_id: str
    index: Index | None = None

    @property
    def filter(self) -> ComparisonFilter:
        return {"type": "eq", "key": "document", "value": self.document_id}


@dataclass(frozen=True)
class Case:
    """All that a grader is given."""

    session_id: str
    checks: Sequence[Check]
    lines: Sequence[Line]
    evaluator_context: str = ""
    policy_sections: str = ""
    procedures: Procedures | None = None
    is_document_steering: bool = False  # the document in force holds words that speak to a machine
    scenario_id: str = ""


@dataclass(frozen=True)
class Graded:
    """`used_file_search` is None where there was nothing to search. `passages` are of the account's document alone."""

    grading: Grading
    model: str
    used_file_search: bool | None
    passages: list[str] = field(default_factory=list)
    file_ids: list[str] = field(default_factory=list)
    input_tokens: int = 0
    output_tokens: int = 0
    latency_ms: int = 0


@dataclass(frozen=True)
class _Said(Generic[Answer]):
    """An answer in its shape, with the response that it came in."""

    answer: Answer
    response: Response


class _Meter:
    """What a grading costs over all of its calls."""

    def __init__(self) -> None:
        self.input_tokens = self.output_tokens = 0
        self.began = time.monotonic()

    def count(self, response: Response) -> None:
        if response.usage:
            self.input_tokens += response.usage.input_tokens
            self.output_tokens += response.usage.output_tokens

    @property
    def latency_ms(self) -> int:
        return round(1000 * (time.monotonic() - self.began))


def ask(case: Case, is_last_try: bool = False) -> Graded:
    """Grade a case. Raises AIUnavailable; `retryable` says whether another try can help.

    When the procedures cannot be searched it is graded without them, and says so in `used_file_search`.
    """
    meter = _Meter()
    with build_client(timeout=settings.EVALUATOR_TIMEOUT, max_retries=0) as client:
        if case.procedures is None:
            return _graded(case, meter, _request(client, case, meter), used_file_search=None)
        try:
            return _with_search(client, case, case.procedures, meter)
        except AIUnavailable as error:
            if error.retryable and not is_last_try:
                raise
            # The store is gone or the search fails: a grade by the other checks is better than none.
            ids = {"session_id": case.session_id, "scenario_id": case.scenario_id}
            logger.warning("Graded without procedures: %s", error.code, extra=ids)
            return _graded(case, meter, _request(client, case, meter), used_file_search=False)


def _with_search(client: OpenAI, case: Case, procedures: Procedures, meter: _Meter) -> Graded:
    tool: FileSearchToolParam = {
        "type": "file_search",
        "vector_store_ids": [procedures.store_id],
        "max_num_results": _MOST_RESULTS,
        "filters": procedures.filter,
    }
    try:
        said = _request(client, case, meter, tool)
    except AIUnavailable as error:
        if error.retryable or error.missing:
            raise
        logger.info("Searched in a step of its own: %s", error.code, extra={"session_id": case.session_id})
        return _in_two_steps(client, case, procedures, meter)
    searches = [item for item in said.response.output if item.type == "file_search_call"]
    # Offered a search, a model may still not make one; and one that was made may fail.
    is_searched = any(search.status == "completed" for search in searches)
    found = [(result.file_id or "", result.text or "") for search in searches for result in search.results or []]
    return _graded(case, meter, said, is_searched, _own(case, procedures, found))


def _in_two_steps(client: OpenAI, case: Case, procedures: Procedures, meter: _Meter) -> Graded:
    """For models that take no search beside a fixed shape: search first, then ask without tools."""
    asked = " ".join([case.policy_sections, *(check.text for check in case.checks)])
    with in_our_words():
        page = client.vector_stores.search(
            procedures.store_id,
            query=asked[:_LONGEST_QUERY],
            filters=procedures.filter,
            max_num_results=_MOST_RESULTS,
        )
    found = [(one.file_id, part.text) for one in page.data for part in one.content]
    passages = _own(case, procedures, found)
    return _graded(case, meter, _request(client, case, meter, passages=passages), True, passages)


def _own(case: Case, procedures: Procedures, found: Sequence[tuple[str, str]]) -> list[str]:
    """Passages of the document in force; another one's are never evidence."""
    if strange := {file_id for file_id, _ in found} - {procedures.file_id}:
        logger.error("A search returned another file", extra={"session_id": case.session_id, "files": len(strange)})
    return [text for file_id, text in found if file_id == procedures.file_id and text]


def _graded(
    case: Case,
    meter: _Meter,
    said: _Said[Grading],
    used_file_search: bool | None,
    passages: Sequence[str] = (),
) -> Graded:
    return Graded(
        grading=said.answer,
        model=said.response.model,
        used_file_search=used_file_search,
        passages=list(passages),
        file_ids=[case.procedures.file_id] if case.procedures and passages else [],
        input_tokens=meter.input_tokens,
        output_tokens=meter.output_tokens,
        latency_ms=meter.latency_ms,
    )


def _request(
    client: OpenAI,
    case: Case,
    meter: _Meter,
    tool: FileSearchToolParam | None = None,
    passages: Sequence[str] = (),
) -> _Said[Grading]:
    def create(limit: int) -> Response:
        model = settings.EVALUATOR_MODEL
        temperature = None if model in _without_temperature else settings.EVALUATOR_TEMPERATURE
        return client.responses.create(
            model=model,
            instructions=_INSTRUCTIONS,
            input=_input(case, passages),
            extra_body=_shaped("grading", Grading),
            tools=[tool] if tool else omit,
            tool_choice={"type": "file_search"} if tool else omit,
            include=["file_search_call.results"] if tool else omit,
            max_output_tokens=limit,
            temperature=omit if temperature is None else temperature,
            store=False,
        )

    return _insist(create, settings.EVALUATOR_MAX_OUTPUT_TOKENS, meter, Grading)


def scan(case: Case) -> tuple[Scanned, Response]:
    """A second, cheap look by another model that grades nothing. Raises AIUnavailable."""
    with build_client(timeout=settings.EVALUATOR_TIMEOUT, max_retries=1) as client:

        def create(limit: int) -> Response:
            return client.responses.create(
                model=settings.ANALYZER_MODEL,
                instructions=_SCAN_INSTRUCTIONS,
                input=_message([_conversation(case.lines)]),
                extra_body=_shaped("scan", Scanned),
                max_output_tokens=limit,
                store=False,
            )

        said = _insist(create, _SCAN_TOKENS, _Meter(), Scanned)
        return said.answer, said.response


def compare(lines: Sequence[Line], documentation: str, guidelines: str) -> tuple[Compared, Response]:
    """A counselor's documentation beside the transcript and the guidelines for it. Raises AIUnavailable."""
    given = {"documentation": documentation} | ({"documentation_guidelines": guidelines} if guidelines else {})
    with build_client(timeout=settings.EVALUATOR_TIMEOUT, max_retries=0) as client:

        def create(limit: int) -> Response:
            return client.responses.create(
                model=settings.EVALUATOR_MODEL,
                instructions=_DOCUMENTATION_INSTRUCTIONS,
                input=_message([json.dumps(given, ensure_ascii=False), _conversation(lines)]),
                extra_body=_shaped("documentation", Compared),
                max_output_tokens=limit,
                store=False,
            )

        said = _insist(create, settings.EVALUATOR_MAX_OUTPUT_TOKENS, _Meter(), Compared)
        return said.answer, said.response


def _insist(create: Callable[[int], Response], limit: int, meter: _Meter, shape: type[Answer]) -> _Said[Answer]:
    """An answer in its shape. Asked again without what a model does not take, and with more room if it was cut off."""
    most = limit * _LONGER
    while True:
        try:
            with in_our_words():
                response = create(limit)
        except AIUnavailable as error:
            if error.param != "temperature" or settings.EVALUATOR_MODEL in _without_temperature:
                raise
            _without_temperature.add(settings.EVALUATOR_MODEL)
            continue
        meter.count(response)
        if response.status != "incomplete":
            return _Said(_read(response, shape), response)
        details = response.incomplete_details
        if limit >= most or (details and details.reason != "max_output_tokens"):
            raise AIUnavailable("cut_off", retryable=True)
        limit *= 2


def _read(response: Response, shape: type[Answer]) -> Answer:
    """The error chain ends here: it would quote the answer, and with it the conversation, into a log."""
    parts = [part for item in response.output if item.type == "message" for part in item.content]
    if response.status == "failed" or any(part.type == "refusal" for part in parts):
        raise AIUnavailable("refused", retryable=True)
    try:
        return shape.model_validate(_clean(json.loads(response.output_text)))
    except (ValueError, ValidationError):
        raise AIUnavailable("unusable_answer", retryable=True) from None


@cache
def _shaped(name: str, shape: type[BaseModel]) -> dict[str, object]:
    """The answer's shape, beside the SDK's own parameters: it would walk through all of the schema at each call."""
    wanted = {"type": "json_schema", "name": name, "strict": True, "schema": shape.model_json_schema()}
    return {"text": {"format": wanted}}


def _input(case: Case, passages: Sequence[str]) -> ResponseInputParam:
    """The evaluator context, the procedures, the checks, and the conversation as data; in this order."""
    parts = [case.evaluator_context or "The author of the scenario named nothing in particular."]
    procedures = [case.policy_sections] if case.policy_sections else []
    procedures += [json.dumps({"found": list(passages)}, ensure_ascii=False)] if passages else []
    if procedures:
        parts.append("\n\n".join(["## RELEVANT PROCEDURES", *procedures]))
    parts.append(json.dumps({"criteria": [_asked(check) for check in case.checks]}, ensure_ascii=False))
    return _message([*parts, _conversation(case.lines)])


def _message(parts: Sequence[str]) -> ResponseInputParam:
    return [{"role": "user", "content": [{"type": "input_text", "text": part} for part in parts]}]


def _asked(check: Check) -> dict[str, object]:
    more = {"red_line": bool(check.red_line), "expected": check.expected, "phrases": list(check.phrases)}
    return {"key": check.key, "check": check.text} | {name: value for name, value in more.items() if value}


def _conversation(lines: Sequence[Line]) -> str:
    """As data, without what speaks to whoever reads it."""
    turns = [
        {"id": line.id, "speaker": "counselor" if line.is_counselor else "caller", "text": line.shown} for line in lines
    ]
    return json.dumps({"turns": turns}, ensure_ascii=False)


def _clean(value: object) -> object:
    if isinstance(value, str):
        return _UNWANTED.sub("", value)
    if isinstance(value, list):
        return [_clean(one) for one in value]
    return {name: _clean(one) for name, one in value.items()} if isinstance(value, dict) else value


def speaks_to_grader(passages: Sequence[str]) -> bool:
    """Whether a found passage gives orders. A document is cleaned before it is searched: this is the second look."""
    return any(find_instructions(passage, is_document=True) for passage in passages)
