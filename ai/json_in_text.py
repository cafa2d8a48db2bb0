"""JSON objects in a model's text: in code blocks or prose, and with the small errors that models make."""

import json
from collections.abc import Callable, Iterator
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from ai.errors import AIUnavailableError
from ai.json_types import JSONValue, read_json, reject_constant, remove_unstorable
from ai.thinking import remove_closed_blocks

AnswerT = TypeVar("AnswerT", bound=BaseModel)

_MAX_OBJECTS = 20  # JSON objects looked for in one answer
# Models break lines inside strings, which is not strict JSON.
_DECODER = json.JSONDecoder(strict=False, parse_constant=reject_constant)
_QUOTES = {'"': '"', "“": "”", "”": "”", "„": "“"}
_WORDS = {"True": "true", "False": "false", "None": "null"}


def parse_answer(text: str, shape: type[AnswerT], clean: Callable[[object], object] = lambda value: value) -> AnswerT:
    """Return the one JSON object in the text that fits `shape`, even if it is in a code block or follows prose.

    Blocks of thinking and characters that the database cannot store are removed from its strings. `clean` is applied to
    each object afterwards.

    Raise AIUnavailableError if there is none, or if there are different ones: prose that quotes a conversation may
    quote JSON that someone planted there. The original error is not chained, because it would quote the answer in a
    log.
    """
    found = [_validate(clean(_clean_strings(value)), shape) for value in _json_objects(text)]
    fitting = [answer for answer in found if answer is not None]
    if not fitting or any(answer != fitting[0] for answer in fitting):
        raise AIUnavailableError("unusable_answer", retryable=True)
    return fitting[0]


def is_json_object(text: str) -> bool:
    """Return whether the whole text is one JSON object."""
    try:
        return text.lstrip("\ufeff \t\r\n")[:1] == "{" and isinstance(read_json(text.strip("\ufeff \t\r\n")), dict)
    except ValueError:
        return False


def _validate(value: object, shape: type[AnswerT]) -> AnswerT | None:
    try:
        return shape.model_validate(value)
    except ValidationError:
        return None


def _clean_strings(value: JSONValue) -> JSONValue:
    if isinstance(value, str):
        return remove_closed_blocks(remove_unstorable(value))
    if isinstance(value, list):
        return [_clean_strings(one) for one in value]
    return {name: _clean_strings(one) for name, one in value.items()} if isinstance(value, dict) else value


def _json_objects(text: str) -> Iterator[JSONValue]:
    """Yield the outermost JSON objects of a text, at most 20."""
    at = text.find("{")
    for _ in range(_MAX_OBJECTS):
        if at < 0:
            return
        decoded = _decode(text, at) or _decode_with_errors(text, at)
        if decoded is None:
            end = at + 1
        else:
            value, end = decoded
            yield value
        at = text.find("{", end)


def _decode(text: str, start: int) -> tuple[JSONValue, int] | None:
    try:
        return _DECODER.raw_decode(text, start)
    except (ValueError, RecursionError):
        return None


def _decode_with_errors(text: str, start: int) -> tuple[JSONValue, int] | None:
    """Decode an object with comments, trailing commas, typographic quotation marks, or Python's constants."""
    end, pieces, depth = start, list[str](), 0
    for token, end in _tokens(text, start):
        if token in "}]":
            while pieces and (not pieces[-1].strip() or pieces[-1] == ","):
                pieces.pop()
            depth -= 1
        depth += token in "{["
        pieces.append(_WORDS.get(token, token))
        if not depth:
            decoded = _decode("".join(pieces), 0)
            return None if decoded is None else (decoded[0], end)
    return None


def _tokens(text: str, start: int) -> Iterator[tuple[str, int]]:
    """Yield (token, end) of an object: strings in straight quotation marks, words, and single characters."""
    at = start
    while at < len(text):
        end = at + 1
        if text[at] in _QUOTES:
            end = _end_of_string(text, at)
            yield f'"{_escape_quotes(text[at + 1 : end - 1], text[at])}"', end
        elif text.startswith("//", at):
            end = text.find("\n", at) % (len(text) + 1)
        elif text.startswith("/*", at):
            end = (text.find("*/", at) + 2) if "*/" in text[at:] else len(text)
        elif text[at].isalpha():
            while end < len(text) and text[end].isalpha():
                end += 1
            yield text[at:end], end
        else:
            yield text[at], end
        at = end


def _end_of_string(text: str, start: int) -> int:
    closing, at = _QUOTES[text[start]], start + 1
    while at < len(text) and text[at] != closing:
        at += 2 if text[at] == "\\" else 1
    return min(at + 1, len(text))


def _escape_quotes(inner: str, opening: str) -> str:
    """Escape straight quotation marks in a string that typographic ones enclosed."""
    return inner if opening == '"' else inner.replace('\\"', '"').replace('"', '\\"')
