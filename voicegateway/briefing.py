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
    SUPERVISOR = "supervisor"
    CALLER_INAUDIBLE = "caller_inaudible"
    REPLACED = "replaced"
    LOGGED_OUT = "logged_out"
    FAILED = "failed"
    SHUTDOWN = "shutdown"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a call ended. `detail` is for the operator only; `not_gradable` is why its words must not be graded."""

    reason: EndReason
    detail: str = ""
    not_gradable: str = ""
    # What a socket is closed with that broke the rules; 0 where the reason decides.
    close_code: int = 0


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
class Patience:
    """How long a silence the caller bears: within a turn of the counselor's, and before it speaks up by itself."""

    silence_ms: int
    speaks_up_after: float  # seconds


# In practice lines counselors are taught to let a silence stand: a patient caller must not take it for their answer.
PATIENCE = {"brisk": Patience(500, 8.0), "normal": Patience(800, 20.0), "patient": Patience(2500, 60.0)}


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
    patience: Patience = PATIENCE["normal"]
    history: Sequence[Turn] = ()
    revision: int = 0
    epoch: int = 1
    resumed: bool = False
    recording: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    """How patient a call is, in seconds where nothing else is said."""

    # How long it may last, and who may be silent for how long
    longest_call: float = 3600.0
    ending_soon: float = 60.0  # told so long before
    silent_line: float = 60.0  # from the socket's opening to its first word
    frames_lost: float = 20.0
    idle_warn: float = 120.0
    idle_end: float = 180.0
    last_transcriptions: float = 2.0

    # The connection to the model
    response_lost: float = 10.0
    configured_within: float = 4.0
    redial_after: tuple[float, ...] = (0.5, 1.0, 2.0)  # one try each
    steady_after: float = 20.0  # a connection that held so long begins a new count of tries
    rollover_after: float = 3000.0
    rollover_before_expiry: float = 300.0
    failed_responses: int = 3
    caller_rms: float = 60.0  # root mean square below which the caller's audio is as good as silent

    # Who interrupts
    voiced_ms_of_a_turn: int = 600
    quiet_ms_of_an_encourager: int = 300
    voiced_rms: float = 500.0
    audible_rms: float = 150.0
    voiced_ms_of_any_word: int = 40
    flush_answer: float = 0.4
    nearly_done: float = 0.8

    greeting_in_waiting: float = 2.0
    growing_text_every: float = 0.2
    saving: float = 1.0  # a page is told of a turn once it is saved, or when that takes longer than this
    lead: float = 2.0
    # Audio comes faster than it is heard. One response has at most some minutes of it; what exceeds this is dropped.
    audio_in_waiting: float = 120.0
    microphone_in_waiting: float = 2.0
    microphone_while_redialling: float = 5.0
    said_again: float = 8.0  # so much of an utterance that a broken connection took along is said to the next one
    events_in_waiting: int = 1000
    browser_backlog_bytes: int = 512 * 1024
    browser_backlog: float = 5.0
    farewell: float = 1.0  # how long the browser may take to read the last messages
