import math

import numpy as np

SLICES = 1200  # of an hour, 3 s each: as fine as a wide screen shows


class Peaks:
    """The loudest sample of each slice of a stereo recording, gathered while it streams by."""

    def __init__(self, samples: int) -> None:
        self._width = max(1, math.ceil(samples / SLICES))
        self._levels = np.zeros((math.ceil(samples / self._width), 2), np.int32)
        self._position = 0

    def add(self, block: bytes) -> None:
        """Take the next interleaved PCM16 block."""
        frames = np.abs(np.frombuffer(block, "<i2").reshape(-1, 2).astype(np.int32))
        first = self._position // self._width
        last = (self._position + len(frames) - 1) // self._width
        starts = np.arange(first, last + 1) * self._width - self._position
        starts[0] = 0
        loudest = np.maximum.reduceat(frames, starts)
        self._levels[first : last + 1] = np.maximum(self._levels[first : last + 1], loudest)
        self._position += len(frames)

    def channels(self) -> list[list[float]]:
        """[counselor, caller], each from 0 to 1."""
        rounded: list[list[float]] = (self._levels / 32768).round(3).T.tolist()
        return rounded
