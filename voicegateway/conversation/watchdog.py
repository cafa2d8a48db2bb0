"""Watchdog of a call: limits on silence, lost frames, and duration, on the monotonic clock."""

from collections.abc import Iterator

from voicegateway.conversation.call_config import CallEndReason, Limits


class Watchdog:
    """Watchdog of one call. It returns notices and end reasons; the conversation acts on them."""

    def __init__(self, limits: Limits, now: float) -> None:
        self.limits = limits
        self.started_at = now
        self.last_speech_at = now
        self.last_frame_at: float | None = None
        self.has_hello = False
        self.has_warned = False
        self.has_announced_end = False

    def note_hello(self) -> None:
        self.has_hello = True

    def note_frame(self, now: float) -> None:
        self.last_frame_at = now

    def note_speech(self, now: float) -> None:
        self.last_speech_at = now
        self.has_warned = False

    def silence_seconds(self, now: float) -> float:
        return now - self.last_speech_at

    def due_notices(self, now: float) -> Iterator[str]:
        """Yield the code of each notice that is due, once per occasion."""
        if not self.has_warned and self.silence_seconds(now) >= self.limits.idle_warn_after:
            self.has_warned = True
            yield "idle_warning"
        left = self.limits.max_duration - (now - self.started_at)
        if not self.has_announced_end and left <= self.limits.ending_soon_before < self.limits.max_duration:
            self.has_announced_end = True
            yield "ending_soon"

    def due_end_reason(self, now: float) -> CallEndReason | None:
        """Return the reason to end the call now, or None."""
        if now - self.started_at >= self.limits.max_duration:
            return CallEndReason.TOO_LONG
        if self.silence_seconds(now) >= self.limits.idle_end_after:
            return CallEndReason.IDLE
        return CallEndReason.LINE_LOST if self._is_line_dead(now) else None

    def _is_line_dead(self, now: float) -> bool:
        """Return True if frames have stopped, or if no hello came. Even a muted microphone sends frames.

        A counselor who types has no microphone; the server's pings watch that connection.
        """
        if self.last_frame_at is not None:
            return now - self.last_frame_at >= self.limits.frames_lost_after
        return not self.has_hello and now - self.started_at >= self.limits.hello_within
