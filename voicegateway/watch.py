"""The watchdogs of a call, on the monotonic clock: who has been silent for how long, and what follows."""

from collections.abc import Iterator

from voicegateway.briefing import EndReason, Limits


class Watch:
    def __init__(self, limits: Limits, now: float) -> None:
        self.limits = limits
        self.began_at = now
        self.spoken_at = now
        self.frame_at: float | None = None
        self.has_said_hello = False
        self.has_spoken_up = False
        self.has_warned = False
        self.has_announced_the_end = False

    def hello_came(self) -> None:
        self.has_said_hello = True

    def frame_came(self, now: float) -> None:
        self.frame_at = now

    def somebody_spoke(self, now: float) -> None:
        self.spoken_at = now
        self.has_warned = False

    def quiet_for(self, now: float) -> float:
        return now - self.spoken_at

    def notices(self, now: float) -> Iterator[str]:
        """Each is told once for each occasion."""
        if not self.has_warned and self.quiet_for(now) >= self.limits.idle_warn:
            self.has_warned = True
            yield "idle_warning"
        left = self.limits.longest_call - (now - self.began_at)
        if not self.has_announced_the_end and left <= self.limits.ending_soon < self.limits.longest_call:
            self.has_announced_the_end = True
            yield "ending_soon"

    def verdict(self, now: float) -> EndReason | None:
        """Why the call is to end now, if it is."""
        if now - self.began_at >= self.limits.longest_call:
            return EndReason.TOO_LONG
        if self.quiet_for(now) >= self.limits.idle_end:
            return EndReason.IDLE
        return EndReason.LINE_LOST if self._is_line_dead(now) else None

    def _is_line_dead(self, now: float) -> bool:
        """A microphone never stops sending. A counselor who types has none: the server's pings watch their line."""
        if self.frame_at is not None:
            return now - self.frame_at >= self.limits.frames_lost
        return not self.has_said_hello and now - self.began_at >= self.limits.silent_line
