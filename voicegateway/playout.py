"""The caller's sound, in order, a little ahead of the player's ear."""

from collections.abc import Iterator

from voicegateway.briefing import Limits
from voicegateway.items import CallerItem, Hearing
from voicegateway.wire import RATE, Frame, ItemEnd, Played


class Playout:
    """Items not yet heard to their end, in the order they play.

    `lead` is what the player has been sent and has, by its reports and the time since, not yet played.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.unheard: list[CallerItem] = []
        self.numbered = 0
        self.lead = 0.0
        self.paced_at = 0.0
        self.held = False

    def receive(self, item: CallerItem, pcm: bytes) -> None:
        if not item.number and item.hearing is Hearing.UNDER_WAY:
            self.numbered += 1
            item.number = self.numbered
            self.unheard.append(item)
        waiting = sum(len(other.waiting) for other in self.unheard if other is not item) // 2
        item.receive(pcm, int(self.limits.audio_in_waiting * RATE) - waiting, self.limits.caller_rms)

    def due(self, now: float) -> Iterator[Frame | ItemEnd]:
        """What may be sent now without getting too far ahead."""
        self._pace(now)
        for item in self.unheard:
            while not self.held and self.lead < self.limits.lead * RATE and (frame := item.next_frame()):
                self.lead += frame.samples
                yield frame
            if not item.is_all_sent:
                return
            if not item.end_told:
                item.end_told = True
                yield ItemEnd(item.number, item.sent)

    def _pace(self, now: float) -> None:
        if not self.held:
            self.lead = max(0.0, self.lead - (now - self.paced_at) * RATE)
        self.paced_at = now

    def report(self, played: Played, now: float) -> CallerItem | None:
        """Take the player's word for what was heard, as far as it can be true."""
        item = next((item for item in self.unheard if item.number == played.item), None)
        if item is None:
            return None
        item.played = max(item.played, min(played.samples, item.sent))
        item.played_at = played.at_mic_sample
        self.lead = float(sum(other.sent - other.played for other in self.unheard))
        self.paced_at = now
        return item

    def finish(self, item: CallerItem) -> None:
        self.unheard.remove(item)

    def clear(self) -> list[CallerItem]:
        """Drop all that has not been heard. Return the items it belonged to."""
        cut, self.unheard = self.unheard, []
        self.lead = 0.0
        for item in cut:
            item.waiting.clear()
        return cut

    @property
    def current(self) -> CallerItem | None:
        """The item being heard, or about to be."""
        return next((item for item in self.unheard if item.sent), None)

    @property
    def is_audible(self) -> bool:
        return any(item.sent > item.played for item in self.unheard)

    @property
    def seconds_left(self) -> float:
        waiting = sum(len(item.waiting) for item in self.unheard) / 2
        return (self.lead + waiting) / RATE
