"""Voice activity detection on microphone frames, against a noise floor that follows the room."""

from collections import deque
from typing import NamedTuple

import numpy as np

from voicegateway.browser.protocol import SAMPLE_RATE
from voicegateway.conversation.call_config import Limits

SPEECH_TO_NOISE_RATIO = 3.0  # lowest ratio of speech level to noise floor
MAX_NOISE_FLOOR = 400.0  # root mean square of PCM16
WINDOW_BYTES = 2 * SAMPLE_RATE // 25  # 40 ms
NOISE_FLOOR_RISE = 1.004  # factor per window, about 10 % per second: slow enough not to take speech for noise
MAX_SPANS = 128  # remembered spans of speech; upstream's events refer to them a few seconds later at most


class SpeechSpan(NamedTuple):
    """Span of speech, in samples on the upstream's clock."""

    start: int
    end: int


class VoiceActivityDetector:
    """Voice activity detector. It compares each frame's level with a floor that follows the room's noise.

    Frames shorter than 40 ms are measured in pairs.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.noise_floor = 0.0
        self.is_voiced = self.is_audible = False
        self.pending_frame: tuple[bytes, int] | None = None
        self.spans: deque[SpeechSpan] = deque(maxlen=MAX_SPANS)

    def detect(self, pcm: bytes, at: int) -> bool:
        """Measure a frame whose first sample is at `at` on the upstream's clock. Return True if it is audible."""
        if len(pcm) < WINDOW_BYTES and self.pending_frame is None:
            self.pending_frame = pcm, at
            return self.is_audible
        if self.pending_frame is not None:
            before, at = self.pending_frame
            pcm, self.pending_frame = before + pcm, None
        level = root_mean_square(pcm)
        self.noise_floor = min(level, self.noise_floor * NOISE_FLOOR_RISE + 0.2, MAX_NOISE_FLOOR)
        floor = self.noise_floor * SPEECH_TO_NOISE_RATIO
        self.is_voiced = level >= max(self.limits.voiced_rms, floor)
        self.is_audible = level >= max(self.limits.audible_rms, floor)
        if self.is_audible:
            self.add_span(at, at + len(pcm) // 2)
        return self.is_audible

    def remove_dropped(self, samples: int, since: int) -> None:
        """Account for `samples` samples dropped after position `since`: shift later spans back by that many."""
        moved = [SpeechSpan(max(since, s.start - samples), s.end - samples) if s.end > since else s for s in self.spans]
        self.spans = deque((span for span in moved if span.end > span.start), maxlen=MAX_SPANS)

    def begin_session(self) -> None:
        """Forget all spans, because a new upstream session's clock starts at zero."""
        self.spans.clear()
        self.pending_frame = None

    def audible_ms(self, start_ms: int, end_ms: int) -> int:
        """Return the milliseconds of audible sound between two times on the upstream's clock."""
        start, end = start_ms * SAMPLE_RATE // 1000, end_ms * SAMPLE_RATE // 1000
        return sum(max(0, min(end, span.end) - max(start, span.start)) for span in self.spans) * 1000 // SAMPLE_RATE

    def add_span(self, start: int, end: int) -> None:
        if self.spans and self.spans[-1].end == start:
            self.spans[-1] = SpeechSpan(self.spans[-1].start, end)
        else:
            self.spans.append(SpeechSpan(start, end))


def root_mean_square(pcm: bytes) -> float:
    """Return the root mean square of PCM16 audio; 0.0 if it is empty."""
    if not pcm:
        return 0.0
    samples = np.frombuffer(pcm, dtype="<i2").astype(np.float32)
    return float(np.dot(samples, samples) / samples.size) ** 0.5
