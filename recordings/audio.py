"""A finished recording as bytes: as it is stored, or both voices mixed into one channel on the way."""

from typing import Protocol

import numpy as np

from recordings.microphone import RATE
from recordings.models import Recording
from recordings.objects import Readable
from recordings.ranges import Span
from recordings.storage import object_store
from recordings.wav import HEADER_SIZE, wav_header


class Audio(Protocol):
    """What a player or a download reads. `tag` changes whenever a byte does."""

    size: int
    tag: str

    def open(self, span: Span) -> Readable:
        """Raises FileNotFoundError or StoreAway."""


class Stored:
    """Counselor left, caller right."""

    def __init__(self, recording: Recording) -> None:
        self.size = recording.size or 0
        self.tag = f'"{recording.sha256}"'
        self._key = recording.file.name or ""

    def open(self, span: Span) -> Readable:
        return object_store().read_range(self._key, span.first, span.length)


class Mono:
    """Both in one channel. People rarely speak at once: added, and cut off where that is too loud."""

    def __init__(self, recording: Recording) -> None:
        self._stored = Stored(recording)
        frames = max(0, self._stored.size - HEADER_SIZE) // 4
        self._header = wav_header(frames, 1, RATE)
        self.size = HEADER_SIZE + 2 * frames
        self.tag = f'"{recording.sha256}-mono"'

    def open(self, span: Span) -> Readable:
        first_frame = max(0, span.first - HEADER_SIZE) // 2
        begin = HEADER_SIZE + 4 * first_frame
        stereo = self._stored.open(Span(begin, self._stored.size - 1))
        # What comes before the span of what is made: of the header, or half a sample.
        head = self._header[span.first :] if span.first < HEADER_SIZE else b""
        skip = 0 if head else (span.first - HEADER_SIZE) % 2
        return Mixed(stereo, head, skip, span.length)


class Mixed:
    """Reads stereo and gives mono."""

    def __init__(self, stereo: Readable, head: bytes, skip: int, length: int) -> None:
        self._stereo = stereo
        self._made = bytearray(head)
        self._skip = skip
        self._left = length
        self._rest = b""

    def read(self, most: int) -> bytes:
        wanted = min(most, self._left)
        while len(self._made) < wanted:
            data = self._rest + self._stereo.read(2 * most)
            frames = np.frombuffer(data, "<i2", count=len(data) // 4 * 2).reshape(-1, 2)
            if not len(frames):
                break
            self._rest = data[4 * len(frames) :]
            mono = frames.sum(axis=1, dtype=np.int32).clip(-32_768, 32_767).astype("<i2").tobytes()
            self._made += mono[self._skip :]
            self._skip = 0
        given = bytes(self._made[:wanted])
        del self._made[:wanted]
        self._left -= len(given)
        return given

    def close(self) -> None:
        self._stereo.close()
