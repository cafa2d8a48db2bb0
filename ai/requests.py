"""Requests to a model, over the Responses API or, where a server has none, over Chat Completions."""

import json
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import Any, TypeVar

import openai
from django.conf import settings

from ai.answers import ModelAnswer, read_chat_completion, read_response
from ai.clients import translate_openai_errors
from ai.errors import NO_ENDPOINT, AIUnavailableError
from ai.stream_events import StreamPiece, read_stream
from ai.thinking import ThinkingSieve

Result = TypeVar("Result")

NO_RESPONSES_API = "no_responses_api"
# What this process has learned about servers. Finding out costs one failed or one unstreamed answer.
_without_responses_api: set[str] = set()  # base URLs
# By base URL and model: True if answers do not begin inside a block of thinking, False if one did unexpectedly.
_streams_plainly: dict[tuple[str, str], bool] = {}
_rejected_parameters: defaultdict[tuple[str, str], set[str]] = defaultdict(set)  # by base URL and model
# Parameters that a server may reject and that a request can do without.
_DISPENSABLE = {"store", "include", "max_completion_tokens", "response_format", "json_schema"}


def create_answer(client: openai.OpenAI, *, model: str, **parameters: Any) -> ModelAnswer:
    """Send a request with the parameters of the Responses API and read the answer. Raise AIUnavailableError.

    If the server has no Responses API, use Chat Completions. A request that needs a file search then fails with the
    code `no_responses_api`.
    """
    if settings.OPENAI_BASE_URL not in _without_responses_api:
        try:
            return _without_rejected(model, lambda: _create_response(client, model, parameters))
        except AIUnavailableError as error:
            if error.code != NO_ENDPOINT:
                raise
            _without_responses_api.add(settings.OPENAI_BASE_URL)
    return _without_rejected(model, lambda: _create_completion(client, model, parameters))


def _create_response(client: openai.OpenAI, model: str, parameters: Mapping[str, Any]) -> ModelAnswer:
    with translate_openai_errors():
        raw = client.responses.with_raw_response.create(**response_parameters(model, parameters))
        return read_response(raw.content, model)


def _create_completion(client: openai.OpenAI, model: str, parameters: Mapping[str, Any]) -> ModelAnswer:
    completion = chat_parameters(model, parameters)
    with translate_openai_errors():
        return read_chat_completion(client.chat.completions.with_raw_response.create(**completion).content, model)


def _without_rejected(model: str, send: Callable[[], Result]) -> Result:
    """Send a request, and send it again without each parameter that the server rejects and that is dispensable."""
    while True:
        try:
            return send()
        except AIUnavailableError as error:
            if not _note_rejected(model, error):
                raise


def _note_rejected(model: str, error: AIUnavailableError) -> bool:
    """Remember the parameter that an error names. Return True if a request without it is worth a try."""
    rejected = _rejected_parameters[settings.OPENAI_BASE_URL, model]
    if error.param not in _DISPENSABLE or error.param in rejected:
        return False
    rejected.add(error.param)
    return True


def response_parameters(model: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters for the Responses API, without those that the server rejected before."""
    rejected = _rejected_parameters[settings.OPENAI_BASE_URL, model]
    return {"model": model} | {name: value for name, value in parameters.items() if name not in rejected}


def chat_parameters(model: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Convert parameters of the Responses API to those of Chat Completions. Raise AIUnavailableError for tools."""
    rejected = _rejected_parameters[settings.OPENAI_BASE_URL, model]
    given = {name: value for name, value in parameters.items() if not isinstance(value, openai.Omit)}
    if given.get("tools"):
        raise AIUnavailableError(NO_RESPONSES_API, retryable=False)
    messages = [{"role": "system", "content": given["instructions"]}] if given.get("instructions") else []
    messages += [{"role": item["role"], "content": _content_text(item["content"])} for item in given["input"]]
    limit = "max_tokens" if "max_completion_tokens" in rejected else "max_completion_tokens"
    completion = {"model": model, "messages": messages, limit: given["max_output_tokens"]}
    if "temperature" in given:
        completion["temperature"] = given["temperature"]
    text = given.get("text") or given.get("extra_body", {}).get("text")
    if text and not rejected & {"response_format", "json_schema"}:
        schema = {name: value for name, value in text["format"].items() if name != "type"}
        completion["response_format"] = {"type": "json_schema", "json_schema": schema}
    elif text:
        schema_text = json.dumps(text["format"]["schema"])
        messages.append(
            {"role": "user", "content": f"Answer with one JSON object that fits this schema: {schema_text}"}
        )
    return completion


def _content_text(content: str | Sequence[Mapping[str, Any]]) -> str:
    return content if isinstance(content, str) else "\n\n".join(part["text"] for part in content)


async def stream_answer(client: openai.AsyncOpenAI, *, model: str, **parameters: Any) -> AsyncGenerator[str, None]:
    """Yield the words of an answer as they arrive, without the model's thinking. Raise AIUnavailableError.

    Some servers open a block of thinking in the prompt, so the answer contains only its closing tag. Unless
    OPENAI_SEPARATES_THINKING is set, the first answer is therefore held back until it is complete.
    """
    place = (settings.OPENAI_BASE_URL, model)
    sieve = ThinkingSieve(starts_inside=not _streams_plainly.get(place, settings.OPENAI_SEPARATES_THINKING))
    is_cut_off = False
    async with aclosing(_stream_pieces(client, model, parameters)) as pieces:
        async for piece in pieces:
            is_cut_off = is_cut_off or piece.is_cut_off
            words = sieve.feed(piece.text)
            if sieve.has_unopened_end:
                # The text shown so far was thinking. Hold back the next answer until it is complete.
                _streams_plainly[place] = False
                raise AIUnavailableError("thinking_aloud", retryable=True)
            if words:
                yield words
    if is_cut_off and sieve.is_undecided:
        raise AIUnavailableError("cut_off", retryable=True)
    if words := sieve.finish():
        yield words
    if not sieve.began_inside:
        _streams_plainly[place] = True


async def _stream_pieces(
    client: openai.AsyncOpenAI, model: str, parameters: Mapping[str, Any]
) -> AsyncGenerator[StreamPiece, None]:
    while True:
        is_chat = settings.OPENAI_BASE_URL in _without_responses_api
        try:
            async with aclosing(_open_stream(client, model, parameters, is_chat)) as pieces:
                async for piece in pieces:
                    yield piece
            return
        except AIUnavailableError as error:
            if error.code == NO_ENDPOINT and not is_chat:
                _without_responses_api.add(settings.OPENAI_BASE_URL)
            elif not _note_rejected(model, error):
                raise


def _open_stream(
    client: openai.AsyncOpenAI, model: str, parameters: Mapping[str, Any], is_chat: bool
) -> AsyncGenerator[StreamPiece, None]:
    if is_chat:
        completion = chat_parameters(model, parameters)
        return read_stream(client.chat.completions.with_streaming_response.create(stream=True, **completion), is_chat)
    given = response_parameters(model, parameters)
    return read_stream(client.responses.with_streaming_response.create(stream=True, **given), is_chat)
