"""Where a socket comes in: key, model and faults are looked at before anything is said."""

import asyncio

import orjson

from .. import faults
from ..asgi_types import Receive, Scope, Send
from ..errors import ApiError
from ..http import headers_of, query_of
from ..json_types import JSON, as_number, as_text
from ..ledger import Entry
from ..routing import check_key, shown_headers
from ..state import State
from .client_events import read_event
from .errors import EventError, error_event
from .line import Line
from .session import Session

WRONG_KEY_CLOSE = 3000


async def handle_websocket(state: State, scope: Scope, receive: Receive, send: Send) -> None:
    headers, query = headers_of(scope), query_of(scope)
    shown_query = scope["query_string"].decode("latin-1")
    entry = state.ledger.open("realtime", "GET", scope["path"], shown_query, shown_headers(headers))
    await receive()
    try:
        fault = await _admit(state, scope["path"], headers, query, entry)
    except ApiError as error:
        await _turn_away(send, error, entry)
        return
    await send({"type": "websocket.accept"})
    line = Line(send, fault)
    try:
        await _converse(Session(line, query["model"], state.settings), line, receive, entry)
    finally:
        entry.close(101)
    if line.is_dropped:
        raise faults.Dropped


async def _admit(state: State, path: str, headers: dict[str, str], query: dict[str, str], entry: Entry) -> JSON:
    if path != "/v1/realtime":
        raise ApiError(404, f"Invalid URL (GET {path})")
    asked = faults.parse(headers.get("x-standin-fault", "") or query.get("fault", ""))
    fault = asked or state.faults.take("realtime")
    entry.fault = fault or None
    if status := int(as_number(fault.get("status"), 0)):
        raise faults.refusal_of(status, fault)
    try:
        check_key(headers)
    except ApiError as error:
        if error.code != "invalid_api_key":
            raise
        # A wrong key is let in, told so and put out again, as OpenAI does.
        return {"error": error.code, "message": error.message, "close": WRONG_KEY_CLOSE}
    if "model" not in query:
        raise ApiError(400, "You must provide a model parameter.", code="missing_model")
    return fault


async def _turn_away(send: Send, error: ApiError, entry: Entry) -> None:
    headers = [(b"content-type", b"application/json")]
    headers += [(name.encode(), value.encode()) for name, value in error.headers.items()]
    entry.close(error.status)
    await send({"type": "websocket.http.response.start", "status": error.status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": orjson.dumps(error.body())})


async def _converse(session: Session, line: Line, receive: Receive, entry: Entry) -> None:
    await asyncio.sleep(as_number(line.fault.get("delay"), 0))
    await session.open()
    listening = asyncio.create_task(_listen(session, receive, entry))
    ending = asyncio.create_task(line.over.wait())
    try:
        ended, _ = await asyncio.wait({listening, ending}, return_when=asyncio.FIRST_COMPLETED)
        for task in ended:
            task.result()
    finally:
        line.over.set()
        listening.cancel()
        ending.cancel()
        await asyncio.gather(listening, ending, return_exceptions=True)
        await session.close()


async def _listen(session: Session, receive: Receive, entry: Entry) -> None:
    while (message := await receive())["type"] != "websocket.disconnect":
        try:
            event = read_event(message.get("text") or message.get("bytes") or "")
        except EventError as error:
            await session.line.emit(error_event(str(error), error.code))
            continue
        entry.hear(event, len(as_text(event.get("audio"))) * 3 // 4)
        await session.handle(event)
