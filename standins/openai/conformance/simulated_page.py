"""Simulated counselor page: a microphone and a loudspeaker that share a clock, and the call's socket."""

import asyncio
import struct
import time
from contextlib import suppress
from typing import Any

import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from .audio import FRAME_SAMPLES, SAMPLE_RATE, room_noise, tone
from .expectations import wait_for

HEADER = struct.Struct("<BBHI")
FRAMES_PER_REPORT = 5  # 20 ms frames between two `played` reports
SPEECH, ROOM_NOISE = tone(2000), room_noise(2000)


class SimulatedPage:
    """Page that plays received audio in real time and reports exactly what it played.

    `is_speaking` switches the microphone between speech and room noise.
    """

    def __init__(self) -> None:
        self.socket: ClientConnection | None = None
        self.messages: list[dict[str, Any]] = []
        self.message_times: list[float] = []
        self.is_speaking = False
        self.microphone_samples = 0
        self.received_samples: dict[int, int] = {}
        self.item_samples: dict[int, int] = {}
        self.played_samples: dict[int, int] = {}
        self.frames: list[tuple[int, int]] = []  # (item number, samples)
        self.is_paused = False
        self.close_code = 0
        self.tasks: list[asyncio.Task[None]] = []

    async def open_call(self, url: str, origin: str, ticket: str) -> None:
        protocols: Any = ["steadyline.v1", f"ticket.{ticket}"]
        self.socket = await connect(url, origin=origin, subprotocols=protocols, compression=None, proxy=None)  # type: ignore[arg-type]
        await self.send_message(type="hello", last_revision=0)
        self.tasks = [asyncio.create_task(self._read()), asyncio.create_task(self._run_clock())]

    async def send_message(self, **message: Any) -> None:
        if self.socket:
            with suppress(WebSocketException):
                await self.socket.send(orjson.dumps(message).decode())

    def messages_of_type(self, kind: str) -> list[dict[str, Any]]:
        return [message for message in self.messages if message["type"] == kind]

    def notices(self) -> list[str]:
        return [message["code"] for message in self.messages_of_type("notice")]

    async def wait_for_message(self, kind: str, number: int = 1) -> dict[str, Any]:
        found = await wait_for(lambda: self.messages_of_type(kind)[number - 1 : number], f"the page receives {kind}")
        return found[0]

    async def wait_for_notice(self, code: str) -> float:
        """Wait for a notice with this code and return when it arrived, in seconds of the monotonic clock."""

        def arrival_times() -> list[float]:
            received = zip(self.messages, self.message_times, strict=True)
            return [at for message, at in received if message["type"] == "notice" and message["code"] == code]

        return (await wait_for(arrival_times, f"the page receives the notice {code}"))[0]

    async def wait_for_sound(self, ms: int, item: int = 1) -> None:
        await wait_for(
            lambda: self.played_samples.get(item, 0) >= ms * SAMPLE_RATE // 1000, f"{ms} ms of item {item} are played"
        )

    async def wait_for_turn(self, words: str) -> dict[str, Any]:
        """Wait for a final turn with exactly these words and return it."""

        def matching_turns() -> list[dict[str, Any]]:
            return [turn for turn in self.messages_of_type("turn") if turn["final"] and turn["text"] == words]

        return (await wait_for(matching_turns, f"the page receives the turn “{words}”"))[0]

    async def wait_for_microphone(self, ms: int) -> None:
        """Wait until another `ms` of microphone audio has been sent."""
        until = self.microphone_samples + ms * SAMPLE_RATE // 1000
        await wait_for(
            lambda: self.microphone_samples >= until or self.close_code, f"{ms} ms of microphone audio are sent"
        )

    async def close(self) -> None:
        for task in self.tasks:
            task.cancel()
        if self.socket:
            await self.socket.close()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def _read(self) -> None:
        assert self.socket
        try:
            async for message in self.socket:
                if isinstance(message, bytes):
                    self._receive_audio(message)
                else:
                    await self._receive_message(orjson.loads(message))
        except ConnectionClosed:
            pass
        self.close_code = self.socket.protocol.close_code or 1006

    def _receive_audio(self, message: bytes) -> None:
        _, _, item, _ = HEADER.unpack_from(message)
        samples = (len(message) - HEADER.size) // 2
        self.received_samples[item] = self.received_samples.get(item, 0) + samples
        self.frames.append((item, samples))

    async def _receive_message(self, message: dict[str, Any]) -> None:
        self.messages.append(message)
        self.message_times.append(time.monotonic())
        match message:
            case {"type": "item_end", "item": item, "samples": samples}:
                self.item_samples[item] = samples
                if self.played_samples.get(item, 0) == samples:
                    await self._report_played(item, final=True)
            case {"type": "pause" | "resume" as kind}:
                self.is_paused = kind == "pause"
            case {"type": "flush", "item": item}:
                self.is_paused = False
                self.received_samples = {
                    number: count for number, count in self.received_samples.items() if number < item
                }
                await self._report_played(item, final=True)

    async def _run_clock(self) -> None:
        began = time.monotonic()
        while True:
            while self.microphone_samples + FRAME_SAMPLES <= (time.monotonic() - began) * SAMPLE_RATE:
                await self._send_frame()
            await asyncio.sleep(0.01)

    async def _send_frame(self) -> None:
        source = SPEECH if self.is_speaking else ROOM_NOISE
        at = 2 * self.microphone_samples % len(source)
        pcm = source[at : at + 2 * FRAME_SAMPLES]
        assert self.socket
        with suppress(WebSocketException):
            await self.socket.send(HEADER.pack(1, 0, 0, self.microphone_samples & 0xFFFFFFFF) + pcm)
        self.microphone_samples += FRAME_SAMPLES
        await self._play_frame()

    async def _play_frame(self) -> None:
        remaining = FRAME_SAMPLES
        for item in sorted(self.received_samples) if not self.is_paused else []:
            played = min(remaining, self.received_samples[item] - self.played_samples.get(item, 0))
            if played > 0:
                self.played_samples[item] = self.played_samples.get(item, 0) + played
                remaining -= played
                is_last = self.played_samples[item] == self.item_samples.get(item)
                if is_last or self.microphone_samples // FRAME_SAMPLES % FRAMES_PER_REPORT == 0:
                    await self._report_played(item, final=is_last)
            if self.played_samples.get(item, 0) != self.item_samples.get(item):
                break

    async def _report_played(self, item: int, final: bool) -> None:
        samples = self.played_samples.get(item, 0)
        await self.send_message(
            type="played", item=item, samples=samples, at_mic_sample=self.microphone_samples, final=final
        )
