"""Server voice activity detection by the loudness of 20 ms frames."""

from dataclasses import dataclass

import numpy as np

SAMPLE_RATE = 24_000
BYTES_PER_MS = SAMPLE_RATE * 2 // 1000
FRAME_MS = 20
FRAME_SAMPLES = SAMPLE_RATE * FRAME_MS // 1000
# Three loud frames in a row are speech; fewer are a click.
ONSET_FRAMES = 3


@dataclass(frozen=True)
class SpeechEdge:
    """Start or end of speech, in ms since the start of all appended audio."""

    is_start: bool
    at_ms: int


class ServerVad:
    def __init__(self, threshold: float, prefix_ms: float, silence_ms: float, starts_at_ms: int) -> None:
        # A threshold of 0.5 detects anything above -40 dBFS, 1.0 only what is above -20 dBFS.
        self.threshold_level = 32768 * 10 ** (2 * threshold - 3)
        self.prefix_ms, self.silence_ms = prefix_ms, silence_ms
        self.clock_ms = self.earliest_ms = starts_at_ms
        self.partial_frame = b""
        self.loud_frames = self.quiet_frames = 0
        self.is_speaking = False

    def detect(self, pcm: bytes) -> list[SpeechEdge]:
        audio = self.partial_frame + pcm
        whole = len(audio) // (FRAME_SAMPLES * 2) * FRAME_SAMPLES * 2
        self.partial_frame = audio[whole:]
        frames = np.frombuffer(audio[:whole], dtype="<i2").astype(np.float64).reshape(-1, FRAME_SAMPLES)
        loud = np.sqrt((frames**2).mean(axis=1)) >= self.threshold_level
        return [edge for is_loud in loud.tolist() if (edge := self._detect_in_frame(is_loud))]

    def _detect_in_frame(self, is_loud: bool) -> SpeechEdge | None:
        self.clock_ms += FRAME_MS
        self.loud_frames, self.quiet_frames = (self.loud_frames + 1, 0) if is_loud else (0, self.quiet_frames + 1)
        if not self.is_speaking and self.loud_frames >= ONSET_FRAMES:
            self.is_speaking = True
            began = self.clock_ms - ONSET_FRAMES * FRAME_MS - self.prefix_ms
            return SpeechEdge(True, int(max(began, self.earliest_ms)))
        if self.is_speaking and self.quiet_frames * FRAME_MS >= self.silence_ms:
            self.is_speaking = False
            self.earliest_ms = self.clock_ms
            return SpeechEdge(False, self.clock_ms)
        return None


class InputBuffer:
    """Audio that was appended but not yet committed. Times are in ms since the start of all appended audio."""

    def __init__(self) -> None:
        self.audio = bytearray()
        self.starts_at_ms = 0.0

    @property
    def ends_at_ms(self) -> float:
        return self.starts_at_ms + len(self.audio) / BYTES_PER_MS

    def append(self, pcm: bytes) -> None:
        self.audio += pcm

    def take(self, from_ms: float, to_ms: float) -> bytes:
        """Return the audio between two times, and drop it and everything before it."""
        taken = bytes(self.audio[self._offset(from_ms) : self._offset(to_ms)])
        self.discard_before(to_ms)
        return taken

    def discard_before(self, ms: float) -> None:
        offset = self._offset(ms)
        del self.audio[:offset]
        self.starts_at_ms += offset / BYTES_PER_MS

    def clear(self) -> None:
        self.discard_before(self.ends_at_ms)

    def _offset(self, ms: float) -> int:
        return min(max(0, round((ms - self.starts_at_ms) * BYTES_PER_MS / 2) * 2), len(self.audio))
