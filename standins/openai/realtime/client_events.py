"""Validation of the events that a client may send."""

import base64
import binascii

import orjson

from ..http.json_types import JSON, as_text
from .beta_api import normalize_modalities
from .errors import EventError, invalid_value, missing_parameter
from .session_config import RESPONSE, drop_unset
from .validators import Validator, any_value, nullable, number_between, object_with, one_of, string

MAX_AUDIO_CHARACTERS = 15 * 1024 * 1024


def valid_item_id(value: object, path: str) -> None:
    if not isinstance(value, str) or not value:
        raise invalid_value(path, "expected a string")
    if len(value) > 32:
        message = f"Invalid '{path}': string too long. Expected a string with maximum length 32, "
        raise EventError(
            message + f"but got a string with length {len(value)} instead.", "string_above_max_length", path
        )


CLIENT_EVENTS: dict[str, tuple[dict[str, Validator], tuple[str, ...]]] = {
    # merge_config validates the session and reports more precise paths.
    "session.update": ({"session": any_value}, ("session",)),
    "input_audio_buffer.append": ({"audio": string}, ("audio",)),
    "input_audio_buffer.commit": ({}, ()),
    "input_audio_buffer.clear": ({}, ()),
    "conversation.item.create": ({"item": any_value, "previous_item_id": nullable(string)}, ("item",)),
    "conversation.item.retrieve": ({"item_id": string}, ("item_id",)),
    "conversation.item.delete": ({"item_id": string}, ("item_id",)),
    "conversation.item.truncate": (
        {"item_id": string, "content_index": number_between(0, 0), "audio_end_ms": number_between(0, 10**9)},
        ("item_id", "content_index", "audio_end_ms"),
    ),
    "response.create": ({"response": nullable(RESPONSE)}, ()),
    "response.cancel": ({"response_id": nullable(string)}, ()),
}
PART_KINDS = {
    "user": ("input_text", "input_audio", "input_image"),
    "assistant": ("output_text",),
    "system": ("input_text",),
}
CONTENT_PART = {
    "type": string,
    "text": string,
    "audio": string,
    "transcript": string,
    "image_url": string,
    "detail": string,
}
COMMON_ITEM_FIELDS: dict[str, Validator] = {
    "id": valid_item_id,
    "object": one_of("realtime.item"),
    "status": one_of("completed", "incomplete", "in_progress"),
    "type": string,
}
ITEM_FIELDS: dict[str, tuple[dict[str, Validator], tuple[str, ...]]] = {
    "message": ({"role": one_of(*PART_KINDS), "content": any_value}, ("role", "content")),
    "function_call": ({"call_id": string, "name": string, "arguments": string}, ("name", "arguments")),
    "function_call_output": ({"call_id": string, "output": string}, ("call_id", "output")),
}


def parse_event(message: str | bytes) -> JSON:
    try:
        event = orjson.loads(message)
    except orjson.JSONDecodeError as error:
        raise EventError("The event could not be parsed as JSON.", "invalid_json") from error
    if not isinstance(event, dict):
        raise EventError("The event must be a JSON object.", "invalid_json")
    return event


def validate_event(event: JSON) -> None:
    kind = as_text(event.get("type"))
    if not kind:
        raise missing_parameter("type")
    if kind not in CLIENT_EVENTS:
        supported = ", ".join(f"'{known}'" for known in CLIENT_EVENTS)
        raise EventError(f"Invalid value: '{kind}'. Supported values are: {supported}.", "invalid_value", "type")
    keys, required = CLIENT_EVENTS[kind]
    if isinstance(options := event.get("response"), dict):
        event["response"] = normalize_modalities(drop_unset(options))
    object_with({"type": string, "event_id": nullable(string), **keys}, required)(event, "")


def validate_item(item: JSON) -> None:
    """Raise EventError if a client's item is invalid. Null fields must have been dropped."""
    kind = as_text(item.get("type"))
    if kind not in ITEM_FIELDS:
        raise invalid_value("item.type", f"supported values are {', '.join(ITEM_FIELDS)}")
    keys, required = ITEM_FIELDS[kind]
    object_with({**COMMON_ITEM_FIELDS, **keys}, required)(item, "item")
    if kind == "message":
        _validate_content(item)


def _validate_content(item: JSON) -> None:
    allowed = PART_KINDS[as_text(item["role"])]
    content = item["content"]
    if not isinstance(content, list):
        raise invalid_value("item.content", "expected an array")
    for index, part in enumerate(content):
        path = f"item.content[{index}]"
        object_with(CONTENT_PART, ("type",))(part, path)
        if isinstance(part, dict) and part["type"] not in allowed:
            raise invalid_value(f"{path}.type", f"supported values for {item['role']} are {', '.join(allowed)}")


def decode_audio(encoded: str, path: str = "audio", sample_bytes: int = 2) -> bytes:
    if len(encoded) > MAX_AUDIO_CHARACTERS:
        raise invalid_value(path, "the audio is larger than 15 MiB")
    try:
        audio = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise invalid_value(path, "expected base64-encoded audio") from error
    if len(audio) % sample_bytes:
        raise invalid_value(path, "expected 16-bit samples but got an odd number of bytes")
    return audio
