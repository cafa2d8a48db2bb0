"""HTTP server that answers like servers other than OpenAI's behind the base URL, with prepared bodies."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any


@dataclass
class PreparedAnswer:
    """One answer. A `str` or `bytes` body is sent as it is, anything else as JSON."""

    body: Any = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)

    def content(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        return self.body.encode() if isinstance(self.body, str) else json.dumps(self.body).encode()

    def all_headers(self) -> dict[str, str]:
        is_text = isinstance(self.body, bytes | str)
        return {"Content-Type": "text/html" if is_text else "application/json"} | self.headers


@dataclass
class ForeignServer:
    """Prepared answers by `METHOD path`, and the requests that arrived. The last answer of a list is repeated."""

    base_url: str = ""
    answers: dict[str, list[PreparedAnswer]] = field(default_factory=dict)
    requests: list[tuple[str, dict[str, str], Any]] = field(default_factory=list)

    def prepare(self, call: str, *answers: PreparedAnswer) -> None:
        self.answers[call] = list(answers)

    def take(self, call: str) -> PreparedAnswer:
        prepared = self.answers.get(call) or [PreparedAnswer({"detail": "Not Found"}, 404)]
        return prepared.pop(0) if len(prepared) > 1 else prepared[0]


def event_stream(*events: Any) -> PreparedAnswer:
    """Return server-sent events. A `str` is sent as a raw line, anything else as the data of one event."""
    lines = [event if isinstance(event, str) else f"data: {json.dumps(event)}" for event in events]
    return PreparedAnswer("".join(f"{line}\n\n" for line in lines), headers={"Content-Type": "text/event-stream"})


@contextmanager
def foreign_server() -> Iterator[ForeignServer]:
    """Yield a server on a free port, which runs as long as this context."""
    known = ForeignServer()

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            content = self.rfile.read(length)
            is_json = self.headers.get("Content-Type", "").startswith("application/json")
            call = f"{self.command} {self.path.partition('?')[0]}"
            known.requests.append((call, dict(self.headers), json.loads(content) if is_json and content else content))
            prepared = known.take(call)
            body = prepared.content()
            self.send_response(prepared.status)
            for name, value in ({"Content-Length": str(len(body))} | prepared.all_headers()).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_DELETE = answer

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    known.base_url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    try:
        yield known
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
