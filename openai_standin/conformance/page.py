"""A counselor's page: a microphone and a loudspeaker on one clock, and a socket."""

import asyncio
import struct
import time
from contextlib import suppress
from typing import Any

import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from .expectation import wait_for
from .sound import FRAME, RATE, room, tone

HEADER = struct.Struct("<BBHI")
REPORT_EVERY = 5  # frames
SPEECH, ROOM = tone(2000), room(2000)


class Page:
    """Plays what it hears in real time and reports it truthfully. `speaks` decides what its microphone hears."""

    def __init__(self) -> None:
        self.socket: ClientConnection | None = None
        self.messages: list[dict[str, Any]] = []
        self.told_at: list[float] = []
        self.speaks = False
        self.index = 0
        self.received: dict[int, int] = {}
        self.lengths: dict[int, int] = {}
        self.rendered: dict[int, int] = {}
        self.frames: list[tuple[int, int]] = []  # item, samples
        self.is_halted = False
        self.close_code = 0
        self.tasks: list[asyncio.Task[None]] = []

    async def dial(self, url: str, origin: str, ticket: str) -> None:
        protocols: Any = ["steadyline.v1", f"ticket.{ticket}"]
        self.socket = await connect(url, origin=origin, subprotocols=protocols, compression=None, proxy=None)  # type: ignore[arg-type]
        await self.say(type="hello", last_revision=0)
        self.tasks = [asyncio.create_task(self._read()), asyncio.create_task(self._tick())]

    async def say(self, **message: Any) -> None:
        if self.socket:
            with suppress(WebSocketException):
                await self.socket.send(orjson.dumps(message).decode())

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [message for message in self.messages if message["type"] == kind]

    def notices(self) -> list[str]:
        return [message["code"] for message in self.of("notice")]

    async def wait_for(self, kind: str, number: int = 1, seconds: float = 6.0) -> dict[str, Any]:
        found = await wait_for(lambda: self.of(kind)[number - 1 : number], f"the page is told {kind}", seconds)
        return found[0]

    async def wait_for_notice(self, code: str, seconds: float = 6.0) -> float:
        """When it came."""

        def look() -> list[float]:
            told = zip(self.messages, self.told_at, strict=True)
            return [at for message, at in told if message["type"] == "notice" and message["code"] == code]

        return (await wait_for(look, f"the page is told {code}", seconds))[0]

    async def wait_for_sound(self, ms: int, item: int = 1) -> None:
        await wait_for(lambda: self.rendered.get(item, 0) >= ms * RATE // 1000, f"{ms} ms of item {item} are heard")

    async def wait_for_turn(self, words: str) -> dict[str, Any]:
        """A final turn with these words."""

        def look() -> list[dict[str, Any]]:
            return [turn for turn in self.of("turn") if turn["final"] and turn["text"] == words]

        return (await wait_for(look, f"the page is told the turn “{words}”"))[0]

    async def microphone(self, ms: int) -> None:
        """So much more is sent."""
        until = self.index + ms * RATE // 1000
        await wait_for(lambda: self.index >= until or self.close_code, f"{ms} ms of microphone are sent", 10)

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
                    self._hear(message)
                else:
                    await self._take(orjson.loads(message))
        except ConnectionClosed:
            pass
        self.close_code = self.socket.protocol.close_code or 1006

    def _hear(self, message: bytes) -> None:
        _, _, item, _ = HEADER.unpack_from(message)
        samples = (len(message) - HEADER.size) // 2
        self.received[item] = self.received.get(item, 0) + samples
        self.frames.append((item, samples))

    async def _take(self, message: dict[str, Any]) -> None:
        self.messages.append(message)
        self.told_at.append(time.monotonic())
        match message:
            case {"type": "item_end", "item": item, "samples": samples}:
                self.lengths[item] = samples
                if self.rendered.get(item, 0) == samples:
                    await self._report(item, final=True)
            case {"type": "pause" | "resume" as kind}:
                self.is_halted = kind == "pause"
            case {"type": "flush", "item": item}:
                self.is_halted = False
                self.received = {number: count for number, count in self.received.items() if number < item}
                await self._report(item, final=True)

    async def _tick(self) -> None:
        began = time.monotonic()
        while True:
            while self.index + FRAME <= (time.monotonic() - began) * RATE:
                await self._frame()
            await asyncio.sleep(0.01)

    async def _frame(self) -> None:
        source = SPEECH if self.speaks else ROOM
        at = 2 * self.index % len(source)
        pcm = source[at : at + 2 * FRAME]
        assert self.socket
        with suppress(WebSocketException):
            await self.socket.send(HEADER.pack(1, 0, 0, self.index & 0xFFFFFFFF) + pcm)
        self.index += FRAME
        await self._render()

    async def _render(self) -> None:
        left = FRAME
        for item in sorted(self.received) if not self.is_halted else []:
            played = min(left, self.received[item] - self.rendered.get(item, 0))
            if played > 0:
                self.rendered[item] = self.rendered.get(item, 0) + played
                left -= played
                is_last = self.rendered[item] == self.lengths.get(item)
                if is_last or self.index // FRAME % REPORT_EVERY == 0:
                    await self._report(item, final=is_last)
            if self.rendered.get(item, 0) != self.lengths.get(item):
                break

    async def _report(self, item: int, final: bool) -> None:
        samples = self.rendered.get(item, 0)
        await self.say(type="played", item=item, samples=samples, at_mic_sample=self.index, final=final)
