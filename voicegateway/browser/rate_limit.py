"""Rate limit on microphone audio, which arrives in real time and, after a stall, in one burst."""

from voicegateway.browser.protocol import SAMPLE_RATE

WINDOW = 2.0  # seconds
MAX_SPEED = 2.0  # times real time
STALL_AFTER = 0.3  # seconds; a longer gap between frames is a stall, after which the missing audio may arrive
MAX_CREDIT = 45.0  # seconds; a longer stall makes the server's pings time out, which closes the connection


class AudioRateLimit:
    """Limit on the audio in each window. A stall adds credit, so that the burst after it is accepted."""

    def __init__(self) -> None:
        self.last_frame_at: float | None = None
        self.window_started_at = 0.0
        self.window_seconds = 0.0
        self.credit = 0.0

    def spend(self, samples: int, now: float) -> bool:
        """Count a frame of `samples` samples against the limit. Return False if it exceeds the limit."""
        if now - self.window_started_at >= WINDOW:
            self.credit = (
                max(0.0, self.credit - (self.window_seconds - WINDOW)) if self.window_seconds > WINDOW else 0.0
            )
            self.window_started_at, self.window_seconds = now, 0.0
        gap = 0.0 if self.last_frame_at is None else now - self.last_frame_at
        if gap > STALL_AFTER:
            self.credit = min(self.credit + gap, MAX_CREDIT)
        self.last_frame_at = now
        self.window_seconds += samples / SAMPLE_RATE
        return self.window_seconds <= MAX_SPEED * WINDOW + self.credit
