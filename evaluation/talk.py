"""Who spoke how long in a call, and where nobody did: facts of the transcript's times, with no judgement in them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

LONG_PAUSE = 3000  # ms


class Timed(Protocol):
    role: str
    source: str
    start_ms: int | None
    end_ms: int | None


class Span(NamedTuple):
    start_ms: int
    end_ms: int

    @property
    def length_ms(self) -> int:
        return self.end_ms - self.start_ms


@dataclass(frozen=True)
class Talk:
    counselor_ms: int
    caller_ms: int
    pauses: list[Span]

    @property
    def share(self) -> int:
        """The counselor's part of all that was spoken, in percent."""
        return round(100 * self.counselor_ms / ((self.counselor_ms + self.caller_ms) or 1))

    @property
    def callers_share(self) -> int:
        return 100 - self.share if self.has_speech else 0

    @property
    def has_speech(self) -> bool:
        return self.counselor_ms + self.caller_ms > 0

    @property
    def longest(self) -> Span | None:
        return max(self.pauses, key=lambda pause: pause.length_ms, default=None)


def talk_of(turns: Iterable[Timed]) -> Talk:
    """Of what was spoken. A typed line takes no time of the call, but it ends a silence."""
    spoken: dict[str, list[Span]] = {"counselor": [], "caller": []}
    moments: list[Span] = []
    for turn in turns:
        if turn.start_ms is None:
            continue
        span = Span(turn.start_ms, max(turn.start_ms, turn.end_ms or 0))
        moments.append(span if turn.source == "spoken" else Span(turn.start_ms, turn.start_ms))
        if turn.source == "spoken":
            spoken[turn.role].append(span)
    lengths = [sum(span.length_ms for span in merged(spoken[role])) for role in ("counselor", "caller")]
    return Talk(lengths[0], lengths[1], [pause for pause in gaps(merged(moments)) if pause.length_ms >= LONG_PAUSE])


def merged(spans: Iterable[Span]) -> list[Span]:
    """In order, with what overlaps joined."""
    line: list[Span] = []
    for span in sorted(spans):
        if line and span.start_ms <= line[-1].end_ms:
            line[-1] = Span(line[-1].start_ms, max(line[-1].end_ms, span.end_ms))
        else:
            line.append(span)
    return line


def gaps(spans: list[Span]) -> list[Span]:
    return [Span(before.end_ms, after.start_ms) for before, after in zip(spans, spans[1:], strict=False)]


def clock(ms: int | None) -> str:
    """As a player shows it: 0:07, 12:30, 1:02:03."""
    seconds = (ms or 0) // 1000
    hours, minutes = seconds // 3600, seconds // 60 % 60
    return f"{hours}:{minutes:02}:{seconds % 60:02}" if hours else f"{minutes}:{seconds % 60:02}"


def ms_of(text: str) -> int | None:
    """What somebody typed as a time: 7, 0:07, 1:02:03. None where it is none."""
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
