"""Realtime client on the real SDK that keeps and strictly validates every event it receives."""

import base64
import time
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import orjson

from .sdk_type_validation import server_event_problems

SAMPLE_RATE = 24_000
SHORTEST_FRAME_MS = 20
LONG_LINE = "I am still here, and I can wait. " * 20


def silence(ms: int) -> bytes:
    return bytes(SAMPLE_RATE * ms // 1000 * 2)


def speech(ms: int, loudness: float = 0.3) -> bytes:
    clock = np.arange(SAMPLE_RATE * ms // 1000) / SAMPLE_RATE
    return (np.sin(2 * np.pi * 220 * clock) * loudness * 32767).astype("<i2").tobytes()


class RealtimeTestClient:
    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.events: list[dict[str, Any]] = []
        self.event_times: list[float] = []

    async def receive(self) -> dict[str, Any]:
        event = orjson.loads(await self.connection.recv_bytes())
        assert server_event_problems(event) == []
        self.events.append(event)
        self.event_times.append(time.monotonic())
        return event

    async def receive_until(self, kind: str) -> dict[str, Any]:
        """Receive events up to and including the next one of this type, and return that one."""
        while (event := await self.receive())["type"] != kind:
            pass
        return event

    async def configure(self, **session: Any) -> dict[str, Any]:
        await self.connection.session.update(session={"type": "realtime", **session})
        return await self.receive_until("session.updated")

    async def append_audio(self, pcm: bytes, frame_ms: int = 100) -> None:
        size = SAMPLE_RATE * frame_ms // 1000 * 2
        for start in range(0, len(pcm), size):
            audio = base64.b64encode(pcm[start : start + size]).decode()
            await self.connection.input_audio_buffer.append(audio=audio)

    async def send_text(self, text: str, **options: Any) -> dict[str, Any]:
        """Send a typed turn and return the event that confirms it."""
        item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}
        await self.connection.conversation.item.create(item=item, **options)
        return await self.receive_until("conversation.item.done")

    async def request_response(self, **response: Any) -> dict[str, Any]:
        await self.connection.response.create(response=response)
        return (await self.receive_until("response.done"))["response"]

    async def start_long_response(self) -> None:
        """Start a response that takes seconds even at the speed of the tests, and receive its first audio."""
        await self.connection.response.create(response={"instructions": f"Say exactly this: ««{LONG_LINE}»»"})
        await self.receive_until("response.output_audio.delta")

    async def receive_error(self) -> dict[str, Any]:
        return (await self.receive_until("error"))["error"]

    def event_types(self) -> list[str]:
        """Return the types of the events so far, with runs of the same type reduced to one."""
        kinds = [event["type"] for event in self.events]
        return [kind for kind, before in zip(kinds, [None, *kinds], strict=False) if kind != before]

    def events_of_type(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["type"] == kind]


@asynccontextmanager
async def connect_realtime(client: Any, **options: Any):
    async with client.realtime.connect(model="gpt-realtime-2.1", **options) as connection:
        realtime = RealtimeTestClient(connection)
        await realtime.receive_until("session.created")
        yield realtime


SERVER_VAD = {"type": "server_vad", "create_response": False, "interrupt_response": False}


def server_vad_audio(**turn_detection: Any) -> dict[str, Any]:
    """Return the audio settings of a session with server VAD and transcripts."""
    return {"input": {"turn_detection": SERVER_VAD | turn_detection, "transcription": {"model": "gpt-transcribe"}}}


MANUAL_TURN_AUDIO = {"input": {"turn_detection": None}}
