"""Requests to a model, over the Responses API or, where a server has none, over Chat Completions."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Any

import openai
from django.conf import settings

from ai.answers import ModelAnswer, ThinkingSieve, read_chat_completion, read_object, read_response
from ai.clients import NO_ENDPOINT, AIUnavailableError, translate_openai_errors

NO_RESPONSES_API = "no_responses_api"
_MAX_EVENT = 4 * 1024 * 1024  # characters in one line of a stream
# Base URLs without a Responses API, and (base URL, model) pairs whose answers begin inside a block of thinking. Finding
# out costs one failed request per process.
_without_responses_api: set[str] = set()
_thinking_from_the_start: set[tuple[str, str]] = set()


def create_answer(client: openai.OpenAI, *, model: str, **parameters: Any) -> ModelAnswer:
    """Send a request with the parameters of the Responses API and read the answer. Raise AIUnavailableError.

    If the server has no Responses API, use Chat Completions. A request that needs a file search then fails with the
    code `no_responses_api`.
    """
    if settings.OPENAI_BASE_URL not in _without_responses_api:
        try:
            with translate_openai_errors():
                raw = client.responses.with_raw_response.create(model=model, **parameters)
                return read_response(raw.content, model)
        except AIUnavailableError as error:
            if error.code != NO_ENDPOINT:
                raise
            _without_responses_api.add(settings.OPENAI_BASE_URL)
    completion = chat_parameters(model, parameters)
    with translate_openai_errors():
        return read_chat_completion(client.chat.completions.with_raw_response.create(**completion).content, model)


def chat_parameters(model: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Convert parameters of the Responses API to those of Chat Completions. Raise AIUnavailableError for tools."""
    given = {name: value for name, value in parameters.items() if not isinstance(value, openai.Omit)}
    if given.get("tools"):
        raise AIUnavailableError(NO_RESPONSES_API, retryable=False)
    messages = [{"role": "system", "content": given["instructions"]}] if given.get("instructions") else []
    messages += [{"role": item["role"], "content": _content_text(item["content"])} for item in given["input"]]
    completion = {"model": model, "messages": messages, "max_completion_tokens": given["max_output_tokens"]}
    if "temperature" in given:
        completion["temperature"] = given["temperature"]
    text = given.get("text") or given.get("extra_body", {}).get("text")
    if text:
        schema = {name: value for name, value in text["format"].items() if name != "type"}
        completion["response_format"] = {"type": "json_schema", "json_schema": schema}
    return completion


def _content_text(content: str | Sequence[Mapping[str, Any]]) -> str:
    return content if isinstance(content, str) else "\n\n".join(part["text"] for part in content)


async def stream_answer(client: openai.AsyncOpenAI, *, model: str, **parameters: Any) -> AsyncGenerator[str, None]:
    """Yield the words of an answer as they arrive, without the model's thinking. Raise AIUnavailableError."""
    place = (settings.OPENAI_BASE_URL, model)
    sieve = ThinkingSieve(starts_inside=place in _thinking_from_the_start)
    async with aclosing(_stream_pieces(client, model, parameters)) as pieces:
        async for piece in pieces:
            words = sieve.feed(piece)
            if sieve.has_unopened_end:
                # The text shown so far was thinking. The next attempt holds it back.
                _thinking_from_the_start.add(place)
                raise AIUnavailableError("thinking_aloud", retryable=True)
            if words:
                yield words
    if words := sieve.finish():
        yield words


async def _stream_pieces(
    client: openai.AsyncOpenAI, model: str, parameters: Mapping[str, Any]
) -> AsyncGenerator[str, None]:
    if settings.OPENAI_BASE_URL not in _without_responses_api:
        try:
            request = client.responses.with_streaming_response.create(model=model, stream=True, **parameters)
            async with aclosing(_read_stream(request, model, is_chat=False)) as pieces:
                async for piece in pieces:
                    yield piece
            return
        except AIUnavailableError as error:
            if error.code != NO_ENDPOINT:
                raise
            _without_responses_api.add(settings.OPENAI_BASE_URL)
    completion = chat_parameters(model, parameters)
    request = client.chat.completions.with_streaming_response.create(stream=True, **completion)
    async with aclosing(_read_stream(request, model, is_chat=True)) as pieces:
        async for piece in pieces:
            yield piece


async def _read_stream(request: Any, model: str, is_chat: bool) -> AsyncGenerator[str, None]:
    """Yield the pieces of text in the server-sent events of a response. Raise AIUnavailableError on failure."""
    failure: AIUnavailableError | None = None
    with translate_openai_errors():
        async with request as response:
            if "json" in response.headers.get("content-type", ""):  # the server ignores `stream`
                read = read_chat_completion if is_chat else read_response
                yield _complete_text(read(await response.read(), model))
                return
            async for line in response.iter_lines():
                event = _parse_event(line)
                failure = failure or _failure_of(event)
                if piece := _piece_of(event):
                    yield piece
    # Raise only here: an error inside the loop would leave the stream without cleanup.
    if failure:
        raise failure


def _complete_text(answer: ModelAnswer) -> str:
    if answer.is_refusal or answer.status == "failed":
        raise AIUnavailableError("refused" if answer.is_refusal else "failed", retryable=True)
    return answer.text


def _parse_event(line: str) -> dict[str, Any]:
    """Return the JSON object in a line of the stream, or {} for a comment, any other field, or the end marker.

    Raise AIUnavailableError for anything else, such as an HTML page.
    """
    if len(line) > _MAX_EVENT:
        raise AIUnavailableError("unusable_answer", retryable=True)
    name, _, value = line.partition(":")
    if name != "data":
        if name in {"", "event", "id", "retry"}:
            return {}
        raise AIUnavailableError("not_json", retryable=True)
    return {} if value.strip() in {"", "[DONE]"} else read_object(value)


def _failure_of(event: Mapping[str, Any]) -> AIUnavailableError | None:
    kind = event.get("type")
    if kind in {"response.failed", "error"} or (event.get("error") and kind is None):
        return AIUnavailableError("failed", retryable=True)
    return AIUnavailableError("refused", retryable=True) if kind == "response.refusal.done" else None


def _piece_of(event: Mapping[str, Any]) -> str:
    """Return the text that an event of either API adds to the answer."""
    if event.get("type") == "response.output_text.delta":
        piece = event.get("delta")
    else:
        choices = event.get("choices")
        first = choices[0] if isinstance(choices, list) and choices else None
        delta = first.get("delta") if isinstance(first, dict) else None
        piece = delta.get("content") if isinstance(delta, dict) else None
    return piece if isinstance(piece, str) else ""
