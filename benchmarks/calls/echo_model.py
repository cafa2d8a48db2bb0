"""Model side of a call benchmark: it echoes microphone audio frame by frame during a scripted conversation."""

import asyncio
from itertools import count

import orjson

from benchmarks.calls.websocket_frames import WebSocketServerProtocol

CALLER_SECONDS, COUNSELOR_SECONDS = 10.0, 1.5  # length of the caller's and of the counselor's turn
WORD_EVERY = 0.3  # seconds between transcript deltas
GOLDEN_RATIO = 0.618034  # spreads the calls' first turns evenly over time
AUDIO = b'"audio":"'
APPEND = b'{"type":"input_audio_buffer.append"'
DELTA = b'{"type":"response.output_audio.delta","event_id":"e","output_index":0,"content_index":0,"delta":"'


class EchoModel(WebSocketServerProtocol):
    """Model that waits for `response.create` in gateway calls, and sends responses on its own in relay calls."""

    instances: set["EchoModel"] = set()

    def __init__(self) -> None:
        super().__init__()
        self.on_message = self._receive
        self.echoed_frames = 0
        self.heard_ms = 0
        self.delta_suffix: bytes | None = None
        self.talk_task: asyncio.Task[None] | None = None
        self.response_requested = asyncio.Event()
        self.turns = count(1)
        # Keep the calls out of step: each starts somewhere in the first half of the caller's first turn.
        self.first_response_seconds = CALLER_SECONDS * (1 - len(self.instances) * GOLDEN_RATIO % 1.0 / 2)
        self.instances.add(self)

    def handle_head(self, head: bytes) -> None:
        super().handle_head(head)
        if not self.is_open:
            self.instances.discard(self)
            return
        talk = self._run_relay_call() if self.path.startswith("/relay") else self._run_gateway_call()
        self.talk_task = asyncio.ensure_future(talk)

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        if self.talk_task:
            self.talk_task.cancel()

    def _receive(self, opcode: int, payload: bytes) -> None:
        if payload.startswith(APPEND):
            self.heard_ms += 20
            if self.delta_suffix is not None:
                start = payload.find(AUDIO, len(APPEND)) + len(AUDIO)
                self.send(DELTA + payload[start : payload.rindex(b'"')] + self.delta_suffix)
                self.echoed_frames += 1
            return
        event = orjson.loads(payload)
        if event["type"] == "session.update":
            self._send_event("session.created", session={})
            self._send_event("session.updated", session={})
        elif event["type"] == "response.create":
            self.response_requested.set()

    def _send_event(self, kind: str, **fields: object) -> None:
        self.send(orjson.dumps({"type": kind, "event_id": "e", **fields}))

    async def _run_relay_call(self) -> None:
        for turn in self.turns:
            self.delta_suffix = b'"}'
            await asyncio.sleep(CALLER_SECONDS if turn > 1 else self.first_response_seconds)
            self.delta_suffix = None
            await asyncio.sleep(COUNSELOR_SECONDS)

    async def _run_gateway_call(self) -> None:
        previous: str | None = None
        for turn in self.turns:
            await self.response_requested.wait()
            self.response_requested.clear()
            previous = await self._send_response(turn, previous)
            previous = await self._send_user_turn(turn, previous)

    async def _send_response(self, turn: int, previous: str | None) -> str:
        response, item = f"resp_{turn}", f"caller_{turn}"
        about = {"response_id": response, "item_id": item, "output_index": 0, "content_index": 0}
        message = {"id": item, "type": "message", "role": "assistant", "content": []}
        self._send_event("response.created", response={"id": response, "status": "in_progress"})
        self._send_event("response.output_item.added", response_id=response, output_index=0, item=message)
        self._send_event("conversation.item.added", previous_item_id=previous, item=message)
        self.delta_suffix = f'","response_id":"{response}","item_id":"{item}"}}'.encode()
        for _ in range(max(1, round((CALLER_SECONDS if turn > 1 else self.first_response_seconds) / WORD_EVERY))):
            self._send_event("response.output_audio_transcript.delta", **about, delta="a word or two ")
            await asyncio.sleep(WORD_EVERY)
        self.delta_suffix = None
        self._send_event("response.output_audio.done", **about)
        self._send_event("response.output_audio_transcript.done", **about, transcript="a word or two " * 33)
        self._send_event("response.output_item.done", response_id=response, output_index=0, item=message)
        self._send_event("response.done", response={"id": response, "status": "completed", "output": []})
        return item

    async def _send_user_turn(self, turn: int, previous: str | None) -> str:
        item = f"user_{turn}"
        await asyncio.sleep(COUNSELOR_SECONDS / 2)
        self._send_event("input_audio_buffer.speech_started", item_id=item, audio_start_ms=max(0, self.heard_ms - 200))
        await asyncio.sleep(COUNSELOR_SECONDS / 2)
        self._send_event("input_audio_buffer.speech_stopped", item_id=item, audio_end_ms=self.heard_ms)
        self._send_event("input_audio_buffer.committed", item_id=item, previous_item_id=previous)
        message = {"id": item, "type": "message", "role": "user", "content": []}
        self._send_event("conversation.item.added", previous_item_id=previous, item=message)
        kind = "conversation.item.input_audio_transcription.completed"
        self._send_event(kind, item_id=item, content_index=0, transcript="That sounds lonely. And what happened then?")
        return item
