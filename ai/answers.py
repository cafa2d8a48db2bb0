"""Model answers, parsed defensively: servers other than OpenAI's leave out fields, think aloud, and wrap JSON."""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from ai.clients import AIUnavailableError

AnswerT = TypeVar("AnswerT", bound=BaseModel)

_MAX_OBJECTS = 20  # JSON objects looked for in one answer
_THINKING_TAG = re.compile(r"<(/?)(?:think|thinking|thought|reasoning)>", re.IGNORECASE)
_LONGEST_TAG = len("</reasoning>")  # characters


@dataclass(frozen=True)
class FileSearch:
    """One search of a vector store."""

    is_completed: bool
    results: Sequence[tuple[str, str]]  # (file id, text)


@dataclass(frozen=True)
class ModelAnswer:
    """A model's answer, without its thinking. Fields that the server left out are empty."""

    text: str
    model: str
    status: str = "completed"  # completed, incomplete, or failed
    incomplete_reason: str = ""  # max_output_tokens or content_filter, if the status is incomplete
    is_refusal: bool = False
    input_tokens: int | None = None
    output_tokens: int | None = None
    searches: Sequence[FileSearch] = field(default_factory=list)


def read_response(body: bytes | str, requested_model: str) -> ModelAnswer:
    """Parse an answer from the Responses API. Raise AIUnavailableError if the body is not one."""
    answer = read_object(body)
    output = answer.get("output")
    if not isinstance(output, list):
        raise AIUnavailableError("unusable_answer", retryable=True)
    items = [item for item in output if isinstance(item, dict)]
    parts = [part for item in items if item.get("type") == "message" for part in _objects(item.get("content"))]
    text = "".join(_text(part.get("text")) for part in parts if part.get("type") == "output_text")
    return ModelAnswer(
        text=remove_thinking(text),
        model=_text(answer.get("model")) or requested_model,
        status=_text(answer.get("status")) or "completed",
        incomplete_reason=_text(_object(answer.get("incomplete_details")).get("reason")),
        is_refusal=any(part.get("type") == "refusal" for part in parts),
        input_tokens=_count(answer, "input_tokens"),
        output_tokens=_count(answer, "output_tokens"),
        searches=[_read_search(item) for item in items if item.get("type") == "file_search_call"],
    )


def read_chat_completion(body: bytes | str, requested_model: str) -> ModelAnswer:
    """Parse an answer from the Chat Completions API. Raise AIUnavailableError if the body is not one."""
    answer = read_object(body)
    choices = _objects(answer.get("choices"))
    if not choices:
        raise AIUnavailableError("unusable_answer", retryable=True)
    message, reason = _object(choices[0].get("message")), choices[0].get("finish_reason")
    incomplete = {"length": "max_output_tokens", "content_filter": "content_filter"}.get(str(reason), "")
    return ModelAnswer(
        text=remove_thinking(_text(message.get("content"))),
        model=_text(answer.get("model")) or requested_model,
        status="incomplete" if incomplete else "completed",
        incomplete_reason=incomplete,
        is_refusal=bool(_text(message.get("refusal"))),
        input_tokens=_count(answer, "prompt_tokens"),
        output_tokens=_count(answer, "completion_tokens"),
    )


