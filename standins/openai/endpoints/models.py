"""`/v1/models`: a short list for clients that check for a model first. Other model names are accepted as well."""

from ..http.errors import ApiError
from ..http.json_types import JSON, JSONValue
from ..http.messages import HTTPResponse, Request, json_response
from ..storage.state import StandinState

MODEL_NAMES = ("gpt-5.6", "gpt-5.6-mini", "gpt-realtime-2.1", "gpt-realtime-2.1-mini", "gpt-transcribe", "whisper-1")


async def list_all(state: StandinState, request: Request) -> HTTPResponse:
    return json_response({"object": "list", "data": list[JSONValue](model_as_json(name) for name in MODEL_NAMES)})


async def retrieve(state: StandinState, request: Request, name: str) -> HTTPResponse:
    if name not in MODEL_NAMES:
        raise ApiError(404, f"The model '{name}' does not exist", param="model", code="model_not_found")
    return json_response(model_as_json(name))


def model_as_json(name: str) -> JSON:
    return {"id": name, "object": "model", "created": 1_750_000_000, "owned_by": "standin"}
