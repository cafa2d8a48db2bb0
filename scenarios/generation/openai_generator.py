"""Generation of a scenario draft from a complaint. The only module of this app that imports OpenAI."""

import json
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from django.conf import settings
from openai import OpenAI, omit
from openai.types.responses import FileSearchToolParam, ResponseInputParam
from pydantic import AfterValidator, BaseModel, ConfigDict

from ai import AIUnavailableError, ModelAnswer, build_client, create_answer, parse_answer

logger = logging.getLogger(__name__)

PROMPT_VERSION = "generator.v1"
_INSTRUCTIONS = (Path(__file__).parent / "prompts" / f"{PROMPT_VERSION}.txt").read_text()
# Limits of a scenario's fields, in characters.
TITLE_LIMIT, DESCRIPTION_LIMIT, PROMPT_LIMIT, CONTEXT_LIMIT = 255, 1_000, 10_000, 50_000
MAX_SUGGESTED_SKILLS = 5

# Citations that a model may leave in strings, their private-use characters, and NUL, which PostgreSQL cannot store.
_UNWANTED = re.compile("\ue200[^\ue200\ue201]*\ue201|【[^【】]*】|[\ue000-\uf8ff\0]")


def _clean(text: str) -> str:
    return _UNWANTED.sub("", text).strip()


def _require_text(text: str) -> str:
    if not text:
        raise ValueError("This field is empty.")
    return text


_Text = Annotated[str, AfterValidator(_clean)]
_NonEmptyText = Annotated[_Text, AfterValidator(_require_text)]


class _StrictSchema(BaseModel):
    model_config = ConfigDict(extra="forbid")


# Split into parts, so that the model cannot omit any of them.
class CallerSchema(_StrictSchema):
    who: _NonEmptyText
    opening_state: _NonEmptyText
    says_readily: _NonEmptyText
    withholds: _NonEmptyText
    opens_or_shuts: _NonEmptyText
    ends_well: _NonEmptyText
    ends_badly: _NonEmptyText


class SectionSchema(_StrictSchema):
    number: _Text
    title: _Text
    why: _Text


class DraftSchema(_StrictSchema):
    title: _NonEmptyText
    description: _NonEmptyText
    caller: CallerSchema
    checks: list[_Text]
    skills: list[_Text]
    sections: list[SectionSchema]


# Prompt headings of the caller's parts, in order.
PROMPT_HEADINGS = {
    "who": "Who you are",
    "opening_state": "How you are when it begins",
    "says_readily": "What you say readily",
    "withholds": "What you hold back, and what brings it out",
    "opens_or_shuts": "What opens you and what shuts you",
    "ends_well": "How it ends well",
    "ends_badly": "How it ends badly",
}


@dataclass(frozen=True)
class DraftRequest:
    """All inputs of a draft."""

    source: str  # the complaint
    instructions: str
    mode: str
    difficulty: str
    skills: Sequence[str]  # names that the model may choose from
    account_name: str = ""  # "" for a draft without an account
    vector_store_id: str = ""  # procedures to search; "" for none
    draft_id: str = ""  # for the log


@dataclass(frozen=True)
class SuggestedSection:
    """A part of the procedures that the model considers relevant."""

    number: str
    title: str
    why: str
    is_verified: bool  # the number occurs as a heading in the search results


@dataclass(frozen=True)
class GeneratedDraft:
    """A drafted scenario, with each text within its limit."""

    title: str
    description: str
    prompt: str
    evaluator_context: str
    skills: list[str]
    sections: list[SuggestedSection]
    model: str  # name reported by OpenAI
    used_file_search: bool | None  # None if there was nothing to search
    input_tokens: int | None = None
    output_tokens: int | None = None


def generate_draft(draft_request: DraftRequest) -> GeneratedDraft:
    """Draft a scenario. If the procedures cannot be searched, draft without them and set `used_file_search` to False.

    Raise AIUnavailableError with code refused, cut_off, unusable_answer, timeout, unreachable, or another.
    """
    # No other layer retries: only the supervisor repeats a failed draft. Two timeouts stay below TASK_LOST_AFTER.
    with build_client(timeout=settings.GENERATOR_TIMEOUT, max_retries=1) as client:
        if not draft_request.vector_store_id:
            return _build_draft(_request(client, draft_request, search=False), draft_request)
        try:
            response = _request(client, draft_request, search=True)
        except AIUnavailableError as error:
            if error.retryable:
                raise
            # The store is gone or the search was refused. A draft without suggested sections is better than none.
            logger.warning("Drafted without procedures: %s", error.code, extra={"draft_id": draft_request.draft_id})
            response = _request(client, draft_request, search=False)
        return _build_draft(response, draft_request)


