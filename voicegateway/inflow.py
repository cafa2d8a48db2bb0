"""How much a page may send: sound comes as fast as time passes, and after a stall all at once what was held up."""

from voicegateway.wire import RATE

WINDOW = 2.0  # seconds
MOST = 2.0  # times real time
STALL = 0.3  # seconds without a frame: what was said meanwhile may still come
LONGEST_STALL = 45.0  # by then the server's pings have found out that the line is dead


class Inflow:
    """Counts the audio of one window after the other. A burst after a stall is let through; a flood is not."""

    def __init__(self) -> None:
        self.last: float | None = None
        self.began = 0.0
        self.seconds = 0.0
        self.held_up = 0.0

    def is_flooded_by(self, samples: int, now: float) -> bool:
        if now - self.began >= WINDOW:
            self.held_up = max(0.0, self.held_up - (self.seconds - WINDOW)) if self.seconds > WINDOW else 0.0
            self.began, self.seconds = now, 0.0
        stalled = 0.0 if self.last is None else now - self.last
        if stalled > STALL:
            self.held_up = min(self.held_up + stalled, LONGEST_STALL)
        self.last = now
        self.seconds += samples / RATE
        return self.seconds > MOST * WINDOW + self.held_up
