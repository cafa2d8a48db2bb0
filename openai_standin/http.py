"""HTTP as this app sees it: one request read whole, and the three kinds of answer."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from email.message import Message as Header
from urllib.parse import parse_qs

import orjson

from .asgi_types import Receive, Scope, Send
from .errors import ApiError, bad_request
from .json_types import JSON
from .ledger import Entry

MAX_BODY = 128 * 1024 * 1024


@dataclass
class Upload:
    filename: str
    content: bytes


@dataclass
class Request:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    entry: Entry
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

    def form(self) -> tuple[dict[str, str], dict[str, Upload]]:
        return parse_multipart(self.headers.get("content-type", ""), self.body)


@dataclass
class Answer:
    body: bytes
    status: int = 200
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Stream:
    """Server-sent events."""

    events: AsyncIterator[bytes]


def json_answer(body: JSON, status: int = 200) -> Answer:
    return Answer(orjson.dumps(body), status)


def error_answer(error: ApiError) -> Answer:
    return Answer(orjson.dumps(error.body()), error.status, headers=error.headers)


def headers_of(scope: Scope) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}


def query_of(scope: Scope) -> dict[str, str]:
    return {name: values[-1] for name, values in parse_qs(scope["query_string"].decode("latin-1")).items()}


async def read_body(receive: Receive) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > MAX_BODY:
            raise ApiError(413, "Request body is too large.")
        if not message.get("more_body"):
            return b"".join(chunks)


async def send_answer(send: Send, answer: Answer) -> None:
    await send_start(send, answer.status, answer.content_type, answer.headers | {"content-length": len(answer.body)})
    await send({"type": "http.response.body", "body": answer.body})


async def send_stream(send: Send, stream: Stream) -> None:
    await send_start(send, 200, "text/event-stream; charset=utf-8", {"cache-control": "no-store"})
    async for event in stream.events:
        await send({"type": "http.response.body", "body": event, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def send_start(send: Send, status: int, content_type: str, headers: dict[str, str | int]) -> None:
    named: dict[str, str | int] = {"content-type": content_type, **headers}
    encoded = [(name.encode(), str(value).encode()) for name, value in named.items()]
    await send({"type": "http.response.start", "status": status, "headers": encoded})


def parse_multipart(content_type: str, body: bytes) -> tuple[dict[str, str], dict[str, Upload]]:
    """The fields and files of a form. Bytes stay exactly as they came."""
    boundary = _parameters(content_type).get("boundary")
    if not boundary:
        raise bad_request("Expected a multipart/form-data request.")
    fields: dict[str, str] = {}
    files: dict[str, Upload] = {}
    for part in (b"\r\n" + body).split(b"\r\n--" + boundary.encode())[1:-1]:
        head, _, content = part.partition(b"\r\n\r\n")
        parameters = _parameters(_disposition(head))
        if "filename" in parameters:
            files[parameters["name"]] = Upload(parameters["filename"], content)
        elif "name" in parameters:
            fields[parameters["name"]] = content.decode()
    return fields, files


def _disposition(head: bytes) -> str:
    for line in head.decode("utf-8", "replace").split("\r\n"):
        name, _, value = line.partition(":")
        if name.strip().lower() == "content-disposition":
            return value.strip()
    return ""


def _parameters(header: str) -> dict[str, str]:
    parsed = Header()
    parsed["content-type"] = header
    return {name: value for name, value in parsed.get_params([], unquote=True) if isinstance(value, str)}
