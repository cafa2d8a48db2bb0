"""What a conversation has decided to send, waiting for whoever owns the sockets."""

from collections import deque
from collections.abc import Mapping
from typing import NamedTuple

from voicegateway.briefing import Limits, Turn
from voicegateway.wire import RATE, Frame, ToBrowser

SAMPLES_PER_MS = RATE // 1000
MESSAGE_BYTES = 512  # what a text message may weigh in a backlog; only a bound, so only roughly


class Sound(NamedTuple):
    """Microphone audio as a ready-made event, with its place on the recording's clock."""

    event: bytes
    samples: int
    position: int


class UpstreamClock:
    """Where the upstream's clock, which counts the audio it was sent, stands on the recording's."""

    def __init__(self) -> None:
        self.samples = 0
        # (upstream sample, recording's lead over it): one entry for each jump, so a steady call has one.
        self.jumps: deque[tuple[int, int]] = deque(maxlen=256)

    def sent(self, sound: Sound) -> None:
        lead = sound.position - self.samples
        if not self.jumps or self.jumps[-1][1] != lead:
            self.jumps.append((self.samples, lead))
        self.samples += sound.samples

    def recording_ms(self, upstream_ms: int) -> int:
        sample = min(upstream_ms * SAMPLES_PER_MS, self.samples)
        lead = next((lead for start, lead in reversed(self.jumps) if start <= sample), 0)
        return max(0, sample + lead) // SAMPLES_PER_MS


class Outbox:
    """Events to go up, messages and frames to go down, turns to be saved. Both queues are bounded."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.now = 0.0
        self.up: deque[Mapping[str, object] | Sound] = deque()
        self.down: deque[tuple[float, ToBrowser | Frame]] = deque()
        self.turns: list[Turn] = []
        self.clock = UpstreamClock()
        self.microphone_waiting = 0
        self.microphone_lost = 0
        self.down_bytes = 0

    def ask(self, event: Mapping[str, object]) -> None:
        self.up.append(event)

    def pass_on(self, sound: Sound) -> None:
        """Queue microphone audio. When upstream does not keep up, the oldest audio is lost, never an event."""
        self.up.append(sound)
        self.microphone_waiting += sound.samples
        while self.microphone_waiting > self.limits.microphone_in_waiting * RATE:
            oldest = next(waiting for waiting in self.up if isinstance(waiting, Sound))
            self.up.remove(oldest)
            self.microphone_waiting -= oldest.samples
            self.microphone_lost += oldest.samples

    def next_up(self) -> Mapping[str, object] | bytes | None:
        """Take what goes up next. Audio counts on the upstream's clock from now on."""
        if not self.up:
            return None
        event = self.up.popleft()
        if not isinstance(event, Sound):
            return event
        self.microphone_waiting -= event.samples
        self.clock.sent(event)
        return event.event

    def tell(self, message: ToBrowser | Frame) -> None:
        self.down.append((self.now, message))
        self.down_bytes += _weight(message)

    def first_down(self) -> ToBrowser | Frame | None:
        """What goes down next. It stays in the queue, and its age counts, until `sent_down`."""
        return self.down[0][1] if self.down else None

    def sent_down(self) -> None:
        _, message = self.down.popleft()
        self.down_bytes -= _weight(message)

    def browser_has_stopped_reading(self) -> bool:
        if not self.down:
            return False
        waited = self.now - self.down[0][0]
        return waited > self.limits.browser_backlog or self.down_bytes > self.limits.browser_backlog_bytes


def _weight(message: ToBrowser | Frame) -> int:
    return len(message.pcm) if isinstance(message, Frame) else MESSAGE_BYTES
