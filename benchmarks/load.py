"""Browsers of a measurement: each sends a frame every 20 ms, plays what comes back at once, and says so."""

import asyncio
import struct
from time import perf_counter

import orjson

from benchmarks.frames import BINARY, ClientSocket

HEADER = struct.Struct("<BBHI")
SAMPLES = 480
PCM = struct.pack("<480h", *(3000 if number // 12 % 2 else -3000 for number in range(480)))
PHASES = 20  # of the 20 ms, so that frames come evenly
REPORT_EVERY = 10  # frames


class Page(ClientSocket):
    """One call. Every frame carries its number in its first two samples, and comes back with it."""

    def __init__(self) -> None:
        super().__init__()
        self.got = self._take
        self.sent = 0
        self.sent_at: dict[int, float] = {}
        self.returned = 0
        self.disordered = 0
        self.latest = -1
        self.latencies: list[float] = []
        self.item = 0
        self.played = 0
        self.reported = -1
        self.is_bare = False

    def say(self, **message: object) -> None:
        self.send(orjson.dumps(message))

    def send_frame(self) -> None:
        number = self.sent
        self.sent += 1
        self.sent_at[number] = perf_counter()
        pcm = struct.pack("<HH", number & 0xFFFF, 0x1000 | number >> 16) + PCM[4:]
        self.send(HEADER.pack(1, 0, 0, number * SAMPLES & 0xFFFFFFFF) + pcm, BINARY)
        if number % REPORT_EVERY == 0 and not self.is_bare:
            self._report(final=False)
        if number >= 500:
            self.sent_at.pop(number - 500, None)

    def _take(self, opcode: int, payload: bytes) -> None:
        if opcode == BINARY:
            self._hear(payload)
            return
        message = orjson.loads(payload)
        if message["type"] == "item_end" and message["item"] == self.item:
            self._report(final=True)

    def _hear(self, payload: bytes) -> None:
        now = perf_counter()
        _, _, item, _ = HEADER.unpack_from(payload)
        if item != self.item:
            self.item, self.played = item, 0
        for at in range(HEADER.size, len(payload), 2 * SAMPLES):
            low, high = struct.unpack_from("<HH", payload, at)
            number = low | (high & 0x0FFF) << 16
            self.returned += 1
            self.disordered += number <= self.latest
            self.latest = number
            begun = self.sent_at.pop(number, None)
            if begun is not None:
                self.latencies.append(now - begun)
        self.played += (len(payload) - HEADER.size) // 2

    def _report(self, final: bool) -> None:
        if not self.item or (self.played == self.reported and not final):
            return
        self.reported = self.played
        at = self.sent * SAMPLES
        self.say(type="played", item=self.item, samples=self.played, at_mic_sample=at, final=final)


async def speak(pages: list[Page], until: float) -> None:
    """Send every page's frames on time; a load that is late itself says so by sending them all the same."""
    loop = asyncio.get_running_loop()
    phases = [pages[phase::PHASES] for phase in range(PHASES)]
    step = 0.02 / PHASES
    due = loop.time()
    while due < until:
        for phase in phases:
            for page in phase:
                page.send_frame()
            due += step
            wait = due - loop.time()
            if wait > 0:
                await asyncio.sleep(wait)
