"""The events a client may send, and the refusal of anything else."""

import base64
import binascii

import orjson

from ..json_types import JSON, as_text
from .config import RESPONSE
from .errors import EventError, invalid, missing
from .shapes import Check, anything, number, one_of, shape, text

LARGEST_AUDIO = 15 * 1024 * 1024


def item_id(value: object, path: str) -> None:
    if not isinstance(value, str) or not value:
        raise invalid(path, "expected a string")
    if len(value) > 32:
        message = f"Invalid '{path}': string too long. Expected a string with maximum length 32, "
        raise EventError(
            message + f"but got a string with length {len(value)} instead.", "string_above_max_length", path
        )


EVENTS: dict[str, tuple[dict[str, Check], tuple[str, ...]]] = {
    # The session's own check names finer paths.
    "session.update": ({"session": anything}, ("session",)),
    "input_audio_buffer.append": ({"audio": text}, ("audio",)),
    "input_audio_buffer.commit": ({}, ()),
    "input_audio_buffer.clear": ({}, ()),
    "conversation.item.create": ({"item": anything, "previous_item_id": text}, ("item",)),
    "conversation.item.retrieve": ({"item_id": text}, ("item_id",)),
    "conversation.item.delete": ({"item_id": text}, ("item_id",)),
    "conversation.item.truncate": (
        {"item_id": text, "content_index": number(0, 0), "audio_end_ms": number(0, 10**9)},
        ("item_id", "content_index", "audio_end_ms"),
    ),
    "response.create": ({"response": RESPONSE}, ()),
    "response.cancel": ({"response_id": text}, ()),
}
PART_KINDS = {
    "user": ("input_text", "input_audio", "input_image"),
    "assistant": ("output_text",),
    "system": ("input_text",),
}
PART = {"type": text, "text": text, "audio": text, "transcript": text, "image_url": text, "detail": text}
COMMON: dict[str, Check] = {
    "id": item_id,
    "object": one_of("realtime.item"),
    "status": one_of("completed", "incomplete", "in_progress"),
    "type": text,
}
ITEMS: dict[str, tuple[dict[str, Check], tuple[str, ...]]] = {
    "message": ({"role": one_of(*PART_KINDS), "content": anything}, ("role", "content")),
    "function_call": ({"call_id": text, "name": text, "arguments": text}, ("name", "arguments")),
    "function_call_output": ({"call_id": text, "output": text}, ("call_id", "output")),
}


def read_event(message: str | bytes) -> JSON:
    try:
        event = orjson.loads(message)
    except orjson.JSONDecodeError as error:
        raise EventError("The event could not be parsed as JSON.", "invalid_json") from error
    if not isinstance(event, dict):
        raise EventError("The event must be a JSON object.", "invalid_json")
    return event


def check_event(event: JSON) -> None:
    kind = as_text(event.get("type"))
    if not kind:
        raise missing("type")
    if kind not in EVENTS:
        supported = ", ".join(f"'{known}'" for known in EVENTS)
        raise EventError(f"Invalid value: '{kind}'. Supported values are: {supported}.", "invalid_value", "type")
    keys, required = EVENTS[kind]
    shape({"type": text, "event_id": text, **keys}, required)(event, "")


def check_item(item: JSON) -> None:
    kind = as_text(item.get("type"))
    if kind not in ITEMS:
        raise invalid("item.type", f"supported values are {', '.join(ITEMS)}")
    keys, required = ITEMS[kind]
    shape({**COMMON, **keys}, required)(item, "item")
    if kind == "message":
        _check_content(item)


def _check_content(item: JSON) -> None:
    allowed = PART_KINDS[as_text(item["role"])]
    content = item["content"]
    if not isinstance(content, list):
        raise invalid("item.content", "expected an array")
    for index, part in enumerate(content):
        path = f"item.content[{index}]"
        shape(PART, ("type",))(part, path)
        if isinstance(part, dict) and part["type"] not in allowed:
            raise invalid(f"{path}.type", f"supported values for {item['role']} are {', '.join(allowed)}")


def decode_audio(encoded: str, path: str = "audio") -> bytes:
    if len(encoded) > LARGEST_AUDIO:
        raise invalid(path, "the audio is larger than 15 MiB")
    try:
        audio = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise invalid(path, "expected base64-encoded audio") from error
    if len(audio) % 2:
        raise invalid(path, "expected 16-bit samples but got an odd number of bytes")
    return audio
