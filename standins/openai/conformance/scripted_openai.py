"""Scripted OpenAI server: a script drives every connection that the product opens."""

import asyncio
import time
from base64 import b64encode
from collections.abc import Mapping
from typing import Any

import orjson

from ..app import OpenAIStandin
from ..http.asgi_types import Receive, Scope, Send
from ..http.json_types import JSON
from .audio import SAMPLE_RATE, tone
from .expectations import ExpectationError, wait_for


class ScriptedConnection:
    """One realtime connection, from the handshake to the close."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope, self.receive, self._send = scope, receive, send
        self.received_events: list[JSON] = []
        self.audio_bytes = 0
        self.opened_at = time.monotonic()
        self.closed = asyncio.Event()
        self.is_unresponsive = False
        self.event_count = 0

    # Received events

    def events_of_type(self, kind: str) -> list[JSON]:
        return [event for event in self.received_events if event.get("type") == kind]

    async def wait_for_event(self, kind: str, number: int = 1) -> JSON:
        found = await wait_for(
            lambda: self.events_of_type(kind)[number - 1 : number] or self.closed.is_set(),
            f"the product sends {kind}",
        )
        if not isinstance(found, list):
            raise ExpectationError(f"the connection closed before the product sent {kind}")
        event: JSON = found[0]
        return event

    async def wait_for_history(self, count: int) -> list[tuple[str, str]]:
        """Wait for `count` replayed turns. Return the role and text of every turn that has arrived.

        They follow `session.update` as separate messages, so a session can be confirmed before they arrive.
        """
        await self.wait_for_event("conversation.item.create", count)
        items: list[Any] = [event["item"] for event in self.events_of_type("conversation.item.create")]
        return [(item["role"], item["content"][0]["text"]) for item in items]

    @property
    def received_audio_ms(self) -> int:
        return self.audio_bytes * 1000 // (2 * SAMPLE_RATE)

    # Sent events

    async def send_event(self, kind: str, **fields: Any) -> None:
        self.event_count += 1
        await self.send_text(orjson.dumps({"type": kind, "event_id": f"event_{self.event_count}", **fields}).decode())

    async def send_text(self, text: str) -> None:
        await self._send({"type": "websocket.send", "text": text})

    async def send_bytes(self, data: bytes) -> None:
        await self._send({"type": "websocket.send", "bytes": data})

    async def close(self, code: int) -> None:
        await self._send({"type": "websocket.close", "code": code})
        self.closed.set()

    def abort(self) -> None:
        """Drop the connection without a close frame, as if the network were gone."""
        self.scope["standin.abort"]()
        self.closed.set()

    # Usual sequences of events

    async def confirm_session(self, expires_in: float | None = None) -> None:
        session: dict[str, Any] = {"type": "realtime", "id": "sess_1"}
        if expires_in is not None:
            session["expires_at"] = int(time.time() + expires_in)
        await self.send_event("session.created", session=session)
        await self.wait_for_event("session.update")
        await self.send_event("session.updated", session=session)

    async def send_item_added(self, item: str, previous: str | None, role: str, **fields: Any) -> None:
        message = {"id": item, "type": "message", "role": role, "content": [], **fields}
        await self.send_event("conversation.item.added", previous_item_id=previous, item=message)

    async def send_user_speech(self, item: str, previous: str | None, since_ms: int, words: str | None = None) -> None:
        """Send a user turn that was spoken from `since_ms` until now, with its transcript if `words` is given."""
        await self.send_event("input_audio_buffer.speech_started", item_id=item, audio_start_ms=since_ms)
        await self.send_event("input_audio_buffer.speech_stopped", item_id=item, audio_end_ms=self.received_audio_ms)
        await self.send_event("input_audio_buffer.committed", item_id=item, previous_item_id=previous)
        await self.send_item_added(item, previous, "user")
        if words is not None:
            await self.send_user_transcript(item, words)

    async def send_user_transcript(self, item: str, words: str) -> None:
        kind = "conversation.item.input_audio_transcription.completed"
        await self.send_event(kind, item_id=item, content_index=0, transcript=words)

    async def send_response_created(self, response: str) -> None:
        await self.send_event("response.created", response={"id": response, "status": "in_progress", "output": []})

    async def send_output_item(self, response: str, item: str, previous: str | None) -> None:
        message = {"id": item, "type": "message", "role": "assistant", "content": []}
        await self.send_event("response.output_item.added", response_id=response, output_index=0, item=message)
        await self.send_item_added(item, previous, "assistant")

    async def send_audio(self, response: str, item: str, ms: int, pcm: bytes | None = None) -> None:
        position = {"response_id": response, "item_id": item, "output_index": 0, "content_index": 0}
        audio = b64encode(tone(ms) if pcm is None else pcm).decode()
        await self.send_event("response.output_audio.delta", **position, delta=audio)

    async def send_transcript_delta(self, response: str, item: str, words: str) -> None:
        position = {"response_id": response, "item_id": item, "output_index": 0, "content_index": 0}
        await self.send_event("response.output_audio_transcript.delta", **position, delta=words)

    async def send_transcript_done(self, response: str, item: str, words: str) -> None:
        position = {"response_id": response, "item_id": item, "output_index": 0, "content_index": 0}
        await self.send_event("response.output_audio.done", **position)
        await self.send_event("response.output_audio_transcript.done", **position, transcript=words)

    async def send_response_done(self, response: str, status: str = "completed", **fields: Any) -> None:
        body = {"id": response, "status": status, "output": [], **fields}
        await self.send_event("response.done", response=body)

    async def send_whole_response(
        self, response: str, item: str, previous: str | None, words: str, ms: int = 400
    ) -> None:
        """Send a complete response of one item."""
        await self.send_response_created(response)
        await self.send_output_item(response, item, previous)
        await self.send_transcript_delta(response, item, words)
        await self.send_audio(response, item, ms)
        await self.send_transcript_done(response, item, words)
        await self.send_response_done(response)

    async def receive_events(self) -> None:
        while not self.closed.is_set():
            if self.is_unresponsive:
                await self.closed.wait()
                return
            message = await self.receive()
            if message["type"] == "websocket.disconnect":
                break
            event = orjson.loads(message.get("text") or message.get("bytes") or b"{}")
            if event.get("type") == "input_audio_buffer.append":
                self.audio_bytes += len(event["audio"]) * 3 // 4
            else:
                self.received_events.append(event)
        self.closed.set()


class ScriptedOpenAI:
    """ASGI app for every OpenAI address. HTTP goes to the stand-in; a script controls each realtime connection."""

    def __init__(self) -> None:
        self.standin = OpenAIStandin()
        self.connections: list[ScriptedConnection] = []
        # Status codes that reject the next handshakes; None leaves the handshake unanswered.
        self.handshake_refusals: list[int | None] = []
        self.refused_at: list[float] = []
        self.refusal_for_all = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            await self.standin(scope, receive, send)
            return
        await receive()
        if self.handshake_refusals or self.refusal_for_all:
            await self._refuse(
                self.handshake_refusals.pop(0) if self.handshake_refusals else self.refusal_for_all, send
            )
            return
        await send({"type": "websocket.accept"})
        connection = ScriptedConnection(scope, receive, send)
        self.connections.append(connection)
        await connection.receive_events()

    async def _refuse(self, status: int | None, send: Send) -> None:
        self.refused_at.append(time.monotonic())
        if status is None:
            await asyncio.sleep(30)
            return
        body: Mapping[str, Any] = {"error": {"message": "no", "code": "refused"}}
        headers = [(b"content-type", b"application/json")]
        await send({"type": "websocket.http.response.start", "status": status, "headers": headers})
        await send({"type": "websocket.http.response.body", "body": orjson.dumps(body)})

    async def wait_for_connection(self, number: int) -> ScriptedConnection:
        """Wait for the n-th connection of this script, counted from 1, and return it."""
        await wait_for(lambda: len(self.connections) >= number, f"the product opens connection {number} to OpenAI")
        return self.connections[number - 1]

    def reset(self) -> None:
        for connection in self.connections:
            connection.closed.set()
        self.connections, self.handshake_refusals, self.refused_at, self.refusal_for_all = [], [], [], 0
