"""A realtime conversation through the real SDK that keeps and strictly validates every event it receives."""

import base64
import time
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import orjson

from .strict import server_event_problems

RATE = 24_000
SHORTEST_FRAME_MS = 20


def silence(ms: int) -> bytes:
    return bytes(RATE * ms // 1000 * 2)


def speech(ms: int, loudness: float = 0.3) -> bytes:
    clock = np.arange(RATE * ms // 1000) / RATE
    return (np.sin(2 * np.pi * 220 * clock) * loudness * 32767).astype("<i2").tobytes()


class Talk:
    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.events: list[dict[str, Any]] = []
        self.times: list[float] = []

    async def next(self) -> dict[str, Any]:
        event = orjson.loads(await self.connection.recv_bytes())
        assert server_event_problems(event) == []
        self.events.append(event)
        self.times.append(time.monotonic())
        return event

    async def until(self, kind: str) -> dict[str, Any]:
        """Receive up to and including the next event of this type."""
        while (event := await self.next())["type"] != kind:
            pass
        return event

    async def configure(self, **session: Any) -> dict[str, Any]:
        await self.connection.session.update(session={"type": "realtime", **session})
        return await self.until("session.updated")

    async def append(self, pcm: bytes, frame_ms: int = 100) -> None:
        size = RATE * frame_ms // 1000 * 2
        for start in range(0, len(pcm), size):
            audio = base64.b64encode(pcm[start : start + size]).decode()
            await self.connection.input_audio_buffer.append(audio=audio)

    async def say(self, text: str, **options: Any) -> dict[str, Any]:
        """A typed turn, as the server confirms it."""
        item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}
        await self.connection.conversation.item.create(item=item, **options)
        return await self.until("conversation.item.done")

    async def answer(self, **response: Any) -> dict[str, Any]:
        await self.connection.response.create(response=response)
        return (await self.until("response.done"))["response"]

    async def refused(self) -> dict[str, Any]:
        return (await self.until("error"))["error"]

    def kinds(self) -> list[str]:
        """The types so far, repeated deltas told once."""
        kinds = [event["type"] for event in self.events]
        return [kind for kind, before in zip(kinds, [None, *kinds], strict=False) if kind != before]

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["type"] == kind]


@asynccontextmanager
async def talking(client: Any, **options: Any):
    async with client.realtime.connect(model="gpt-realtime-2.1", **options) as connection:
        talk = Talk(connection)
        await talk.until("session.created")
        yield talk


SERVER_VAD = {"type": "server_vad", "create_response": False, "interrupt_response": False}


def hearing(**turn_detection: Any) -> dict[str, Any]:
    """The audio part of a session that the server listens in, with transcripts."""
    return {"input": {"turn_detection": SERVER_VAD | turn_detection, "transcription": {"model": "gpt-transcribe"}}}


MANUAL = {"input": {"turn_detection": None}}
