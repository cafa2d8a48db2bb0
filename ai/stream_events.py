"""Server-sent events of a streamed answer, from either API."""

import codecs
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from typing import Any

from ai.answers import (
    ModelAnswer,
    content_text,
    has_refusal,
    read_chat_completion,
    read_failed_choice,
    read_object,
    read_response,
)
from ai.clients import translate_openai_errors
from ai.errors import AIUnavailableError, read_error_in_answer
from ai.json_types import JSONObject, as_object, as_objects, as_text

_MAX_EVENT = 4 * 1024 * 1024  # characters in one line of a stream
_FAILED_EVENTS = {"response.failed", "error"}


@dataclass(frozen=True)
class StreamPiece:
    """A piece of an answer's text. `is_cut_off` is True if the limit of tokens ended the answer with it."""

    text: str
    is_cut_off: bool = False


async def read_stream(request: Any, is_chat: bool) -> AsyncGenerator[StreamPiece, None]:
    """Yield the pieces of text in the server-sent events of a response. Raise AIUnavailableError on failure."""
    failure: AIUnavailableError | None = None
    body = ""  # of a server that ignores `stream` and sends one JSON object
    with translate_openai_errors():
        async with request as response:
            if "json" in response.headers.get("content-type", ""):
                yield _read_whole(await response.read(), is_chat)
                return
            async for line in _iter_lines(response.iter_bytes()):
                if body or line.startswith("{"):
                    body = _append_line(body, line)
                    continue
                event = _parse_event(line)
                failure = failure or _failure_of(event)
                if (piece := _piece_of(event)).text or piece.is_cut_off:
                    yield piece
        if body:
            yield _read_whole(body, is_chat)
    # Raise only here: an error inside the loop would leave the stream without cleanup.
    if failure:
        raise failure


async def _iter_lines(chunks: AsyncIterator[bytes]) -> AsyncGenerator[str, None]:
    """Yield the lines of a stream, without line endings or a byte order mark.

    A line ends with CR, LF, or both. The HTTP client's own splitter also breaks at U+2028 and similar characters, which
    JSON may contain.
    """
    decoder = codecs.getincrementaldecoder("utf-8-sig")(errors="replace")
    pieces: list[str] = []  # of the line that has not ended
    length, follows_cr = 0, False
    async for chunk in chunks:
        text = decoder.decode(chunk)
        if follows_cr and text:
            text, follows_cr = text.removeprefix("\n"), False
        follows_cr = follows_cr or text.endswith("\r")
        *ended, rest = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        for line in ended:
            yield "".join([*pieces, line])
            pieces, length = [], 0
        pieces.append(rest)
        length += len(rest)
        if length > _MAX_EVENT:
            raise AIUnavailableError("unusable_answer", retryable=True)
    if last := "".join([*pieces, decoder.decode(b"", final=True)]):
        yield last


def _append_line(body: str, line: str) -> str:
    if len(body) + len(line) > _MAX_EVENT:
        raise AIUnavailableError("unusable_answer", retryable=True)
    return f"{body}{line}\n"


def _read_whole(body: bytes | str, is_chat: bool) -> StreamPiece:
    answer = read_chat_completion(body, "") if is_chat else read_response(body, "")
    return StreamPiece(_complete_text(answer), answer.status == "incomplete")


def _complete_text(answer: ModelAnswer) -> str:
    if answer.is_refusal or answer.status == "failed" or answer.incomplete_reason == "content_filter":
        raise AIUnavailableError("failed" if answer.status == "failed" else "refused", retryable=True)
    return answer.text


def _parse_event(line: str) -> JSONObject:
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


def _failure_of(event: JSONObject) -> AIUnavailableError | None:
    kind, response = event.get("type"), as_object(event.get("response"))
    if kind in _FAILED_EVENTS:
        found = read_error_in_answer(response) or read_error_in_answer(event)
        return found or AIUnavailableError("failed", retryable=True)
    if kind is None and (error := read_error_in_answer(event)):
        return error
    if failed := read_failed_choice(event):
        return failed
    choice = _first_choice(event)
    delta = as_object(choice.get("delta"))
    reason = choice.get("finish_reason") or as_object(response.get("incomplete_details")).get("reason")
    is_refused = kind == "response.refusal.done" or has_refusal([delta, *as_objects(delta.get("content"))])
    return AIUnavailableError("refused", retryable=True) if is_refused or reason == "content_filter" else None


def _piece_of(event: JSONObject) -> StreamPiece:
    """Return the text that an event of either API adds to the answer."""
    kind = event.get("type")
    if kind == "response.output_text.delta":
        return StreamPiece(as_text(event.get("delta")))
    choice = _first_choice(event)
    is_cut_off = kind == "response.incomplete" or choice.get("finish_reason") == "length"
    return StreamPiece(content_text(as_object(choice.get("delta")).get("content")), is_cut_off)


def _first_choice(event: JSONObject) -> JSONObject:
    choices = as_objects(event.get("choices"))
    return choices[0] if choices else {}
