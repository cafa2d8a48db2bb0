"""The stand-in's control endpoints for tests and operators: health, faults, and request log. They need no API key."""

from ..http.messages import HTTPResponse, Request, json_response
from ..storage.state import StandinState


async def health(state: StandinState, request: Request) -> HTTPResponse:
    return json_response({"status": "ok"})


async def read_request_log(state: StandinState, request: Request) -> HTTPResponse:
    return json_response(state.request_log.as_json())


async def clear_request_log(state: StandinState, request: Request) -> HTTPResponse:
    state.request_log.clear()
    return json_response(state.request_log.as_json())


async def list_faults(state: StandinState, request: Request) -> HTTPResponse:
    return json_response(state.faults.as_json())


async def add_fault(state: StandinState, request: Request) -> HTTPResponse:
    return json_response(state.faults.add(request.json()).as_json(), 201)


async def clear_faults(state: StandinState, request: Request) -> HTTPResponse:
    state.faults.clear()
    return json_response(state.faults.as_json())
