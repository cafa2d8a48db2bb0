"""The web server as a real process on the test's own database, and raw requests to it."""

import asyncio
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.forked_program import ForkedProgram
from tests.voicegateway.gateway_process import TIMEOUT, process_environment, wait_until

OPENAI_NOWHERE = "http://127.0.0.1:9/v1"


@dataclass(frozen=True)
class Answer:
    """The response to a raw request."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class WebProcess:
    """A web server, killed at the end of its `with` block."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.output_file = folder / "web"
        options = ["config.asgi:application", "--port", "0", "--lifespan", "off", "--no-access-log"]
        with self.output_file.open("w") as output:
            self.process = ForkedProgram(
                "uvicorn",
                *options,
                env=process_environment(OPENAI_NOWHERE) | environment,
                output=output,
                start_new_session=True,
            )
        found = wait_until(lambda: self._find_port() or self.process.poll() is not None, "the web server listens")
        assert isinstance(found, str), self.output
        self.port = int(found)

    def _find_port(self) -> str | None:
        found = re.search(r"running on http://127\.0\.0\.1:(\d+)", self.output)
        return found[1] if found else None

    @property
    def output(self) -> str:
        return self.output_file.read_text()

    async def get(self, path: str, session_key: str = "", **headers: str) -> Answer:
        """Request a path on a connection of its own."""
        if session_key:
            headers["Cookie"] = f"sessionid={session_key}"
        lines = [f"GET {path} HTTP/1.1", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in ({"Host": "127.0.0.1"} | headers).items()]
        return await self.send("\r\n".join([*lines, "", ""]).encode())

    async def send(self, request: bytes) -> Answer:
        """Send bytes, and return the response once the server has closed the connection."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(request)
            head, _, body = (await asyncio.wait_for(reader.read(), TIMEOUT)).partition(b"\r\n\r\n")
        finally:
            writer.close()
        status_line, *lines = head.decode("latin-1").split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines)
        return Answer(int(status_line.split()[1]), headers, body)

    def __enter__(self) -> "WebProcess":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait(TIMEOUT)
