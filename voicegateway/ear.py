"""What can be heard on the microphone: speech, or only the room."""

from collections import deque
from typing import NamedTuple

import numpy as np

from voicegateway.briefing import Limits
from voicegateway.wire import RATE

ABOVE_THE_ROOM = 3.0  # speech is so many times as loud as the room, at the least
LOUDEST_ROOM = 400.0
MEASURED_AT_ONCE = 2 * RATE // 25  # bytes: 40 ms
RISES_BY = 1.004  # a measurement: about a tenth in a second, so that speech does not pass for the room
SPANS = 128  # of speech that are remembered: the upstream judges some seconds late at most


class Span(NamedTuple):
    """Speech from one sample of the upstream's clock to another."""

    start: int
    end: int


class Ear:
    """Measures sound against a floor that follows the noise of the room: short frames two at a time, which will do."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.room = 0.0
        self.is_voiced = self.is_audible = False
        self.unmeasured: tuple[bytes, int] | None = None
        self.spans: deque[Span] = deque(maxlen=SPANS)

    def hear(self, pcm: bytes, at: int) -> bool:
        """`at` is the frame's first sample on the upstream's clock. Return whether more than the room can be heard."""
        if len(pcm) < MEASURED_AT_ONCE and self.unmeasured is None:
            self.unmeasured = pcm, at
            return self.is_audible
        if self.unmeasured is not None:
            before, at = self.unmeasured
            pcm, self.unmeasured = before + pcm, None
        level = loudness(pcm)
        self.room = min(level, self.room * RISES_BY + 0.2, LOUDEST_ROOM)
        floor = self.room * ABOVE_THE_ROOM
        self.is_voiced = level >= max(self.limits.voiced_rms, floor)
        self.is_audible = level >= max(self.limits.audible_rms, floor)
        if self.is_audible:
            self.remember(at, at + len(pcm) // 2)
        return self.is_audible

    def was_lost(self, samples: int, since: int) -> None:
        """So much was not sent after all: what follows stands that much earlier."""
        moved = [Span(max(since, s.start - samples), s.end - samples) if s.end > since else s for s in self.spans]
        self.spans = deque((span for span in moved if span.end > span.start), maxlen=SPANS)

    def begin_session(self) -> None:
        """A new upstream session counts from zero."""
        self.spans.clear()
        self.unmeasured = None

    def voiced_ms(self, start_ms: int, end_ms: int) -> int:
        """How long anything but the room was to be heard in this stretch of the upstream's clock."""
        start, end = start_ms * RATE // 1000, end_ms * RATE // 1000
        return sum(max(0, min(end, span.end) - max(start, span.start)) for span in self.spans) * 1000 // RATE

    def remember(self, start: int, end: int) -> None:
        if self.spans and self.spans[-1].end == start:
            self.spans[-1] = Span(self.spans[-1].start, end)
        else:
            self.spans.append(Span(start, end))


def loudness(pcm: bytes) -> float:
    """The root mean square of some PCM16."""
    if not pcm:
        return 0.0
    samples = np.frombuffer(pcm, dtype="<i2").astype(np.float32)
    return float(np.dot(samples, samples) / samples.size) ** 0.5
