"""What a conversation has decided to send, waiting for whoever owns the sockets."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
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
    is_audible: bool


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
    """Events to go up, messages and frames to go down, turns to be saved. All of them are bounded."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.now = 0.0
        self.up: deque[Mapping[str, object] | Sound] = deque()
        self.down: deque[tuple[float, ToBrowser | Frame]] = deque()
        self.turns: list[Turn] = []
        self.clock = UpstreamClock()
        self.is_connected = False
        self.events_waiting = 0
        self.microphone_waiting = 0
        self.microphone_lost = 0
        self.down_bytes = 0

    def ask(self, event: Mapping[str, object]) -> None:
        """Without a connection there is nobody to ask: the next one is told how things stand, not how they came."""
        if self.is_connected:
            self.up.append(event)
            self.events_waiting += 1

    def pass_on(self, sound: Sound) -> None:
        """Queue microphone audio. When upstream does not keep up, the oldest audio is lost, never an event."""
        self.up.append(sound)
        self.microphone_waiting += sound.samples
        limits = self.limits
        most = limits.microphone_in_waiting if self.is_connected else limits.microphone_while_redialling
        while self.microphone_waiting > most * RATE:
            oldest = next(self.sounds())
            self.up.remove(oldest)
            self.microphone_waiting -= oldest.samples
            self.microphone_lost += oldest.samples

    def begin_session(self, events: Iterable[Mapping[str, object]], said_again: Iterable[Sound]) -> None:
        """A new connection is told these events first, then what was said to the broken one, then what waits."""
        waiting = list(self.sounds())
        known = {id(sound) for sound in waiting}
        again = [sound for sound in said_again if id(sound) not in known]
        self.up = deque([*events, *again, *waiting])
        self.is_connected = True
        self.clock = UpstreamClock()
        self.events_waiting = len(self.up) - len(again) - len(waiting)
        self.microphone_waiting = sum(sound.samples for sound in (*again, *waiting))

    def end_session(self) -> None:
        self.is_connected = False
        self.up = deque(self.sounds())
        self.events_waiting = 0

    def sounds(self) -> Iterator[Sound]:
        return (waiting for waiting in self.up if isinstance(waiting, Sound))

    @property
    def upstream_end(self) -> int:
        """Where on the upstream's clock the next frame will stand."""
        return self.clock.samples + self.microphone_waiting

    def next_up(self) -> Mapping[str, object] | bytes | None:
        """Take what goes up next. Audio counts on the upstream's clock from now on."""
        if not self.up:
            return None
        event = self.up.popleft()
        if not isinstance(event, Sound):
            self.events_waiting -= 1
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

    def upstream_has_stopped_reading(self) -> bool:
        return self.events_waiting > self.limits.events_in_waiting

    def browser_has_stopped_reading(self) -> bool:
        if not self.down:
            return False
        waited = self.now - self.down[0][0]
        return waited > self.limits.browser_backlog or self.down_bytes > self.limits.browser_backlog_bytes


def _weight(message: ToBrowser | Frame) -> int:
    return len(message.pcm) if isinstance(message, Frame) else MESSAGE_BYTES
