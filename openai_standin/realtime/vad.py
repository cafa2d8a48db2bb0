"""Hearing that someone speaks: the loudness of 20 ms frames, nothing more."""

from dataclasses import dataclass

import numpy as np

RATE = 24_000
BYTES_PER_MS = RATE * 2 // 1000
FRAME_MS = 20
FRAME = RATE * FRAME_MS // 1000
# So many loud frames in a row are speech; fewer are a click.
ONSET_FRAMES = 3


@dataclass(frozen=True)
class Edge:
    """Speech begins or ends, on the clock of all appended audio."""

    begins: bool
    at_ms: int


class Vad:
    def __init__(self, threshold: float, prefix_ms: float, silence_ms: float, starts_at_ms: int) -> None:
        # 0.5 hears anything above -40 dBFS, 1.0 only what is above -20 dBFS.
        self.level = 32768 * 10 ** (2 * threshold - 3)
        self.prefix_ms, self.silence_ms = prefix_ms, silence_ms
        self.clock_ms = self.earliest_ms = starts_at_ms
        self.waiting = b""
        self.loud = self.quiet = 0
        self.speaking = False

    def feed(self, pcm: bytes) -> list[Edge]:
        audio = self.waiting + pcm
        whole = len(audio) // (FRAME * 2) * FRAME * 2
        self.waiting = audio[whole:]
        frames = np.frombuffer(audio[:whole], dtype="<i2").astype(np.float64).reshape(-1, FRAME)
        loud = np.sqrt((frames**2).mean(axis=1)) >= self.level
        return [edge for is_loud in loud.tolist() if (edge := self._step(is_loud))]

    def _step(self, is_loud: bool) -> Edge | None:
        self.clock_ms += FRAME_MS
        self.loud, self.quiet = (self.loud + 1, 0) if is_loud else (0, self.quiet + 1)
        if not self.speaking and self.loud >= ONSET_FRAMES:
            self.speaking = True
            began = self.clock_ms - ONSET_FRAMES * FRAME_MS - self.prefix_ms
            return Edge(True, int(max(began, self.earliest_ms)))
        if self.speaking and self.quiet * FRAME_MS >= self.silence_ms:
            self.speaking = False
            self.earliest_ms = self.clock_ms
            return Edge(False, self.clock_ms)
        return None


class InputBuffer:
    """The audio that was appended and not yet committed, addressed by the clock of all appended audio."""

    def __init__(self) -> None:
        self.audio = bytearray()
        self.starts_at_ms = 0.0

    @property
    def ends_at_ms(self) -> float:
        return self.starts_at_ms + len(self.audio) / BYTES_PER_MS

    def append(self, pcm: bytes) -> None:
        self.audio += pcm

    def take(self, from_ms: float, to_ms: float) -> bytes:
        """Cut this stretch out and forget it and all before it."""
        taken = bytes(self.audio[self._offset(from_ms) : self._offset(to_ms)])
        self.forget_before(to_ms)
        return taken

    def forget_before(self, ms: float) -> None:
        offset = self._offset(ms)
        del self.audio[:offset]
        self.starts_at_ms += offset / BYTES_PER_MS

    def clear(self) -> None:
        self.forget_before(self.ends_at_ms)

    def _offset(self, ms: float) -> int:
        return min(max(0, round((ms - self.starts_at_ms) * BYTES_PER_MS / 2) * 2), len(self.audio))
