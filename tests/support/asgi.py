"""ASGI requests in parts, and applications that read them."""

from collections.abc import Iterator, Sequence
from typing import Any


class AsgiExchange:
    """One ASGI request whose body arrives in parts, and the response to it."""

    def __init__(
        self,
        parts: list[bytes],
        path: str = "/",
        length: str | None = None,
        accept: str = "*/*",
        host: str = "testserver",
        method: str = "POST",
        headers: Sequence[tuple[bytes, bytes]] = (),
        client: str = "127.0.0.1",
    ) -> None:
        headers = [(b"host", host.encode()), (b"accept", accept.encode()), *headers]
        if length is not None:
            headers.append((b"content-length", length.encode()))
        self.scope = {
            "type": "http",
            "http_version": "1.1",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "headers": headers,
            "scheme": "http",
            "server": ("testserver", 80),
            "client": (client, 1),
        }
        self.parts: Iterator[bytes] = iter(parts)
        self.left, self.taken = len(parts), 0
        self.sent: list[dict[str, Any]] = []

    async def receive(self) -> dict[str, Any]:
        self.left -= 1
        self.taken += 1
        return {"type": "http.request", "body": next(self.parts), "more_body": self.left > 0}

    async def send(self, event: dict[str, Any]) -> None:
        self.sent.append(event)

    @property
    def status(self) -> int:
        return self.sent[0]["status"]

    @property
    def body(self) -> bytes:
        return b"".join(event.get("body", b"") for event in self.sent[1:])


class BodyReader:
    """ASGI application that reads the whole body, as Django does, and answers with its size in bytes."""

    def __init__(self) -> None:
        self.was_called = False

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.was_called = True
        size, more = 0, True
        while more:
            event = await receive()
            if event["type"] == "http.disconnect":
                return
            size += len(event["body"])
            more = event["more_body"]
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": str(size).encode()})
