"""Conversion of a finished response to OpenAI's server-sent events, in the documented order."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterator

import orjson

from ..http.json_types import JSON, as_text, objects

PIECE = re.compile(r"\s*\S+|\s+")
SEARCH_STEPS = ("in_progress", "searching", "completed")


async def stream_events(response: JSON, finished: JSON, pause: float) -> AsyncIterator[bytes]:
    for number, event in enumerate(response_events(response, finished)):
        if as_text(event["type"]).endswith(".delta"):
            await asyncio.sleep(pause)
        yield encode_event(event | {"sequence_number": number})


def encode_event(event: JSON) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (as_text(event["type"]).encode(), orjson.dumps(event))


def response_events(response: JSON, finished: JSON) -> Iterator[JSON]:
    yield {"type": "response.created", "response": response}
    yield {"type": "response.in_progress", "response": response}
    for index, item in enumerate(objects(finished["output"])):
        yield from EVENTS_BY_ITEM[as_text(item["type"])](index, item)
    yield {"type": f"response.{finished['status']}", "response": finished}


def _search_events(index: int, item: JSON) -> Iterator[JSON]:
    begun = item | {"status": "in_progress", "queries": [], "results": None}
    yield {"type": "response.output_item.added", "output_index": index, "item": begun}
    for step in SEARCH_STEPS:
        yield {"type": f"response.file_search_call.{step}", "output_index": index, "item_id": item["id"]}
    yield {"type": "response.output_item.done", "output_index": index, "item": item}


def _message_events(index: int, item: JSON) -> Iterator[JSON]:
    begun = item | {"status": "in_progress", "content": []}
    yield {"type": "response.output_item.added", "output_index": index, "item": begun}
    for position, part in enumerate(objects(item["content"])):
        place: JSON = {"item_id": item["id"], "output_index": index, "content_index": position}
        yield from _part_events(place, part)
    yield {"type": "response.output_item.done", "output_index": index, "item": item}


def _call_events(index: int, item: JSON) -> Iterator[JSON]:
    place: JSON = {"item_id": item["id"], "output_index": index}
    arguments = as_text(item["arguments"])
    begun = item | {"status": "in_progress", "arguments": ""}
    yield {"type": "response.output_item.added", "output_index": index, "item": begun}
    for piece in PIECE.findall(arguments):
        yield {"type": "response.function_call_arguments.delta", **place, "delta": piece}
    done: JSON = {"name": item["name"], "arguments": arguments}
    yield {"type": "response.function_call_arguments.done", **place, **done}
    yield {"type": "response.output_item.done", "output_index": index, "item": item}


EVENTS_BY_ITEM: dict[str, Callable[[int, JSON], Iterator[JSON]]] = {
    "file_search_call": _search_events,
    "function_call": _call_events,
    "message": _message_events,
}


def _part_events(place: JSON, part: JSON) -> Iterator[JSON]:
    key, kind = ("refusal", "refusal") if part["type"] == "refusal" else ("text", "output_text")
    extra: JSON = {} if kind == "refusal" else {"logprobs": []}
    text = as_text(part[key])
    yield {"type": "response.content_part.added", **place, "part": part | {key: ""}}
    for piece in PIECE.findall(text):
        yield {"type": f"response.{kind}.delta", **place, "delta": piece, **extra}
    yield {"type": f"response.{kind}.done", **place, key: text, **extra}
    yield {"type": "response.content_part.done", **place, "part": part}
