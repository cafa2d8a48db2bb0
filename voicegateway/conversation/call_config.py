"""Configuration, limits, and result types of a call."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from training.transcript import TurnSnapshot


class CallEndReason(StrEnum):
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
    TOO_FAST = "too_fast"


@dataclass(frozen=True, slots=True)
class CallOutcome:
    """Result of a call."""

    reason: CallEndReason
    detail: str = ""  # error code, for the operator only
    not_gradable_reason: str = ""  # reason why the transcript must not be graded; empty if it may be
    close_code: int = 0  # WebSocket close code; 0 if the reason determines it


@dataclass(frozen=True, slots=True)
class PatienceTimings:
    """Silences that a caller tolerates."""

    silence_ms: int  # longest pause inside one counselor turn
    reprompt_after: float  # seconds of silence after which the caller speaks again


# Counselors are taught to let a silence stand, so a patient caller must not mistake it for the end of a turn.
TIMINGS_BY_PATIENCE = {
    "brisk": PatienceTimings(500, 8.0),
    "normal": PatienceTimings(800, 20.0),
    "patient": PatienceTimings(2500, 60.0),
}


@dataclass(frozen=True, slots=True)
class CallConfig:
    """Configuration of one call: the caller, and the conversation so far."""

    session_id: str
    instructions: str  # the caller's prompt
    model: str  # realtime model
    voice: str
    transcribe_model: str
    transcribe_language: str = ""  # ISO 639 code of the counselor's language; empty to detect it
    greeting: str | None = None  # prepared first line; None while it is being prepared, empty if there will be none
    caller_opens_after: float = 6.0  # seconds of silence after which the caller speaks first
    patience: PatienceTimings = TIMINGS_BY_PATIENCE["normal"]
    history: Sequence[TurnSnapshot] = ()  # earlier turns in spoken order
    revision: int = 0  # latest revision so far; new ones count up from it
    epoch: int = 1  # epoch of the session that this call belongs to, counted from 1
    is_resumed: bool = False  # True if an earlier epoch held the session
    is_recorded: bool = False  # True if this call is recorded
    recent_typed_turns: int = 0  # typed in the last minute, in earlier epochs
    recent_typed_words: int = 0


@dataclass(frozen=True, slots=True)
class Limits:
    """Timeouts, thresholds, and bounds of a call. Times are in seconds unless the name says otherwise.

    Levels (`_rms`) are root mean squares of PCM16 samples, 0 to 32,768.
    """

    # Duration and silence
    max_duration: float = 3600.0  # longest call
    ending_soon_before: float = 60.0  # notice to the page, this long before `max_duration`
    hello_within: float = 60.0  # wait for the page's hello after the socket opens
    frames_lost_after: float = 20.0  # time without a microphone frame after which the line counts as lost
    idle_warn_after: float = 120.0  # silence of both sides before the page is warned
    idle_end_after: float = 180.0  # silence of both sides that ends the call
    final_transcripts_within: float = 2.0  # wait for the last transcripts when the call ends

    # Connection to the model
    response_lost_after: float = 10.0  # time without any event of a requested response before reconnecting
    configured_within: float = 4.0  # wait for a new connection's `session.updated` before reconnecting
    reconnect_delays: tuple[float, ...] = (0.5, 1.0, 2.0)  # delay before each attempt; the call ends after the last
    stable_after: float = 20.0  # lifetime of a connection that resets the count of failed attempts
    rollover_after: float = 3000.0  # age at which a connection is replaced by a new one
    rollover_before_expiry: float = 300.0  # replacement this long before the expiry that upstream announces
    max_failed_responses: int = 3  # failed responses in a row before reconnecting
    caller_audible_rms: float = 60.0  # caller audio below this level counts as silence

    # Barge-in
    barge_in_min_speech_ms: int = 600  # continuous counselor speech over the caller that interrupts it
    resume_after_quiet_ms: int = 300  # silence of the counselor after which a paused caller resumes
    voiced_rms: float = 500.0  # microphone level from which a frame counts as speech
    audible_rms: float = 150.0  # microphone level from which a frame counts as audible
    min_word_ms: int = 40  # audible sound that an utterance needs to count as a turn
    flush_timeout: float = 0.4  # wait for the player's report after a flush
    turn_end_margin: float = 0.8  # unplayed caller audio below which the caller counts as finishing

    # Typed turns
    typed_turns_per_minute: int = 20
    typed_words_per_minute: int = 300  # also the most in one turn

    # Turns and queues
    greeting_wait: float = 2.0  # wait for a greeting that is still being prepared
    live_text_interval: float = 0.2  # shortest interval between live updates of a caller turn's text
    save_timeout: float = 1.0  # wait for a final turn's save before the page is notified anyway
    playout_lead: float = 2.0  # caller audio sent ahead of playback
    # Longest caller audio queued; the excess is dropped. Audio arrives faster than it plays, and one response has at
    # most a few minutes of it.
    max_queued_caller_audio: float = 120.0
    max_queued_microphone: float = 2.0  # longest microphone audio queued while connected
    max_queued_microphone_reconnecting: float = 5.0  # the same while reconnecting
    max_replayed_speech: float = 8.0  # longest speech, lost with a connection, that is replayed to the next one
    max_queued_events: int = 1000  # events queued for upstream before reconnecting
    max_browser_backlog_bytes: int = 512 * 1024  # bytes queued for the browser before its socket is closed
    max_browser_backlog: float = 5.0  # age of the oldest queued browser message before its socket is closed
    closing_timeout: float = 1.0  # wait for the browser to read the last messages
