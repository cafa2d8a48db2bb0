"""Waveform peaks of a recording."""

import math

import numpy as np

from recordings.audio.assembly import StereoBlock

MAX_SLICES = 1200  # 3 s each in a recording of one hour, which is as fine as a wide screen can show


class Peaks:
    """Loudest sample of each slice of a recording, collected block by block."""

    def __init__(self, samples: int) -> None:
        self._width = max(1, math.ceil(samples / MAX_SLICES))
        self._levels = np.zeros((2, math.ceil(samples / self._width)), np.int32)
        self._position = 0

    def add(self, block: StereoBlock) -> None:
        """Add the next block."""
        length = len(block.counselor)
        first = self._position // self._width
        last = (self._position + length - 1) // self._width
        starts = np.arange(first, last + 1) * self._width - self._position
        starts[0] = 0
        for levels, channel in zip(self._levels, block, strict=True):
            highest = np.maximum.reduceat(channel, starts).astype(np.int32)
            lowest = np.minimum.reduceat(channel, starts).astype(np.int32)
            levels[first : last + 1] = np.maximum(levels[first : last + 1], np.maximum(highest, -lowest))
        self._position += length

    def channels(self) -> list[list[float]]:
        """Return the peaks of [counselor, caller], each value from 0 to 1."""
        rounded: list[list[float]] = (self._levels / 32768).round(3).tolist()
        return rounded
