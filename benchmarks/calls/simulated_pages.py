"""Simulated browsers of a call benchmark: each sends a frame every 20 ms and reports returned audio as played."""

import asyncio
import struct
from time import perf_counter

import orjson

from benchmarks.calls.websocket_frames import BINARY, WebSocketClientProtocol

HEADER = struct.Struct("<BBHI")
FRAME_SAMPLES = 480
PCM = struct.pack("<480h", *(3000 if number // 12 % 2 else -3000 for number in range(480)))
PHASE_COUNT = 20  # slots per 20 ms, so that the pages' frames are spread evenly
FRAMES_PER_REPORT = 10  # frames between two `played` reports


class LoadPage(WebSocketClientProtocol):
    """One call. Every frame carries its number in its first two samples and comes back with it."""

    def __init__(self) -> None:
        super().__init__()
        self.on_message = self._receive
        self.sent_frames = 0
        self.sent_at: dict[int, float] = {}
        self.returned_frames = 0
        self.out_of_order_frames = 0
        self.latest_frame = -1
        self.latencies: list[float] = []
        self.item = 0
        self.played_samples = 0
        self.reported_samples = -1
        self.is_relay_call = False

    def send_message(self, **message: object) -> None:
        self.send(orjson.dumps(message))

    def send_frame(self) -> None:
        number = self.sent_frames
        self.sent_frames += 1
        self.sent_at[number] = perf_counter()
        pcm = struct.pack("<HH", number & 0xFFFF, 0x1000 | number >> 16) + PCM[4:]
        self.send(HEADER.pack(1, 0, 0, number * FRAME_SAMPLES & 0xFFFFFFFF) + pcm, BINARY)
        if number % FRAMES_PER_REPORT == 0 and not self.is_relay_call:
            self._report_played(final=False)
        if number >= 500:
            self.sent_at.pop(number - 500, None)

    def _receive(self, opcode: int, payload: bytes) -> None:
        if opcode == BINARY:
            self._receive_audio(payload)
            return
        message = orjson.loads(payload)
        if message["type"] == "item_end" and message["item"] == self.item:
            self._report_played(final=True)

    def _receive_audio(self, payload: bytes) -> None:
        now = perf_counter()
        _, _, item, _ = HEADER.unpack_from(payload)
        if item != self.item:
            self.item, self.played_samples = item, 0
        for at in range(HEADER.size, len(payload), 2 * FRAME_SAMPLES):
            low, high = struct.unpack_from("<HH", payload, at)
            number = low | (high & 0x0FFF) << 16
            self.returned_frames += 1
            self.out_of_order_frames += number <= self.latest_frame
            self.latest_frame = number
            sent_at = self.sent_at.pop(number, None)
            if sent_at is not None:
                self.latencies.append(now - sent_at)
        self.played_samples += (len(payload) - HEADER.size) // 2

    def _report_played(self, final: bool) -> None:
        if not self.item or (self.played_samples == self.reported_samples and not final):
            return
        self.reported_samples = self.played_samples
        at = self.sent_frames * FRAME_SAMPLES
        self.send_message(type="played", item=self.item, samples=self.played_samples, at_mic_sample=at, final=final)


async def send_frames(pages: list[LoadPage], until: float) -> None:
    """Send every page's frames on time. A sender that falls behind catches up instead of skipping frames."""
    loop = asyncio.get_running_loop()
    phases = [pages[phase::PHASE_COUNT] for phase in range(PHASE_COUNT)]
    step = 0.02 / PHASE_COUNT
    due = loop.time()
    while due < until:
        for phase in phases:
            for page in phase:
                page.send_frame()
            due += step
            wait = due - loop.time()
            if wait > 0:
                await asyncio.sleep(wait)
