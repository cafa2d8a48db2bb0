"""What a call is told before it begins, and the words it reports in."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

INAUDIBLE = "[inaudible]"


class EndReason(StrEnum):
    HUNG_UP = "hung_up"
    FEEDBACK = "feedback"
    LINE_LOST = "line_lost"
    CALLER_LOST = "caller_lost"
    TOO_LONG = "too_long"
    IDLE = "idle"
    ENDED_ELSEWHERE = "ended_elsewhere"
    REPLACED = "replaced"
    FAILED = "failed"
    SHUTDOWN = "shutdown"


class Role(StrEnum):
    CALLER = "caller"
    COUNSELOR = "counselor"


class Source(StrEnum):
    SPOKEN = "spoken"
    TYPED = "typed"


@dataclass(frozen=True, slots=True)
class Turn:
    """One utterance as it is to be saved. `item` is the upstream's id; a later revision replaces an earlier one."""

    revision: int
    item: str
    after: str | None
    role: Role
    text_generated: str
    text_heard: str
    final: bool
    start_ms: int
    end_ms: int
    source: Source = Source.SPOKEN
    interrupted: bool = False


@dataclass(frozen=True, slots=True)
class Briefing:
    """Who calls, and what has been said so far.

    `history` holds the earlier turns in spoken order; new revisions count up from `revision`.
    """

    session_id: str
    instructions: str
    model: str
    voice: str
    transcribe_model: str
    # None while it is still being prepared, empty when there will be none.
    greeting: str | None = None
    caller_opens_after: float = 6.0
    silence_ms: int = 700
    history: Sequence[Turn] = ()
    revision: int = 0
    resumed: bool = False
    recording: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    """How patient a call is, in seconds where nothing else is said."""

    longest_call: float = 3600.0
    silent_line: float = 60.0
    last_transcriptions: float = 2.0
    flush_answer: float = 0.4
    greeting_in_waiting: float = 2.0
    voiced_ms_of_a_turn: int = 450
    quiet_ms_of_an_encourager: int = 300
    voiced_rms: float = 500.0
    nearly_done: float = 0.8
    growing_text_every: float = 0.2
    lead: float = 2.0
    # Audio comes faster than it is heard. One response has at most some minutes of it; what exceeds this is dropped.
    audio_in_waiting: float = 120.0
    microphone_in_waiting: float = 2.0
    browser_backlog_bytes: int = 512 * 1024
    browser_backlog: float = 5.0
    farewell: float = 1.0  # how long the browser may take to read the last messages
