"""Entry point of a realtime socket. It checks the key, model, and faults before the session starts."""

import asyncio
from collections.abc import Sequence

import orjson

from .. import faults
from ..http.asgi_types import Receive, Scope, Send
from ..http.errors import ApiError
from ..http.json_types import JSON, as_number, as_text
from ..http.messages import parse_headers, parse_query
from ..http.routing import check_api_key, redact_headers
from ..request_log import LoggedRequest
from ..storage.state import StandinState
from . import beta_api
from .client_events import parse_event
from .errors import EventError, error_event
from .event_sender import EventSender
from .session import RealtimeSession

INCORRECT_KEY_CLOSE_CODE = 3000
# Subprotocols of browsers, which cannot send headers. The server selects the first.
SUBPROTOCOL = "realtime"
KEY_PROTOCOL = "openai-insecure-api-key."


async def handle_websocket(state: StandinState, scope: Scope, receive: Receive, send: Send) -> None:
    headers, query = add_protocol_key(parse_headers(scope), scope["subprotocols"]), parse_query(scope)
    raw_query = scope["query_string"].decode("latin-1")
    entry = state.request_log.start_entry("realtime", "GET", scope["path"], raw_query, redact_headers(headers))
    await receive()
    try:
        fault = await _check_handshake(state, scope["path"], headers, query, entry)
    except ApiError as error:
        await _reject_handshake(send, error, entry)
        return
    protocols = scope["subprotocols"]
    await send({"type": "websocket.accept", "subprotocol": SUBPROTOCOL if SUBPROTOCOL in protocols else None})
    is_beta = beta_api.SUBPROTOCOL in protocols or beta_api.HEADER in headers.get("openai-beta", "")
    sender = EventSender(send, fault, is_beta)
    try:
        await _run_session(RealtimeSession(sender, query["model"], state.settings), sender, receive, entry)
    finally:
        entry.close(101)
    if sender.is_dropped:
        raise faults.ConnectionDroppedError


def add_protocol_key(headers: dict[str, str], protocols: Sequence[str]) -> dict[str, str]:
    """Return the headers with the API key of a subprotocol as an Authorization header, and without the subprotocols."""
    rest = {name: value for name, value in headers.items() if name != "sec-websocket-protocol"}
    keys = [name.removeprefix(KEY_PROTOCOL) for name in protocols if name.startswith(KEY_PROTOCOL)]
    return {"authorization": f"Bearer {keys[0]}"} | rest if keys else rest


async def _check_handshake(
    state: StandinState, path: str, headers: dict[str, str], query: dict[str, str], entry: LoggedRequest
) -> JSON:
    if path != "/v1/realtime":
        raise ApiError(404, f"Invalid URL (GET {path})")
    requested = faults.parse_fault(headers.get("x-standin-fault", "") or query.get("fault", ""))
    fault = requested or state.faults.take("realtime")
    entry.fault = fault or None
    if status := int(as_number(fault.get("status"), 0)):
        raise faults.fault_as_error(status, fault)
    try:
        check_api_key(headers)
    except ApiError as error:
        if error.code != "invalid_api_key":
            raise
        # Like OpenAI, accept a wrong key, report the error, and then disconnect.
        return {"error": error.code, "message": error.message, "close": INCORRECT_KEY_CLOSE_CODE}
    if "model" not in query:
        raise ApiError(400, "You must provide a model parameter.", code="missing_model")
    return fault


async def _reject_handshake(send: Send, error: ApiError, entry: LoggedRequest) -> None:
    headers = [(b"content-type", b"application/json")]
    headers += [(name.encode(), value.encode()) for name, value in error.headers.items()]
    entry.close(error.status)
    await send({"type": "websocket.http.response.start", "status": error.status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": orjson.dumps(error.body())})


async def _run_session(session: RealtimeSession, sender: EventSender, receive: Receive, entry: LoggedRequest) -> None:
    await asyncio.sleep(as_number(sender.fault.get("delay"), 0))
    await session.open()
    listening = asyncio.create_task(_receive_events(session, receive, entry))
    ending = asyncio.create_task(sender.closed.wait())
    try:
        ended, _ = await asyncio.wait({listening, ending}, return_when=asyncio.FIRST_COMPLETED)
        for task in ended:
            task.result()
    finally:
        sender.closed.set()
        listening.cancel()
        ending.cancel()
        await asyncio.gather(listening, ending, return_exceptions=True)
        await session.close()


async def _receive_events(session: RealtimeSession, receive: Receive, entry: LoggedRequest) -> None:
    while (message := await receive())["type"] != "websocket.disconnect":
        try:
            event = parse_event(message.get("text") or message.get("bytes") or "")
        except EventError as error:
            await session.sender.emit(error_event(str(error), error.code))
            continue
        entry.record_event(event, len(as_text(event.get("audio"))) * 3 // 4)
        await session.handle_event(event)
