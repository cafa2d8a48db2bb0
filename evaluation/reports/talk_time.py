"""Talk time and pauses of a conversation: facts from its transcript, without any judgment."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

LONG_PAUSE_MS = 3000  # shortest silence that counts as a pause
TYPED_CHARACTER_MS = 65  # time to say a character of a typed line, at a calm 150 words a minute


class TimedTurn(Protocol):
    """The fields of a turn that talk time needs."""

    role: str  # counselor or caller
    source: str  # `spoken` turns have a duration
    text_heard: str
    start_ms: int | None  # None without a recording position
    end_ms: int | None


class TimeInterval(NamedTuple):
    """A stretch of a call, on the clock of its transcript."""

    start_ms: int
    end_ms: int

    @property
    def length_ms(self) -> int:
        return self.end_ms - self.start_ms


@dataclass(frozen=True)
class TalkTime:
    """Talk time and pauses. Overlapping turns of one speaker count once, typed lines as long as they take to say."""

    counselor_ms: int
    caller_ms: int
    pauses: list[TimeInterval]  # silences of at least LONG_PAUSE_MS, in order

    @property
    def counselor_percent(self) -> int:
        """The counselor's share of all that was said and typed, in percent."""
        return round(100 * self.counselor_ms / ((self.counselor_ms + self.caller_ms) or 1))

    @property
    def caller_percent(self) -> int:
        return 100 - self.counselor_percent if self.has_speech else 0

    @property
    def has_speech(self) -> bool:
        return self.counselor_ms + self.caller_ms > 0

    @property
    def longest_pause(self) -> TimeInterval | None:
        return max(self.pauses, key=lambda pause: pause.length_ms, default=None)


def measure_talk_time(turns: Iterable[TimedTurn]) -> TalkTime:
    """Measure the turns. A typed line counts as long as it takes to say it, and ends a silence when it is sent."""
    typed = {"counselor": 0, "caller": 0}
    spoken: dict[str, list[TimeInterval]] = {"counselor": [], "caller": []}
    moments: list[TimeInterval] = []
    for turn in turns:
        if turn.source != "spoken":
            typed[turn.role] += TYPED_CHARACTER_MS * len(turn.text_heard)
        if turn.start_ms is None:
            continue
        span = TimeInterval(turn.start_ms, max(turn.start_ms, turn.end_ms or 0))
        moments.append(span if turn.source == "spoken" else TimeInterval(turn.start_ms, turn.start_ms))
        if turn.source == "spoken":
            spoken[turn.role].append(span)
    lengths = [
        typed[role] + sum(span.length_ms for span in merge_intervals(spoken[role])) for role in ("counselor", "caller")
    ]
    return TalkTime(
        lengths[0],
        lengths[1],
        [pause for pause in find_gaps(merge_intervals(moments)) if pause.length_ms >= LONG_PAUSE_MS],
    )


def merge_intervals(spans: Iterable[TimeInterval]) -> list[TimeInterval]:
    """Return the intervals in order, with overlapping ones merged."""
    merged: list[TimeInterval] = []
    for span in sorted(spans):
        if merged and span.start_ms <= merged[-1].end_ms:
            merged[-1] = TimeInterval(merged[-1].start_ms, max(merged[-1].end_ms, span.end_ms))
        else:
            merged.append(span)
    return merged


def find_gaps(spans: list[TimeInterval]) -> list[TimeInterval]:
    """Return the gaps between merged intervals."""
    return [TimeInterval(before.end_ms, after.start_ms) for before, after in zip(spans, spans[1:], strict=False)]


def format_timecode(ms: int | None) -> str:
    """Format milliseconds as a player shows them: 0:07, 12:30, 1:02:03."""
    seconds = (ms or 0) // 1000
    hours, minutes = seconds // 3600, seconds // 60 % 60
    return f"{hours}:{minutes:02}:{seconds % 60:02}" if hours else f"{minutes}:{seconds % 60:02}"


def parse_timecode(text: str) -> int | None:
    """Parse a typed time (7, 0:07, 1:02:03) into milliseconds. Return None if it is not a time."""
    parts = text.strip().split(":")
    if not 1 <= len(parts) <= 3 or not all(part.isascii() and part.isdecimal() and len(part) <= 5 for part in parts):
        return None
    numbers = [int(part) for part in parts]
    if any(number > 59 for number in numbers[1:]):
        return None
    seconds = 0
    for number in numbers:
        seconds = 60 * seconds + number
    return 1000 * seconds
