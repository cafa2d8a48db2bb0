"""One utterance of the caller: its sound on the way to the player, and how much of it was heard."""

from dataclasses import dataclass, field
from enum import Enum, auto

from voicegateway.ear import loudness
from voicegateway.wire import LONGEST_FRAME, RATE, SHORTEST_FRAME, Frame

FASTEST_SPEECH = 25  # characters a second


class Hearing(Enum):
    UNDER_WAY = auto()
    TO_THE_END = auto()
    CUT = auto()


@dataclass(slots=True, eq=False)
class CallerItem:
    """Counts are in samples. Its number is given with its first sound."""

    id: str
    response: str = ""
    number: int = 0
    content_index: int = 0
    waiting: bytearray = field(default_factory=bytearray)
    received: int = 0
    sent: int = 0
    played: int = 0
    played_at: int = 0
    start_ms: int | None = None
    text: str = ""
    all_sound: bool = False
    all_text: bool = False
    end_told: bool = False
    is_audible: bool = False
    is_broken_off: bool = False
    deleted: bool = False
    truncated: bool = False
    hearing: Hearing = Hearing.UNDER_WAY
    grown_at: float = float("-inf")

    def receive(self, pcm: bytes, most_waiting: int, audible_rms: float) -> None:
        """Take sound. After a cut, or beyond the bound, it is counted and dropped."""
        self.is_audible = self.is_audible or loudness(pcm) >= audible_rms
        self.received += len(pcm) // 2
        if self.hearing is Hearing.UNDER_WAY and len(self.waiting) + len(pcm) <= 2 * most_waiting:
            self.waiting += pcm

    def next_frame(self) -> Frame | None:
        """Cut off the next frame to send; only the last one may be shorter than 20 ms."""
        available = len(self.waiting) // 2
        if not available or (available < SHORTEST_FRAME and not self.all_sound):
            return None
        pcm = bytes(self.waiting[: 2 * LONGEST_FRAME])
        del self.waiting[: 2 * LONGEST_FRAME]
        frame = Frame(self.number, self.sent, pcm)
        self.sent += frame.samples
        return frame

    @property
    def is_all_sent(self) -> bool:
        return self.all_sound and not self.waiting

    @property
    def was_heard_whole(self) -> bool:
        return self.all_sound and not self.is_broken_off and 0 < self.received <= self.played

    @property
    def played_ms(self) -> int:
        return min(self.played, self.received) * 1000 // RATE

    def text_heard(self) -> str:
        """The text up to the word being spoken, judged by the share of the sound so far that was played."""
        if not self.is_audible:
            return ""
        if self.was_heard_whole:
            return self.text
        share = len(self.text) * self.played // self.received
        if self.is_broken_off or not self.all_sound:
            # Text comes ahead of the sound: while more may come, its share says too much.
            share = min(share, self.played * FASTEST_SPEECH // RATE)
        return cut_at_word(self.text, share)


def cut_at_word(text: str, length: int) -> str:
    """The whole words among the first `length` characters."""
    if length >= len(text):
        return text
    end = length
    while end and not text[end].isspace():
        end -= 1
    return text[:end].rstrip()
