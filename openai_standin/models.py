"""`/v1/models`: a short list, for whoever looks before asking. Any other model's name is taken as well."""

from .errors import ApiError
from .http import Answer, Request, json_answer
from .json_types import JSON, JSONValue
from .state import State

NAMES = ("gpt-5.6", "gpt-5.6-mini", "gpt-realtime-2.1", "gpt-realtime-2.1-mini", "gpt-transcribe", "whisper-1")


async def list_all(state: State, request: Request) -> Answer:
    return json_answer({"object": "list", "data": list[JSONValue](shown(name) for name in NAMES)})


async def retrieve(state: State, request: Request, name: str) -> Answer:
    if name not in NAMES:
        raise ApiError(404, f"The model '{name}' does not exist", param="model", code="model_not_found")
    return json_answer(shown(name))


def shown(name: str) -> JSON:
    return {"id": name, "object": "model", "created": 1_750_000_000, "owned_by": "standin"}
