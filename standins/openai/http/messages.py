"""HTTP requests, read completely before they are handled, and HTTP responses."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from email.message import Message as Header
from urllib.parse import parse_qs

import orjson

from ..request_log import LoggedRequest
from .asgi_types import Receive, Scope, Send
from .errors import ApiError, bad_request
from .json_types import JSON

MAX_BODY_BYTES = 128 * 1024 * 1024


@dataclass
class FormFile:
    filename: str
    content: bytes


@dataclass
class Request:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    log_entry: LoggedRequest
    fault: JSON = field(default_factory=dict)

    def json(self) -> JSON:
        if not self.body:
            return {}
        try:
            value = orjson.loads(self.body)
        except orjson.JSONDecodeError as error:
            raise bad_request("We could not parse the JSON body of your request.") from error
        if not isinstance(value, dict):
            raise bad_request("The JSON body of your request must be an object.")
        return value

    def form(self) -> tuple[dict[str, str], dict[str, FormFile]]:
        return parse_multipart(self.headers.get("content-type", ""), self.body)


@dataclass
class HTTPResponse:
    body: bytes
    status: int = 200
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class EventStreamResponse:
    """Response of server-sent events."""

    events: AsyncIterator[bytes]


def json_response(body: JSON, status: int = 200) -> HTTPResponse:
    return HTTPResponse(orjson.dumps(body), status)


def error_response(error: ApiError) -> HTTPResponse:
    return HTTPResponse(orjson.dumps(error.body()), error.status, headers=error.headers)


def parse_headers(scope: Scope) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}


def parse_query(scope: Scope) -> dict[str, str]:
    return {name: values[-1] for name, values in parse_qs(scope["query_string"].decode("latin-1")).items()}


async def read_body(receive: Receive) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > MAX_BODY_BYTES:
            raise ApiError(413, "Request body is too large.")
        if not message.get("more_body"):
            return b"".join(chunks)


async def send_response(send: Send, answer: HTTPResponse) -> None:
    await send_response_start(
        send, answer.status, answer.content_type, answer.headers | {"content-length": len(answer.body)}
    )
    await send({"type": "http.response.body", "body": answer.body})


async def send_event_stream(send: Send, stream: EventStreamResponse) -> None:
    await send_response_start(send, 200, "text/event-stream; charset=utf-8", {"cache-control": "no-store"})
    async for event in stream.events:
        await send({"type": "http.response.body", "body": event, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def send_response_start(send: Send, status: int, content_type: str, headers: dict[str, str | int]) -> None:
    named: dict[str, str | int] = {"content-type": content_type, **headers}
    encoded = [(name.encode(), str(value).encode()) for name, value in named.items()]
    await send({"type": "http.response.start", "status": status, "headers": encoded})


def parse_multipart(content_type: str, body: bytes) -> tuple[dict[str, str], dict[str, FormFile]]:
    """Return a form's fields and files, with file contents byte for byte as sent."""
    boundary = _header_parameters(content_type).get("boundary")
    if not boundary:
        raise bad_request("Expected a multipart/form-data request.")
    fields: dict[str, str] = {}
    files: dict[str, FormFile] = {}
    for part in (b"\r\n" + body).split(b"\r\n--" + boundary.encode())[1:-1]:
        head, _, content = part.partition(b"\r\n\r\n")
        parameters = _header_parameters(_content_disposition(head))
        if "filename" in parameters:
            files[parameters["name"]] = FormFile(parameters["filename"], content)
        elif "name" in parameters:
            fields[parameters["name"]] = content.decode()
    return fields, files


def _content_disposition(head: bytes) -> str:
    for line in head.decode("utf-8", "replace").split("\r\n"):
        name, _, value = line.partition(":")
        if name.strip().lower() == "content-disposition":
            return value.strip()
    return ""


def _header_parameters(header: str) -> dict[str, str]:
    parsed = Header()
    parsed["content-type"] = header
    return {name: value for name, value in parsed.get_params([], unquote=True) if isinstance(value, str)}
