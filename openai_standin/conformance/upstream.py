"""OpenAI's end, in the hands of a script: every connection of the product is laid before it, and does what it says."""

import asyncio
import time
from base64 import b64encode
from collections.abc import Mapping
from typing import Any

import orjson

from ..app import Standin
from ..asgi_types import Receive, Scope, Send
from ..json_types import JSON
from .expectation import Broken, wait_for
from .sound import RATE, tone

Place = tuple[str, str | None, str]


class Connection:
    """One realtime connection, from the handshake to its end."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope, self.receive, self._send = scope, receive, send
        self.heard: list[JSON] = []
        self.audio_bytes = 0
        self.opened_at = time.monotonic()
        self.over = asyncio.Event()
        self.is_deaf = False
        self.numbers = 0

    # What it is told

    def of(self, kind: str) -> list[JSON]:
        return [event for event in self.heard if event.get("type") == kind]

    async def wait_for(self, kind: str, number: int = 1, seconds: float = 6.0) -> JSON:
        found = await wait_for(
            lambda: self.of(kind)[number - 1 : number] or self.over.is_set(), f"upstream is sent {kind}", seconds
        )
        if not isinstance(found, list):
            raise Broken(f"the connection ended before it was sent {kind}")
        event: JSON = found[0]
        return event

    @property
    def heard_ms(self) -> int:
        return self.audio_bytes * 1000 // (2 * RATE)

    # What it says

    async def say(self, kind: str, **fields: Any) -> None:
        self.numbers += 1
        await self.say_raw(orjson.dumps({"type": kind, "event_id": f"event_{self.numbers}", **fields}).decode())

    async def say_raw(self, text: str) -> None:
        await self._send({"type": "websocket.send", "text": text})

    async def say_bytes(self, data: bytes) -> None:
        await self._send({"type": "websocket.send", "bytes": data})

    async def close(self, code: int) -> None:
        await self._send({"type": "websocket.close", "code": code})
        self.over.set()

    def cut(self) -> None:
        """The network is gone, without a word."""
        self.scope["standin.abort"]()
        self.over.set()

    # The usual course of things

    async def greet(self, expires_in: float | None = None) -> None:
        session: dict[str, Any] = {"type": "realtime", "id": "sess_1"}
        if expires_in is not None:
            session["expires_at"] = int(time.time() + expires_in)
        await self.say("session.created", session=session)
        await self.wait_for("session.update")
        await self.say("session.updated", session=session)

    async def added(self, item: str, previous: str | None, role: str, **fields: Any) -> None:
        message = {"id": item, "type": "message", "role": role, "content": [], **fields}
        await self.say("conversation.item.added", previous_item_id=previous, item=message)

    async def hears(self, item: str, previous: str | None, since_ms: int, words: str | None = None) -> None:
        """Speech from there until now, taken for a turn."""
        await self.say("input_audio_buffer.speech_started", item_id=item, audio_start_ms=since_ms)
        await self.say("input_audio_buffer.speech_stopped", item_id=item, audio_end_ms=self.heard_ms)
        await self.say("input_audio_buffer.committed", item_id=item, previous_item_id=previous)
        await self.added(item, previous, "user")
        if words is not None:
            await self.understood(item, words)

    async def understood(self, item: str, words: str) -> None:
        kind = "conversation.item.input_audio_transcription.completed"
        await self.say(kind, item_id=item, content_index=0, transcript=words)

    async def begins(self, response: str) -> None:
        await self.say("response.created", response={"id": response, "status": "in_progress", "output": []})

    async def item(self, response: str, item: str, previous: str | None) -> None:
        message = {"id": item, "type": "message", "role": "assistant", "content": []}
        await self.say("response.output_item.added", response_id=response, output_index=0, item=message)
        await self.added(item, previous, "assistant")

    async def sound(self, response: str, item: str, ms: int, pcm: bytes | None = None) -> None:
        about = {"response_id": response, "item_id": item, "output_index": 0, "content_index": 0}
        audio = b64encode(tone(ms) if pcm is None else pcm).decode()
        await self.say("response.output_audio.delta", **about, delta=audio)

    async def text(self, response: str, item: str, words: str) -> None:
        about = {"response_id": response, "item_id": item, "output_index": 0, "content_index": 0}
        await self.say("response.output_audio_transcript.delta", **about, delta=words)

    async def whole(self, response: str, item: str, words: str) -> None:
        about = {"response_id": response, "item_id": item, "output_index": 0, "content_index": 0}
        await self.say("response.output_audio.done", **about)
        await self.say("response.output_audio_transcript.done", **about, transcript=words)

    async def done(self, response: str, status: str = "completed", **fields: Any) -> None:
        body = {"id": response, "status": status, "output": [], **fields}
        await self.say("response.done", response=body)

    async def speaks(self, response: str, item: str, previous: str | None, words: str, ms: int = 400) -> None:
        """A whole response of one item."""
        await self.begins(response)
        await self.item(response, item, previous)
        await self.text(response, item, words)
        await self.sound(response, item, ms)
        await self.whole(response, item, words)
        await self.done(response)

    async def listen(self) -> None:
        while not self.over.is_set():
            if self.is_deaf:
                await self.over.wait()
                return
            message = await self.receive()
            if message["type"] == "websocket.disconnect":
                break
            event = orjson.loads(message.get("text") or message.get("bytes") or b"{}")
            if event.get("type") == "input_audio_buffer.append":
                self.audio_bytes += len(event["audio"]) * 3 // 4
            else:
                self.heard.append(event)
        self.over.set()


class Upstream:
    """Every address of OpenAI's: HTTP is the stand-in's own, each realtime connection waits for its script."""

    def __init__(self) -> None:
        self.standin = Standin()
        self.connections: list[Connection] = []
        # Status codes with which the next handshakes are refused; None: it is not answered at all.
        self.refusals: list[int | None] = []
        self.refused_at: list[float] = []
        self.refuses_all_with = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            await self.standin(scope, receive, send)
            return
        await receive()
        if self.refusals or self.refuses_all_with:
            await self._refuse(self.refusals.pop(0) if self.refusals else self.refuses_all_with, send)
            return
        await send({"type": "websocket.accept"})
        connection = Connection(scope, receive, send)
        self.connections.append(connection)
        await connection.listen()

    async def _refuse(self, status: int | None, send: Send) -> None:
        self.refused_at.append(time.monotonic())
        if status is None:
            await asyncio.sleep(30)
            return
        body: Mapping[str, Any] = {"error": {"message": "no", "code": "refused"}}
        headers = [(b"content-type", b"application/json")]
        await send({"type": "websocket.http.response.start", "status": status, "headers": headers})
        await send({"type": "websocket.http.response.body", "body": orjson.dumps(body)})

    async def connection(self, number: int, seconds: float = 6.0) -> Connection:
        """The n-th of this script, from 1."""
        await wait_for(lambda: len(self.connections) >= number, f"connection {number} to OpenAI", seconds)
        return self.connections[number - 1]

    def forget(self) -> None:
        for connection in self.connections:
            connection.over.set()
        self.connections, self.refusals, self.refused_at, self.refuses_all_with = [], [], [], 0
