"""Bounded queues of what a conversation has to send and save, drained by the owner of the sockets."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from training.transcript import TurnSnapshot
from voicegateway.browser.protocol import SAMPLE_RATE, AudioFrame, ToBrowser
from voicegateway.conversation.call_config import Limits

SAMPLES_PER_MS = SAMPLE_RATE // 1000
ASSUMED_MESSAGE_BYTES = 512  # size of a text message; an estimate is enough to limit the backlog


class MicrophoneChunk(NamedTuple):
    """Microphone audio as an encoded event."""

    event: bytes
    samples: int
    position: int  # first sample on the recording's clock
    is_audible: bool


class UpstreamClock:
    """Mapping of the upstream's clock, which counts the audio it received, to the recording's clock."""

    def __init__(self) -> None:
        self.samples = 0
        # (upstream sample, recording's lead over it): one entry per jump, so a steady call has one.
        self.offsets: deque[tuple[int, int]] = deque(maxlen=256)

    def advance(self, chunk: MicrophoneChunk) -> None:
        lead = chunk.position - self.samples
        if not self.offsets or self.offsets[-1][1] != lead:
            self.offsets.append((self.samples, lead))
        self.samples += chunk.samples

    def recording_ms(self, upstream_ms: int) -> int:
        sample = min(upstream_ms * SAMPLES_PER_MS, self.samples)
        lead = next((lead for start, lead in reversed(self.offsets) if start <= sample), 0)
        return max(0, sample + lead) // SAMPLES_PER_MS


class SendQueue:
    """Queues of upstream events, of messages and frames for the browser, and of turns to save."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.now = 0.0
        self.upstream_queue: deque[Mapping[str, object] | MicrophoneChunk] = deque()
        self.browser_queue: deque[tuple[float, ToBrowser | AudioFrame]] = deque()
        self.unsaved_turns: list[TurnSnapshot] = []
        self.clock = UpstreamClock()
        self.is_connected = False
        self.queued_events = 0
        self.queued_samples = 0
        self.dropped_samples = 0
        self.browser_bytes = 0

    def add_event(self, event: Mapping[str, object]) -> None:
        """Queue an event for upstream. Drop it while disconnected: the next connection gets the current state."""
        if self.is_connected:
            self.upstream_queue.append(event)
            self.queued_events += 1

    def add_audio(self, chunk: MicrophoneChunk) -> None:
        """Queue microphone audio. If upstream does not keep up, drop the oldest audio, but never an event."""
        self.upstream_queue.append(chunk)
        self.queued_samples += chunk.samples
        limits = self.limits
        max_seconds = limits.max_queued_microphone if self.is_connected else limits.max_queued_microphone_reconnecting
        while self.queued_samples > max_seconds * SAMPLE_RATE:
            oldest = next(self.queued_audio())
            self.upstream_queue.remove(oldest)
            self.queued_samples -= oldest.samples
            self.dropped_samples += oldest.samples

    def begin_session(self, events: Iterable[Mapping[str, object]], replay: Iterable[MicrophoneChunk]) -> None:
        """Queue for a new connection: first `events`, then the replayed speech `replay`, then the queued audio."""
        waiting = list(self.queued_audio())
        known = {id(chunk) for chunk in waiting}
        replayed = [chunk for chunk in replay if id(chunk) not in known]
        self.upstream_queue = deque([*events, *replayed, *waiting])
        self.is_connected = True
        self.clock = UpstreamClock()
        self.queued_events = len(self.upstream_queue) - len(replayed) - len(waiting)
        self.queued_samples = sum(chunk.samples for chunk in (*replayed, *waiting))

    def end_session(self) -> None:
        self.is_connected = False
        self.upstream_queue = deque(self.queued_audio())
        self.queued_events = 0

    def queued_audio(self) -> Iterator[MicrophoneChunk]:
        return (waiting for waiting in self.upstream_queue if isinstance(waiting, MicrophoneChunk))

    @property
    def next_upstream_sample(self) -> int:
        """Position of the next frame on the upstream's clock."""
        return self.clock.samples + self.queued_samples

    def take_upstream_event(self) -> Mapping[str, object] | bytes | None:
        """Remove and return the next upstream event, or None. Audio advances the upstream's clock."""
        if not self.upstream_queue:
            return None
        event = self.upstream_queue.popleft()
        if not isinstance(event, MicrophoneChunk):
            self.queued_events -= 1
            return event
        self.queued_samples -= event.samples
        self.clock.advance(event)
        return event.event

    def add_message(self, message: ToBrowser | AudioFrame) -> None:
        self.browser_queue.append((self.now, message))
        self.browser_bytes += _queued_bytes(message)

    def next_browser_message(self) -> ToBrowser | AudioFrame | None:
        """Return the next message for the browser, or None. It stays queued and ages until `remove_browser_message`."""
        return self.browser_queue[0][1] if self.browser_queue else None

    def remove_browser_message(self) -> None:
        _, message = self.browser_queue.popleft()
        self.browser_bytes -= _queued_bytes(message)

    def is_upstream_stalled(self) -> bool:
        return self.queued_events > self.limits.max_queued_events

    def is_browser_stalled(self) -> bool:
        if not self.browser_queue:
            return False
        waited = self.now - self.browser_queue[0][0]
        return waited > self.limits.max_browser_backlog or self.browser_bytes > self.limits.max_browser_backlog_bytes


def _queued_bytes(message: ToBrowser | AudioFrame) -> int:
    return len(message.pcm) if isinstance(message, AudioFrame) else ASSUMED_MESSAGE_BYTES
