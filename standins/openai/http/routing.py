"""HTTP routes, and the steps around every HTTP call: API key, faults, request log, and errors."""

import re
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from .. import faults
from ..endpoints import controls, files, models, responses, vector_stores
from ..storage.state import StandinState
from .asgi_types import Receive, Scope, Send
from .errors import ApiError, incorrect_api_key, missing_api_key
from .json_types import JSON
from .messages import (
    EventStreamResponse,
    HTTPResponse,
    Request,
    error_response,
    parse_headers,
    parse_query,
    read_body,
    send_event_stream,
    send_response,
)

Handler: TypeAlias = Callable[..., Awaitable[HTTPResponse | EventStreamResponse]]

ROUTES: tuple[tuple[str, str, Handler], ...] = (
    ("GET", "/health", controls.health),
    ("GET", "/standin/ledger", controls.read_request_log),
    ("DELETE", "/standin/ledger", controls.clear_request_log),
    ("GET", "/standin/faults", controls.list_faults),
    ("POST", "/standin/faults", controls.add_fault),
    ("DELETE", "/standin/faults", controls.clear_faults),
    ("GET", "/v1/models", models.list_all),
    ("GET", "/v1/models/{}", models.retrieve),
    ("POST", "/v1/responses", responses.create),
    ("GET", "/v1/responses/{}", responses.retrieve),
    ("DELETE", "/v1/responses/{}", responses.delete),
    ("POST", "/v1/files", files.create),
    ("GET", "/v1/files", files.list_all),
    ("GET", "/v1/files/{}", files.retrieve),
    ("DELETE", "/v1/files/{}", files.delete),
    ("GET", "/v1/files/{}/content", files.read_content),
    ("POST", "/v1/vector_stores", vector_stores.create),
    ("GET", "/v1/vector_stores", vector_stores.list_all),
    ("GET", "/v1/vector_stores/{}", vector_stores.retrieve),
    ("POST", "/v1/vector_stores/{}", vector_stores.update),
    ("DELETE", "/v1/vector_stores/{}", vector_stores.delete),
    ("POST", "/v1/vector_stores/{}/search", vector_stores.search),
    ("POST", "/v1/vector_stores/{}/files", vector_stores.add_file),
    ("GET", "/v1/vector_stores/{}/files", vector_stores.list_files),
    ("GET", "/v1/vector_stores/{}/files/{}", vector_stores.retrieve_file),
    ("POST", "/v1/vector_stores/{}/files/{}", vector_stores.update_file),
    ("DELETE", "/v1/vector_stores/{}/files/{}", vector_stores.remove_file),
    ("GET", "/v1/vector_stores/{}/files/{}/content", vector_stores.file_content),
    ("POST", "/v1/vector_stores/{}/file_batches", vector_stores.create_batch),
    ("GET", "/v1/vector_stores/{}/file_batches/{}", vector_stores.retrieve_batch),
    ("GET", "/v1/vector_stores/{}/file_batches/{}/files", vector_stores.list_batch_files),
)
COMPILED_ROUTES = [
    (method, re.compile(re.escape(path).replace(r"\{\}", "([^/]+)")), handler) for method, path, handler in ROUTES
]


def find_handler(method: str, path: str) -> tuple[Handler, tuple[str, ...]]:
    for wanted, pattern, handler in COMPILED_ROUTES:
        if wanted == method and (found := pattern.fullmatch(path)):
            return handler, found.groups()
    raise ApiError(404, f"Invalid URL ({method} {path})")


def check_api_key(headers: dict[str, str]) -> None:
    """Accept any API key except an empty one and `sk-invalid`. Raise ApiError otherwise."""
    scheme, _, key = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key.strip():
        raise missing_api_key()
    if key.strip() == "sk-invalid":
        raise incorrect_api_key(key.strip())


async def handle_http(state: StandinState, scope: Scope, receive: Receive, send: Send) -> None:
    try:
        body = await read_body(receive)
    except ApiError as error:
        await send_response(send, error_response(error))
        return
    is_control_endpoint = not scope["path"].startswith("/v1/")
    request = _build_request(state, scope, body, is_logged=not is_control_endpoint)
    answer = await _dispatch(state, request, is_control_endpoint)
    request.log_entry.close(answer.status if isinstance(answer, HTTPResponse) else 200)
    sender = faults.truncate_sends(send, request.fault)
    if isinstance(answer, EventStreamResponse):
        await send_event_stream(sender, answer)
    else:
        await send_response(sender, answer)


def _build_request(state: StandinState, scope: Scope, body: bytes, is_logged: bool) -> Request:
    method, path, headers = scope["method"], scope["path"], parse_headers(scope)
    query = scope["query_string"].decode("latin-1")
    entry = state.request_log.start_entry("http", method, path, query, redact_headers(headers), is_logged=is_logged)
    entry.body_bytes = len(body)
    return Request(method, path, parse_query(scope), headers, body, entry)


def redact_headers(headers: dict[str, str]) -> JSON:
    """Return the headers for the request log without the API key, which must not appear in test output either."""
    return {name: "Bearer ..." if name == "authorization" else value for name, value in headers.items()}


async def _dispatch(
    state: StandinState, request: Request, is_control_endpoint: bool
) -> HTTPResponse | EventStreamResponse:
    """Run the handler and return its response. The stand-in's control endpoints need no key and get no faults."""
    try:
        if not is_control_endpoint:
            check_api_key(request.headers)
            await _apply_faults(state, request)
        handler, ids = find_handler(request.method, request.path)
        return await handler(state, request, *ids)
    except ApiError as error:
        return error_response(error)


async def _apply_faults(state: StandinState, request: Request) -> None:
    if request.headers.get("content-type", "").startswith("application/json"):
        request.log_entry.record_body(request.json())
    requested = faults.parse_fault(request.headers.get("x-standin-fault", ""))
    call = f"{request.method} {request.path}"
    request.fault = requested or state.faults.take(call, request.body.decode("utf-8", "replace"))
    request.log_entry.fault = request.fault or None
    await faults.apply_fault(request.fault)