def read_object(body: bytes | str) -> dict[str, Any]:
    """Return the JSON object of a body. Raise AIUnavailableError if it is something else, such as a login page."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        raise AIUnavailableError("not_json", retryable=True) from None
    if not isinstance(answer, dict):
        raise AIUnavailableError("unusable_answer", retryable=True)
    return answer


def _read_search(item: Mapping[str, Any]) -> FileSearch:
    results = [(_text(result.get("file_id")), _text(result.get("text"))) for result in _objects(item.get("results"))]
    return FileSearch(item.get("status") == "completed", results)


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _objects(value: object) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _count(answer: Mapping[str, Any], name: str) -> int | None:
    value = _object(answer.get("usage")).get(name)
    return value if type(value) is int and value >= 0 else None


# ---- JSON in prose


def parse_answer(text: str, shape: type[AnswerT], clean: Callable[[object], object] = lambda value: value) -> AnswerT:
    """Return the one JSON object in the text that fits `shape`, even if it is in a code block or follows prose.

    `clean` is applied to each object first.

    Raise AIUnavailableError if there is none, or more than one: prose that quotes a conversation may quote JSON that
    someone planted there. The original error is not chained, because it would quote the answer in a log.
    """
    fitting = [answer for value in _json_objects(text) if (answer := _validate(clean(value), shape)) is not None]
    if len(fitting) != 1:
        raise AIUnavailableError("unusable_answer", retryable=True)
    return fitting[0]


def _validate(value: object, shape: type[AnswerT]) -> AnswerT | None:
    try:
        return shape.model_validate(value)
    except ValidationError:
        return None


def _json_objects(text: str) -> Iterator[object]:
    """Yield the outermost JSON objects of a text, at most 20."""
    decoder, at = json.JSONDecoder(), text.find("{")
    for _ in range(_MAX_OBJECTS):
        if at < 0:
            return
        try:
            value, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            end = at + 1
        else:
            yield value
        at = text.find("{", end)


# ---- Thinking aloud


def remove_thinking(text: str) -> str:
    """Return the text without `<think>` blocks. An unclosed block extends to the end of the text.

    A closing tag without an opening tag ends a block that the server's template opened.
    """
    sieve = ThinkingSieve()
    kept = sieve.feed(text) + sieve.finish()
    return kept if not sieve.has_unopened_end else remove_thinking(text[sieve.unopened_end_at :])


class ThinkingSieve:
    """Filter that passes on the words of a streamed answer and holds back the model's thinking.

    With `starts_inside`, the answer begins inside a block, as with templates that open it in the prompt. Everything is
    then held back until the block ends. If it never ends, there was no block, and `finish` returns the words.
    """

    def __init__(self, starts_inside: bool = False) -> None:
        self.has_unopened_end = False
        self.unopened_end_at = 0  # characters of the whole answer up to the end of that tag
        self._depth = 0
        self._awaits_end = starts_inside
        self._held = ""
        self._fed = 0

    def feed(self, piece: str) -> str:
        """Return the words that can be shown after this piece of the answer."""
        self._fed += len(piece)
        self._held += piece
        if self._awaits_end:
            return self._feed_inside()
        shown: list[str] = []
        while tag := _THINKING_TAG.search(self._held):
            shown.append("" if self._depth else self._held[: tag.start()])
            self._held = self._held[tag.end() :]
            self._close_or_open(bool(tag[1]))
        # The held text may end with the beginning of a tag.
        kept = self._possible_tag_start()
        shown.append("" if self._depth else self._held[:kept])
        self._held = self._held[kept:]
        return "".join(shown)

    def finish(self) -> str:
        """Return the held text that turned out to be words of the answer."""
        held, self._held = self._held, ""
        return "" if self._depth else held

    def _feed_inside(self) -> str:
        tag = _THINKING_TAG.search(self._held)
        if tag is None:
            return ""
        self._awaits_end = False
        if not tag[1]:  # the block is opened in the answer itself
            return self.feed("")
        self._held = self._held[tag.end() :]
        return self.feed("")

    def _close_or_open(self, is_end: bool) -> None:
        if not is_end:
            self._depth += 1
        elif self._depth:
            self._depth -= 1
        else:
            self.has_unopened_end, self.unopened_end_at = True, self._fed - len(self._held)

    def _possible_tag_start(self) -> int:
        """Return the index from which the held text may be the beginning of a tag."""
        at = self._held.rfind("<", max(0, len(self._held) - _LONGEST_TAG))
        return at if at >= 0 and re.fullmatch(r"</?[a-z]*", self._held[at:], re.IGNORECASE) else len(self._held)
