"""Which call goes where, and what happens around every HTTP call: key, faults, ledger, errors."""

import re
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from . import controls, faults, files, models, responses, vector_stores
from .asgi_types import Receive, Scope, Send
from .errors import ApiError, no_api_key, wrong_api_key
from .http import (
    Answer,
    Request,
    Stream,
    error_answer,
    headers_of,
    query_of,
    read_body,
    send_answer,
    send_stream,
)
from .json_types import JSON
from .state import State

Handler: TypeAlias = Callable[..., Awaitable[Answer | Stream]]

ROUTES: tuple[tuple[str, str, Handler], ...] = (
    ("GET", "/health", controls.health),
    ("GET", "/standin/ledger", controls.read_ledger),
    ("DELETE", "/standin/ledger", controls.clear_ledger),
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
    ("GET", "/v1/files/{}/content", files.content),
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
COMPILED = [
    (method, re.compile(re.escape(path).replace(r"\{\}", "([^/]+)")), handler) for method, path, handler in ROUTES
]


def route(method: str, path: str) -> tuple[Handler, tuple[str, ...]]:
    for wanted, pattern, handler in COMPILED:
        if wanted == method and (found := pattern.fullmatch(path)):
            return handler, found.groups()
    raise ApiError(404, f"Invalid URL ({method} {path})")


def check_key(headers: dict[str, str]) -> None:
    """Any key will do, except none and `sk-invalid`."""
    scheme, _, key = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key.strip():
        raise no_api_key()
    if key.strip() == "sk-invalid":
        raise wrong_api_key(key.strip())


async def handle_http(state: State, scope: Scope, receive: Receive, send: Send) -> None:
    try:
        body = await read_body(receive)
    except ApiError as error:
        await send_answer(send, error_answer(error))
        return
    is_ours = not scope["path"].startswith("/v1/")
    request = _request(state, scope, body, noted=not is_ours)
    answer = await _answer(state, request, is_ours)
    request.entry.close(answer.status if isinstance(answer, Answer) else 200)
    sender = faults.breaking_off(send, request.fault)
    if isinstance(answer, Stream):
        await send_stream(sender, answer)
    else:
        await send_answer(sender, answer)


def _request(state: State, scope: Scope, body: bytes, noted: bool) -> Request:
    method, path, headers = scope["method"], scope["path"], headers_of(scope)
    query = scope["query_string"].decode("latin-1")
    entry = state.ledger.open("http", method, path, query, shown_headers(headers), noted=noted)
    entry.size = len(body)
    return Request(method, path, query_of(scope), headers, body, entry)


def shown_headers(headers: dict[str, str]) -> JSON:
    """For the ledger: a key is nobody's business, not even in a test's output."""
    return {name: "Bearer ..." if name == "authorization" else value for name, value in headers.items()}


async def _answer(state: State, request: Request, is_ours: bool) -> Answer | Stream:
    """Ours are the stand-in's own pages: no key, no faults, not in the ledger."""
    try:
        if not is_ours:
            check_key(request.headers)
            await _suffer_faults(state, request)
        handler, ids = route(request.method, request.path)
        return await handler(state, request, *ids)
    except ApiError as error:
        return error_answer(error)


async def _suffer_faults(state: State, request: Request) -> None:
    if request.headers.get("content-type", "").startswith("application/json"):
        request.entry.note(request.json())
    asked = faults.parse(request.headers.get("x-standin-fault", ""))
    call = f"{request.method} {request.path}"
    request.fault = asked or state.faults.take(call, request.body.decode("utf-8", "replace"))
    request.entry.fault = request.fault or None
    await faults.suffer(request.fault)
