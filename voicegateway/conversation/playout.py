"""Playout of the caller's audio: in order, and a little ahead of playback."""

from collections.abc import Iterator

from voicegateway.browser.protocol import SAMPLE_RATE, AudioFrame, ItemEnd, Played
from voicegateway.conversation.call_config import Limits
from voicegateway.conversation.caller_item import CallerItem, PlaybackState


class Playout:
    """Items that have not finished playing, in order of playback.

    `lead_samples` is the audio sent but not yet played, estimated from the player's reports and the time since.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.unheard: list[CallerItem] = []
        self.last_number = 0
        self.lead_samples = 0.0
        self.paced_at = 0.0  # time of the latest estimate
        self.is_paused = False

    def add_audio(self, item: CallerItem, pcm: bytes) -> None:
        if not item.number and item.playback is PlaybackState.IN_PROGRESS:
            self.last_number += 1
            item.number = self.last_number
            self.unheard.append(item)
        waiting = sum(len(other.unsent) for other in self.unheard if other is not item) // 2
        max_unsent = int(self.limits.max_queued_caller_audio * SAMPLE_RATE) - waiting
        item.add_audio(pcm, max_unsent, self.limits.caller_audible_rms)

    def take_due(self, now: float) -> Iterator[AudioFrame | ItemEnd]:
        """Yield the frames and item ends that may be sent now without exceeding `playout_lead`."""
        self._advance_clock(now)
        for item in self.unheard:
            while (
                not self.is_paused
                and self.lead_samples < self.limits.playout_lead * SAMPLE_RATE
                and (frame := item.next_frame())
            ):
                self.lead_samples += frame.samples
                yield frame
            if not item.is_all_sent:
                return
            if not item.is_end_sent:
                item.is_end_sent = True
                yield ItemEnd(item.number, item.sent)

    def _advance_clock(self, now: float) -> None:
        if not self.is_paused:
            self.lead_samples = max(0.0, self.lead_samples - (now - self.paced_at) * SAMPLE_RATE)
        self.paced_at = now

    def apply_report(self, played: Played, now: float) -> CallerItem | None:
        """Apply a playback report, limited to the audio that was sent. Return its item, or None if it is unknown."""
        item = next((item for item in self.unheard if item.number == played.item), None)
        if item is None:
            return None
        item.played = max(item.played, min(played.samples, item.sent))
        item.played_at_mic_sample = played.at_mic_sample
        self.lead_samples = float(sum(other.sent - other.played for other in self.unheard))
        self.paced_at = now
        return item

    def remove(self, item: CallerItem) -> None:
        self.unheard.remove(item)

    def clear(self) -> list[CallerItem]:
        """Drop all unheard audio. Return its items."""
        dropped, self.unheard = self.unheard, []
        self.lead_samples = 0.0
        for item in dropped:
            item.unsent.clear()
        return dropped

    @property
    def current(self) -> CallerItem | None:
        """Item that is playing or about to play."""
        return next((item for item in self.unheard if item.sent), None)

    @property
    def is_audible(self) -> bool:
        return any(item.sent > item.played for item in self.unheard)

    @property
    def seconds_left(self) -> float:
        waiting = sum(len(item.unsent) for item in self.unheard) / 2
        return (self.lead_samples + waiting) / SAMPLE_RATE
