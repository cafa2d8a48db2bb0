"""One structured draft of a scenario, from a complaint. The only module here that knows OpenAI."""

import json
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from django.conf import settings
from openai import OpenAI, omit
from openai.types.responses import FileSearchToolParam, Response, ResponseInputParam
from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from ai import AIUnavailable, build_client, in_our_words

logger = logging.getLogger(__name__)

PROMPT_VERSION = "generator.v1"
_INSTRUCTIONS = (Path(__file__).parent / "prompts" / f"{PROMPT_VERSION}.txt").read_text()
# What a scenario can hold, in characters.
TITLE_LIMIT, DESCRIPTION_LIMIT, PROMPT_LIMIT, CONTEXT_LIMIT = 255, 1_000, 10_000, 50_000
MOST_SKILLS = 5

# Citations that a model may leave inside its strings, their private characters, and what PostgreSQL cannot store.
_UNWANTED = re.compile("\ue200[^\ue200\ue201]*\ue201|【[^【】]*】|[\ue000-\uf8ff\0]")


def _clean(text: str) -> str:
    return _UNWANTED.sub("", text).strip()


def _filled(text: str) -> str:
    if not text:
        raise ValueError("nothing is said here")
    return text


_Text = Annotated[str, AfterValidator(_clean)]
_Filled = Annotated[_Text, AfterValidator(_filled)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


# In parts, so that none of them can be forgotten.
class Caller(_Strict):
    who: _Filled
    opening_state: _Filled
    says_readily: _Filled
    withholds: _Filled
    opens_or_shuts: _Filled
    ends_well: _Filled
    ends_badly: _Filled


class Section(_Strict):
    number: _Text
    title: _Text
    why: _Text


class Answer(_Strict):
    title: _Filled
    description: _Filled
    caller: Caller
    checks: list[_Text]
    skills: list[_Text]
    sections: list[Section]


# What each part of the caller stands under in the prompt, in this order.
HEADINGS = {
    "who": "Who you are",
    "opening_state": "How you are when it begins",
    "says_readily": "What you say readily",
    "withholds": "What you hold back, and what brings it out",
    "opens_or_shuts": "What opens you and what shuts you",
    "ends_well": "How it ends well",
    "ends_badly": "How it ends badly",
}


@dataclass(frozen=True)
class Wanted:
    """All that a draft is made from. `skills` are the names to choose from; `draft_id` is for the log."""

    source: str
    instructions: str
    mode: str
    difficulty: str
    skills: Sequence[str]
    account_name: str = ""
    vector_store_id: str = ""
    draft_id: str = ""


@dataclass(frozen=True)
class SuggestedSection:
    """A part of the procedures; proven when its number stands as a heading in what the search returned."""

    number: str
    title: str
    why: str
    is_proven: bool


@dataclass(frozen=True)
class Draft:
    """A scenario's texts, each within its limit. `used_file_search` is None where there was nothing to search."""

    title: str
    description: str
    prompt: str
    evaluator_context: str
    skills: list[str]
    sections: list[SuggestedSection]
    model: str
    used_file_search: bool | None
    input_tokens: int | None = None
    output_tokens: int | None = None


def write_draft(wanted: Wanted) -> Draft:
    """Draft a scenario. Raises AIUnavailable (refused, cut_off, unusable_answer, timeout, unreachable and others).

    When the procedures cannot be searched it is drafted without them, and says so in `used_file_search`.
    """
    # The only retry layer: nobody repeats a failed draft but the supervisor. Twice the timeout, no worker is lost yet.
    with build_client(timeout=settings.GENERATOR_TIMEOUT, max_retries=1) as client:
        if not wanted.vector_store_id:
            return _draft(_request(client, wanted, search=False), wanted)
        try:
            response = _request(client, wanted, search=True)
        except AIUnavailable as error:
            if error.retryable:
                raise
            # The store is gone or the search is refused: a draft without suggested sections is better than none.
            logger.warning("Drafted without procedures: %s", error.code, extra={"draft_id": wanted.draft_id})
            response = _request(client, wanted, search=False)
        return _draft(response, wanted)


def _request(client: OpenAI, wanted: Wanted, search: bool) -> Response:
    tool: FileSearchToolParam = {
        "type": "file_search",
        "vector_store_ids": [wanted.vector_store_id],
        "max_num_results": 8,
    }
    with in_our_words():
        # Not `parse`: it reads the answer before anyone can see that it was cut off.
        return client.responses.create(
            model=settings.GENERATOR_MODEL,
            instructions=_INSTRUCTIONS,
            input=_input(wanted),
            text={
                "format": {
                    "type": "json_schema",
                    "name": "scenario_draft",
                    "strict": True,
                    "schema": Answer.model_json_schema(),
                }
            },
            tools=[tool] if search else omit,
            include=["file_search_call.results"] if search else omit,
            max_output_tokens=settings.GENERATOR_MAX_OUTPUT_TOKENS,
            store=False,
        )


def _input(wanted: Wanted) -> ResponseInputParam:
    order = {
        "mode": wanted.mode,
        "difficulty": wanted.difficulty,
        "line": wanted.account_name,
        "skills": list(wanted.skills),
        "instructions": wanted.instructions,
    }
    # The source is data: inside a JSON string nothing in it can pose as a part of the message.
    parts = [{"wanted": order}, {"quoted_material": wanted.source}]
    texts = [json.dumps(part, ensure_ascii=False) for part in parts]
    return [{"role": "user", "content": [{"type": "input_text", "text": text} for text in texts]}]


def _draft(response: Response, wanted: Wanted) -> Draft:
    answer = _answer_of(response)
    searches = [item for item in response.output if item.type == "file_search_call"]
    found = [result.text for search in searches for result in search.results or [] if result.text]
    return Draft(
        title=_shortened(answer.title, TITLE_LIMIT),
        description=_shortened(answer.description, DESCRIPTION_LIMIT),
        prompt=_whole(_prompt(answer.caller), PROMPT_LIMIT),
        evaluator_context=_whole(_bullets(answer.checks), CONTEXT_LIMIT),
        skills=_known(answer.skills, wanted.skills)[:MOST_SKILLS],
        sections=_sections(answer.sections, found),
        model=response.model,
        # Offered a search, a model may still not make one.
        used_file_search=bool(searches) if wanted.vector_store_id else None,
        input_tokens=response.usage.input_tokens if response.usage else None,
        output_tokens=response.usage.output_tokens if response.usage else None,
    )


def _answer_of(response: Response) -> Answer:
    if response.status == "incomplete":
        filtered = response.incomplete_details and response.incomplete_details.reason == "content_filter"
        raise AIUnavailable("refused" if filtered else "cut_off", retryable=True)
    if response.status == "failed":
        raise AIUnavailable("failed", retryable=True)
    if any(part.type == "refusal" for item in response.output if item.type == "message" for part in item.content):
        raise AIUnavailable("refused", retryable=True)
    try:
        return Answer.model_validate_json(response.output_text)
    except ValidationError:
        # Its message quotes the answer, which may hold what nobody may find in a log.
        raise AIUnavailable("unusable_answer", retryable=True) from None


def _prompt(caller: Caller) -> str:
    return "\n\n".join(f"## {heading}\n{getattr(caller, part)}" for part, heading in HEADINGS.items())


def _bullets(checks: Sequence[str]) -> str:
    """A list with one line for each check, whatever marks and line ends they came with."""
    lines = [" ".join(check.split()).lstrip("-*• ") for check in checks]
    return "\n".join(f"- {line}" for line in lines if line)


def _shortened(text: str, limit: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= limit else f"{line[: limit - 1].rsplit(' ', 1)[0]}…"


def _whole(text: str, limit: int) -> str:
    """The text as it is: cut short it would lose its end, which matters as much as its beginning."""
    if not 0 < len(text) <= limit:
        raise AIUnavailable("unusable_answer", retryable=True)
    return text


def _known(names: Sequence[str], offered: Sequence[str]) -> list[str]:
    """The offered names among these, each once, spelt as they were offered."""
    spelt = {name.casefold(): name for name in offered}
    return list(dict.fromkeys(spelt[key] for name in names if (key := name.casefold()) in spelt))


def _sections(suggested: Sequence[Section], found: Sequence[str]) -> list[SuggestedSection]:
    """Each section once; one without a number is kept and proven by nothing."""
    distinct: dict[str, Section] = {}
    for section in suggested:
        distinct.setdefault(_number(section.number) or section.title, section)
    return [
        SuggestedSection(number := _number(section.number), section.title, section.why, _is_heading(number, found))
        for name, section in distinct.items()
        if name
    ]


def _number(written: str) -> str:
    """`Section 4.2.` is 4.2; words without a digit are no number."""
    number = re.sub(r"^(?:section|chapter|part|§)?[\s#]*", "", written, flags=re.IGNORECASE).rstrip(" .):")
    return number if re.search(r"\d", number) else ""


def _is_heading(number: str, texts: Sequence[str]) -> bool:
    """Whether a line begins with this number and words after it; in lower case they go on with a broken sentence."""
    line = rf"^[ \t#*]*(?i:section|chapter|part|§)?[ \t]*{re.escape(number)}[.):]?[ \t*]+[^\sa-z]"
    return bool(number) and any(re.search(line, text, re.MULTILINE) for text in texts)
