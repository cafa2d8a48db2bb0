"""Byte streams of a finished recording: stereo as stored, or mixed to mono while reading."""

from typing import Protocol

import numpy as np

from recordings.audio.microphone_clock import SAMPLE_RATE
from recordings.audio.wav_header import HEADER_SIZE, wav_header
from recordings.models import Recording
from recordings.object_store import ObjectReader
from recordings.playback.byte_ranges import ByteRange
from recordings.storage import object_store


class AudioStream(Protocol):
    """Audio file for a player or a download."""

    size: int  # bytes
    etag: str  # changes whenever any byte does

    def open(self, span: ByteRange) -> ObjectReader:
        """Open a range of bytes. Raise FileNotFoundError or StoreUnavailableError."""


class StoredAudio:
    """Stereo file as stored: counselor in the left channel, caller in the right."""

    def __init__(self, recording: Recording) -> None:
        self.size = recording.size or 0
        self.etag = f'"{recording.sha256}"'
        self._key = recording.file.name or ""

    def open(self, span: ByteRange) -> ObjectReader:
        return object_store().read_range(self._key, span.first, span.length)


class MonoAudio:
    """Mono mix of both channels. The sum can clip, which is rare, because people seldom speak at the same time."""

    def __init__(self, recording: Recording) -> None:
        self._stored = StoredAudio(recording)
        frames = max(0, self._stored.size - HEADER_SIZE) // 4
        self._header = wav_header(frames, 1, SAMPLE_RATE)
        self.size = HEADER_SIZE + 2 * frames
        self.etag = f'"{recording.sha256}-mono"'

    def open(self, span: ByteRange) -> ObjectReader:
        first_frame = max(0, span.first - HEADER_SIZE) // 2
        start = HEADER_SIZE + 4 * first_frame
        stereo = self._stored.open(ByteRange(start, self._stored.size - 1))
        # The range may start inside the header, or in the middle of a sample, whose first byte is skipped.
        head = self._header[span.first :] if span.first < HEADER_SIZE else b""
        skip = 0 if head else (span.first - HEADER_SIZE) % 2
        return MonoMixReader(stereo, head, skip, span.length)


class MonoMixReader:
    """Reader that mixes a stereo stream to mono."""

    def __init__(self, stereo: ObjectReader, head: bytes, skip: int, length: int) -> None:
        self._stereo = stereo
        self._mono = bytearray(head)
        self._skip = skip
        self._remaining = length
        self._partial_frame = b""

    def read(self, max_bytes: int) -> bytes:
        length = min(max_bytes, self._remaining)
        while len(self._mono) < length:
            data = self._partial_frame + self._stereo.read(2 * max_bytes)
            frames = np.frombuffer(data, "<i2", count=len(data) // 4 * 2).reshape(-1, 2)
            if not len(frames):
                break
            self._partial_frame = data[4 * len(frames) :]
            mono = frames.sum(axis=1, dtype=np.int32).clip(-32_768, 32_767).astype("<i2").tobytes()
            self._mono += mono[self._skip :]
            self._skip = 0
        result = bytes(self._mono[:length])
        del self._mono[:length]
        self._remaining -= len(result)
        return result

    def close(self) -> None:
        self._stereo.close()