def _request(client: OpenAI, draft_request: DraftRequest, search: bool) -> ModelAnswer:
    tool: FileSearchToolParam = {
        "type": "file_search",
        "vector_store_ids": [draft_request.vector_store_id],
        "max_num_results": 8,
    }
    return create_answer(
        client,
        model=settings.GENERATOR_MODEL,
        instructions=_INSTRUCTIONS,
        input=_build_input(draft_request),
        text={
            "format": {
                "type": "json_schema",
                "name": "scenario_draft",
                "strict": True,
                "schema": DraftSchema.model_json_schema(),
            }
        },
        tools=[tool] if search else omit,
        include=["file_search_call.results"] if search else omit,
        max_output_tokens=settings.GENERATOR_MAX_OUTPUT_TOKENS,
        store=False,
    )


def _build_input(draft_request: DraftRequest) -> ResponseInputParam:
    order = {
        "mode": draft_request.mode,
        "difficulty": draft_request.difficulty,
        "line": draft_request.account_name,
        "skills": list(draft_request.skills),
        "instructions": draft_request.instructions,
    }
    # Guards against prompt injection: inside a JSON string, the source cannot pose as part of the message.
    parts = [{"wanted": order}, {"quoted_material": draft_request.source}]
    texts = [json.dumps(part, ensure_ascii=False) for part in parts]
    return [{"role": "user", "content": [{"type": "input_text", "text": text} for text in texts]}]


def _build_draft(response: ModelAnswer, draft_request: DraftRequest) -> GeneratedDraft:
    answer = _parse_answer(response)
    found = [text for search in response.searches for _, text in search.results if text]
    return GeneratedDraft(
        title=_truncate_line(answer.title, TITLE_LIMIT),
        description=_truncate_line(answer.description, DESCRIPTION_LIMIT),
        prompt=_require_length(_build_prompt(answer.caller), PROMPT_LIMIT),
        evaluator_context=_require_length(_format_checks(answer.checks), CONTEXT_LIMIT),
        skills=_match_offered_skills(answer.skills, draft_request.skills)[:MAX_SUGGESTED_SKILLS],
        sections=_build_sections(answer.sections, found),
        model=response.model,
        # A model that is offered a search may still not use it.
        used_file_search=bool(response.searches) if draft_request.vector_store_id else None,
        input_tokens=response.input_tokens,
        output_tokens=response.output_tokens,
    )


def _parse_answer(response: ModelAnswer) -> DraftSchema:
    if response.status == "incomplete":
        filtered = response.incomplete_reason == "content_filter"
        raise AIUnavailableError("refused" if filtered else "cut_off", retryable=True)
    if response.status == "failed":
        raise AIUnavailableError("failed", retryable=True)
    if response.is_refusal:
        raise AIUnavailableError("refused", retryable=True)
    return parse_answer(response.text, DraftSchema)


def _build_prompt(caller: CallerSchema) -> str:
    return "\n\n".join(f"## {heading}\n{getattr(caller, part)}" for part, heading in PROMPT_HEADINGS.items())


def _format_checks(checks: Sequence[str]) -> str:
    """Return a bullet list with one line per check. Remove bullets and line breaks that the checks contain."""
    lines = [" ".join(check.split()).lstrip("-*• ") for check in checks]
    return "\n".join(f"- {line}" for line in lines if line)


def _truncate_line(text: str, limit: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= limit else f"{line[: limit - 1].rsplit(' ', 1)[0]}…"


def _require_length(text: str, limit: int) -> str:
    """Return the text unchanged. Raise AIUnavailableError if it is empty or too long to be used.

    Truncating it would lose the end of the prompt or of the checks.
    """
    if not 0 < len(text) <= limit:
        raise AIUnavailableError("unusable_answer", retryable=True)
    return text


def _match_offered_skills(names: Sequence[str], offered: Sequence[str]) -> list[str]:
    """Return the offered names that occur in `names`, each once, spelled as offered."""
    by_key = {name.casefold(): name for name in offered}
    return list(dict.fromkeys(by_key[key] for name in names if (key := name.casefold()) in by_key))


def _build_sections(suggested: Sequence[SectionSchema], found: Sequence[str]) -> list[SuggestedSection]:
    """Return each section once. Sections without a number are kept as unverified."""
    distinct: dict[str, SectionSchema] = {}
    for section in suggested:
        distinct.setdefault(_extract_number(section.number) or section.title, section)
    return [
        SuggestedSection(
            number := _extract_number(section.number), section.title, section.why, _is_heading(number, found)
        )
        for name, section in distinct.items()
        if name
    ]


def _extract_number(written: str) -> str:
    """Return "4.2" for `Section 4.2.`, and "" for words without a digit."""
    number = re.sub(r"^(?:section|chapter|part|§)?[\s#]*", "", written, flags=re.IGNORECASE).rstrip(" .):")
    return number if re.search(r"\d", number) else ""


def _is_heading(number: str, texts: Sequence[str]) -> bool:
    """Return True if a line starts with this number and a heading.

    A lowercase word after the number indicates a wrapped sentence.
    """
    line = rf"^[ \t#*]*(?i:section|chapter|part|§)?[ \t]*{re.escape(number)}[.):]?[ \t*]+[^\sa-z]"
    return bool(number) and any(re.search(line, text, re.MULTILINE) for text in texts)
