"""Model answers, parsed defensively: servers other than OpenAI's omit fields and include thinking."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from ai.errors import AIUnavailableError, read_error_in_answer
from ai.json_in_text import is_json_object
from ai.json_types import JSONObject, JSONValue, as_count, as_object, as_objects, as_text, read_json
from ai.thinking import remove_thinking

_MAX_MODEL_NAME = 100  # characters
_INCOMPLETE_REASONS = {"length": "max_output_tokens", "max_tokens": "max_output_tokens"} | {
    reason: reason for reason in ("max_output_tokens", "content_filter")
}
_TEXT_PARTS = {"output_text", "text"}


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
    if not isinstance(answer.get("output"), list):
        raise read_error_in_answer(answer) or AIUnavailableError("unusable_answer", retryable=True)
    items = as_objects(answer["output"])
    messages = [item.get("content") for item in items if item.get("type") == "message"]
    parts = [part for content in messages for part in as_objects(content)]
    status = as_text(answer.get("status"))
    reason = as_text(as_object(answer.get("incomplete_details")).get("reason"))
    return ModelAnswer(
        text=_words("".join(content_text(content) for content in messages)),
        model=_model_name(answer, requested_model),
        status=status if status in {"incomplete", "failed"} else "completed",
        incomplete_reason=_INCOMPLETE_REASONS.get(reason, reason),
        is_refusal=has_refusal(parts),
        input_tokens=_count(answer, "input_tokens"),
        output_tokens=_count(answer, "output_tokens"),
        searches=[_read_search(item) for item in items if item.get("type") == "file_search_call"],
    )


def read_chat_completion(body: bytes | str, requested_model: str) -> ModelAnswer:
    """Parse an answer from the Chat Completions API. Raise AIUnavailableError if the body is not one."""
    answer = read_object(body)
    choices = as_objects(answer.get("choices"))
    if not choices:
        raise read_error_in_answer(answer) or AIUnavailableError("unusable_answer", retryable=True)
    if failure := read_failed_choice(answer):
        raise failure
    message = as_object(choices[0].get("message"))
    reason = _INCOMPLETE_REASONS.get(as_text(choices[0].get("finish_reason")), "")
    return ModelAnswer(
        text=_words(content_text(message.get("content"))),
        model=_model_name(answer, requested_model),
        status="incomplete" if reason else "completed",
        incomplete_reason=reason,
        is_refusal=has_refusal([message, *as_objects(message.get("content"))]),
        input_tokens=_count(answer, "prompt_tokens"),
        output_tokens=_count(answer, "completion_tokens"),
    )


def read_object(body: bytes | str) -> JSONObject:
    """Return the JSON object of a body. Raise AIUnavailableError if it is something else, such as a login page."""
    try:
        answer = read_json(body)
    except ValueError:
        raise AIUnavailableError("not_json", retryable=True) from None
    if not isinstance(answer, dict):
        raise AIUnavailableError("unusable_answer", retryable=True)
    return answer


def content_text(content: JSONValue) -> str:
    """Return the text of a message's content, which some servers send as a list of parts."""
    if isinstance(content, list):
        return "".join(as_text(part.get("text")) for part in as_objects(content) if part.get("type") in _TEXT_PARTS)
    return as_text(content)


def has_refusal(parts: Sequence[JSONObject]) -> bool:
    """Return True if a message or a part of its content is a refusal."""
    return any(part.get("type") == "refusal" or as_text(part.get("refusal")) for part in parts)


def read_failed_choice(answer: JSONObject) -> AIUnavailableError | None:
    """Return the error if the first choice of a chat completion or chunk failed, otherwise None.

    Routers use this form when a provider fails mid-answer.
    """
    choice = next(iter(as_objects(answer.get("choices"))), {})
    if not choice.get("error") and choice.get("finish_reason") != "error":
        return None
    failed = read_error_in_answer(choice) or read_error_in_answer(answer)
    return failed or AIUnavailableError("failed", retryable=True)


def _words(text: str) -> str:
    """Return the text without thinking. Tags inside JSON stay, because a quoted person may have written them."""
    return text if is_json_object(text) else remove_thinking(text)


def _model_name(answer: JSONObject, requested_model: str) -> str:
    return as_text(answer.get("model"))[:_MAX_MODEL_NAME] or requested_model


def _read_search(item: JSONObject) -> FileSearch:
    results = [(as_text(one.get("file_id")), as_text(one.get("text"))) for one in as_objects(item.get("results"))]
    return FileSearch(item.get("status") == "completed", results)


def _count(answer: JSONObject, name: str) -> int | None:
    return as_count(as_object(answer.get("usage")).get(name))
