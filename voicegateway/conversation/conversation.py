"""Phone conversation between a counselor and the caller that a model voices. It owns no socket, task, or clock.

The owner reports each event with its time: `upstream_connected`, `receive_event`, `upstream_lost`, `receive_audio`,
`receive_message`, `confirm_saved`, `tick`. After each one it sends what is in `send_queue`, saves the turns there,
reconnects when `connection` calls for it, and stops when `end_reason` is set. The owner announces the end itself, once
everything is saved.
"""

import logging
import time
from collections import deque
from collections.abc import Callable, Mapping

from training.transcript import INAUDIBLE_TEXT, SpeakerRole, TurnSnapshot
from voicegateway.browser.protocol import (
    AudioFrame,
    FromBrowser,
    HangUp,
    Hello,
    InvalidFrameError,
    Mute,
    Notice,
    Played,
    Ready,
    Say,
)
from voicegateway.browser.rate_limit import AudioRateLimit
from voicegateway.conversation.barge_in import OverlappingSpeech, is_interruption
from voicegateway.conversation.call_config import CallConfig, CallEndReason, CallOutcome, Limits
from voicegateway.conversation.caller import CallerSide
from voicegateway.conversation.counselor import CounselorSide
from voicegateway.conversation.ports import Recorder
from voicegateway.conversation.send_queue import SendQueue
from voicegateway.conversation.transcript import Transcript, turn_message
from voicegateway.conversation.watchdog import Watchdog
from voicegateway.upstream.client_events import (
    FATAL_CODES,
    SESSION_EXPIRED,
    history_items,
    long_silence_instructions,
    opening_instructions,
    reconnected_instructions,
    session_update,
)
from voicegateway.upstream.connection_state import ConnectionState
from voicegateway.upstream.responses import ResponseTrigger
from voicegateway.upstream.server_events import MalformedEventError, ServerEvent

logger = logging.getLogger(__name__)

CLOSE_NOT_READING = 4008  # WebSocket close code: the browser has stopped reading
CALLER_INAUDIBLE_REASON = "The caller could not be heard."


class Conversation:
    """State machine of one call: turns, barge-in, the upstream connection, and the end."""

    def __init__(
        self,
        config: CallConfig,
        recorder: Recorder,
        now: float,
        limits: Limits | None = None,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self.config = config
        self.limits = limits or Limits()
        self.wall_clock = wall_clock
        self.greeting = config.greeting
        self.send_queue = SendQueue(self.limits)
        self.send_queue.now = now
        self.transcript = Transcript(config.history, config.revision)
        self.caller = CallerSide(self.send_queue, recorder, self.transcript, self.limits)
        self.caller.has_been_heard = any(turn.role is SpeakerRole.CALLER for turn in config.history)
        self.counselor = CounselorSide(
            self.send_queue, recorder, self.transcript, self.limits, config.patience.silence_ms
        )
        self.connection = ConnectionState(self.limits, now)
        self.watchdog = Watchdog(self.limits, now)
        self.rate_limit = AudioRateLimit()
        self.overlap: OverlappingSpeech | None = None  # counselor's speech over the caller, not yet judged
        self.backchannels: set[str] = set()  # items too short to be turns
        self.late_answers: set[str] = set()  # short items at the caller's last words, which count as answers
        self.unannounced_turns: deque[tuple[TurnSnapshot, float]] = deque()  # with the times they were queued
        self.saved_revisions: dict[str, int] = {}  # latest saved revision of each item
        self.browser_revision: int | None = None  # latest revision that the page has; None until its hello
        self.ready_at: float | None = None  # time at which the page was told that the call is ready
        self.greeting_wait_started: float | None = None
        self.silent_response_count = 0  # responses in a row without audible sound
        self.pending_end_reason: CallEndReason | None = None  # set while last words are being transcribed
        self.end_deadline = 0.0
        self.end_reason: CallEndReason | None = None  # set once the call has ended
        self.end_detail = self.not_gradable = ""
        self.close_code = 0

    # Events

    def upstream_connected(self, now: float) -> None:
        """Introduce a new connection: queue the session's configuration and everything heard so far."""
        self.send_queue.now = now
        self.caller.begin_session()
        self.counselor.end_session()
        self.transcript.begin_session()
        history = [turn for turn in self.transcript.turns() if turn.is_final]
        introduction = [session_update(self.config), *history_items(history)]
        self.send_queue.begin_session(introduction, self.counselor.take_replay())
        self.counselor.begin_session()
        self.connection.mark_connected(now)
        self._process_pending()

    def receive_event(self, fields: object, now: float) -> None:
        self.send_queue.now = now
        try:
            event = ServerEvent(fields)
            handle = EVENT_HANDLERS.get(event.type)
            if handle is not None and self.end_reason is None and self.connection.is_connected:
                handle(self, event)
        except MalformedEventError as problem:
            logger.warning("Upstream event lacks %s", problem, extra={"session_id": self.config.session_id})
        self._process_pending()

    def upstream_lost(self, code: str, retryable: bool, now: float) -> None:
        """Handle a lost or failed connection. Afterwards `connection.connect_at` is the time to reconnect.

        The call ends instead if the loss is not retryable or too many attempts have failed.
        """
        self.send_queue.now = now
        if self.end_reason is not None:
            return
        logger.warning("Caller lost: %s", code, extra={"session_id": self.config.session_id})
        if self.pending_end_reason is not None:
            self._complete_end()
            return
        is_news = not self.connection.is_reconnecting
        self._end_session()
        if not self.connection.mark_lost(code, now) or not retryable:
            self._end_without_caller(code)
        elif is_news:
            self.send_queue.add_message(Notice("caller_reconnecting"))
        self._process_pending()

    def receive_audio(self, frame: AudioFrame, now: float) -> None:
        """Accept a microphone frame. Raise InvalidFrameError if audio arrives faster than it can have been spoken."""
        self.send_queue.now = now
        if self.pending_end_reason is not None:
            return
        if self.rate_limit.is_exceeded_by(frame.samples, now):
            raise InvalidFrameError("sound comes faster than time passes")
        self.watchdog.note_frame(now)
        self.counselor.receive_audio(frame)
        if self.overlap is not None:
            self._handle_overlap(self.overlap, frame.samples)
            self._process_pending()

    def receive_message(self, message: FromBrowser, now: float) -> None:
        self.send_queue.now = now
        if self.end_reason is not None:
            return
        match message:
            case Hello(last_revision):
                self.browser_revision = last_revision
                self.watchdog.note_hello()
                self._send_ready()
            case Say(text):
                self._receive_typed_turn(text.strip())
            case Played():
                self.caller.apply_playback_report(message)
            case Mute(on):
                self.counselor.set_muted(on)
            case HangUp():
                self.end(CallEndReason.HUNG_UP, now)
        self._process_pending()

    def set_greeting(self, text: str) -> None:
        """Set the caller's prepared first line. It is used only if the caller has not been heard yet."""
        self.greeting = text
        self._process_pending()

    def confirm_saved(self, turn: TurnSnapshot) -> None:
        """Note that a turn is saved and announce it.

        The page learns of a final turn only after its save, so that a finished turn on the page is never lost.
        """
        self.saved_revisions[turn.item] = turn.revision
        self._announce_turns()

    def tick(self, now: float) -> None:
        """Check all timeouts. Call this a few times per second."""
        self.send_queue.now = now
        if self.end_reason is not None:
            return
        self.caller.check_flush_timeout()
        if self.send_queue.is_browser_stalled():
            self.close_code = CLOSE_NOT_READING
            self.end_now(CallEndReason.LINE_LOST, now)
        elif self.pending_end_reason is None:
            self._check_timeouts(now)
        elif now >= self.end_deadline:
            self._complete_end()
        self._process_pending()

    @property
    def outcome(self) -> CallOutcome:
        return CallOutcome(self.end_reason or CallEndReason.FAILED, self.end_detail, self.not_gradable, self.close_code)

    @property
    def is_quiet(self) -> bool:
        """Return True if neither side is speaking and no speech is waiting to be transcribed or answered."""
        return not (self.caller.has_floor or self.counselor.has_pending_speech or self.pending_end_reason)

    # Ending

    def end(self, reason: CallEndReason, now: float) -> None:
        """End the call once the counselor's last words are transcribed."""
        self.send_queue.now = now
        if self.pending_end_reason is not None:
            return
        self.pending_end_reason, self.end_deadline = reason, now + self.limits.final_transcripts_within
        self.overlap = None
        self.caller.end()
        self.counselor.commit_last_words()
        self._process_pending()

    def end_now(self, reason: CallEndReason, now: float) -> None:
        """End the call at once with the text known so far."""
        self.end(reason, now)
        self._complete_end()

    def _complete_end(self) -> None:
        if self.end_reason is not None or self.pending_end_reason is None:
            return
        self.counselor.finish_untranscribed()
        self.end_reason = self.pending_end_reason
        self._publish_turns()

    # Connection to the model

    def _end_session(self) -> None:
        """Stop the caller as if interrupted. The next connection continues what it was saying or owed in reply."""
        owed = self.caller.has_floor
        was_speaking = bool(self.caller.playout.unheard)
        self.overlap = None
        self.send_queue.end_session()
        self.caller.end_session()
        self.counselor.end_session()
        if owed and not self.counselor.needs_replay:
            self.caller.responses.request(ResponseTrigger.RECONNECTED if was_speaking else ResponseTrigger.TURN)

    def _reconnect(self, code: str) -> None:
        self.upstream_lost(code, retryable=True, now=self.send_queue.now)

    def _end_without_caller(self, code: str) -> None:
        """End the call because the caller is unreachable.

        The log and `end_detail` give the operator the code; the notice tells the counselor that the fault is ours.
        """
        logger.error("The caller cannot be reached: %s", code, extra={"session_id": self.config.session_id})
        self.end_detail = code
        self.send_queue.add_message(Notice("caller_lost"))
        self.end_now(CallEndReason.CALLER_LOST, self.send_queue.now)

    def _session_created(self, event: ServerEvent) -> None:
        expires_at = event.optional_section("session").fields.get("expires_at")
        if isinstance(expires_at, int | float) and not isinstance(expires_at, bool):
            self.connection.set_expiry(expires_at - self.wall_clock(), self.send_queue.now)

    def _session_updated(self, event: ServerEvent) -> None:
        if self.connection.mark_configured():
            self.send_queue.add_message(Notice("caller_back"))
        self._send_ready()

    # Turn-taking

    def _handle_overlap(self, suspicion: OverlappingSpeech, samples: int) -> None:
        """Judge one more frame of speech over the caller.

        Interrupt the caller for a barge-in, resume it after a backchannel, and pause it again for the next one.
        """
        was_quiet = suspicion.has_gone_quiet
        suspicion.add_frame(samples, self.counselor.voice_activity.is_voiced)
        if suspicion.is_barge_in:
            self.overlap = None
            self.caller.interrupt()
        elif suspicion.has_gone_quiet:
            self.caller.resume()
        elif was_quiet and self.caller.has_floor:
            self.caller.pause()

    def _speech_started(self, event: ServerEvent) -> None:
        self.counselor.speech_started(event)
        if self.pending_end_reason is None and self.caller.has_floor and not self.caller.is_being_interrupted:
            self.overlap = OverlappingSpeech(self.limits)
            self.caller.pause()

    def _speech_stopped(self, event: ServerEvent) -> None:
        self.counselor.speech_stopped(event)
        if self.overlap is not None:
            self._resume_after_overlap(event.text("item_id"))

    def _resume_after_overlap(self, item: str) -> None:
        """Resume the caller after an overlap too short for a turn.

        The overlap is a backchannel, except at the caller's last words, where it counts as an answer.
        """
        self.overlap = None
        (self.late_answers if self.caller.is_finishing else self.backchannels).add(item)
        self.caller.resume()

    def _committed(self, event: ServerEvent) -> None:
        item = event.id("item_id")
        is_turn = self.counselor.committed(event)
        if self.overlap is not None:
            self._resume_after_overlap(item)
        if not is_turn or self.pending_end_reason is not None:
            return
        self.watchdog.note_speech(self.send_queue.now)
        if item not in self.backchannels:
            self._request_answer(cuts=item not in self.late_answers)

    def _receive_typed_turn(self, text: str) -> None:
        if text and self.pending_end_reason is None:
            self.overlap = None
            self.counselor.add_typed_turn(text)
            self.watchdog.note_speech(self.send_queue.now)
            self._request_answer(cuts=True)

    def _request_answer(self, cuts: bool) -> None:
        """Request the caller's answer to the counselor. With `cuts`, interrupt what the caller is saying."""
        if cuts and self.caller.has_floor:
            self.caller.interrupt()
        self.watchdog.has_reprompted = False
        self.caller.responses.request()

    # Other events from upstream

    def _send_ready(self) -> None:
        """Send the page `ready` and the turns it lacks once both sides are connected. Request a due answer."""
        if not self.connection.is_configured or self.browser_revision is None or self.ready_at is not None:
            return
        self.ready_at = self.send_queue.now
        self.send_queue.add_message(Ready(self.config.resumed, self.config.recording, self.config.epoch))
        for turn in self.config.history:
            if turn.revision > self.browser_revision:
                self.send_queue.add_message(turn_message(turn))
        last = self.config.history[-1] if self.config.history else None
        if last and last.role is SpeakerRole.COUNSELOR:
            self._request_answer(cuts=False)
        elif last and last.is_interrupted:
            self.caller.responses.request(ResponseTrigger.RECONNECTED)

    def _item_added(self, event: ServerEvent) -> None:
        item = event.section("item")
        role = {"user": SpeakerRole.COUNSELOR, "assistant": SpeakerRole.CALLER}.get(item.optional_text("role") or "")
        if role is not None:
            self.transcript.place(item.id("id"), role, event.previous_item())

    def _transcribed(self, event: ServerEvent) -> None:
        item, text = event.id("item_id"), event.text("transcript")
        self.counselor.set_transcript(item, text)
        if item in self.backchannels and is_interruption(text) and self.pending_end_reason is None:
            self.backchannels.discard(item)
            self._request_answer(cuts=True)

    def _not_transcribed(self, event: ServerEvent) -> None:
        self.counselor.set_transcript(event.id("item_id"), INAUDIBLE_TEXT)

    def _response_done(self, event: ServerEvent) -> None:
        response = event.section("response")
        was_ours = self.caller.response_done(event)
        error = response.optional_section("status_details").optional_section("error")
        if self._handle_fatal_error(error) or not was_ours or self.pending_end_reason is not None:
            return
        if self.caller.audible_response == response.text("id"):
            self.silent_response_count = self.caller.responses.failures = 0
            self.connection.reset_failures()
        elif response.optional_text("status") == "failed":
            self._response_failed(error.optional_text("code") or error.optional_text("type") or "response_failed")
        elif response.optional_text("status") != "cancelled":
            self._handle_silent_response()

    def _response_failed(self, code: str) -> None:
        """Request the response again with a doubling delay. After `max_failed_responses`, reconnect."""
        responses = self.caller.responses
        responses.failures += 1
        logger.warning("Response failed: %s", code, extra={"session_id": self.config.session_id})
        if responses.failures >= self.limits.max_failed_responses:
            responses.failures = 0
            responses.request(responses.trigger)
            self._reconnect(code)
        else:
            responses.request(responses.trigger, not_before=self.send_queue.now + 2.0 ** (responses.failures - 1))

    def _handle_silent_response(self) -> None:
        """Handle a response without audible sound: request it once more, then end the call as not gradable."""
        self.silent_response_count += 1
        prompting = self.caller.responses.trigger
        self.caller.interrupt()
        if self.silent_response_count == 1:
            self.caller.responses.request(prompting)
            return
        logger.error("The caller is silent", extra={"session_id": self.config.session_id})
        self.not_gradable = CALLER_INAUDIBLE_REASON
        self.send_queue.add_message(Notice("caller_inaudible"))
        self.end(CallEndReason.CALLER_INAUDIBLE, self.send_queue.now)

    def _error(self, event: ServerEvent) -> None:
        """Handle an upstream error. Most need no action, because their cause is gone by the time they arrive."""
        error = event.section("error")
        code = error.optional_text("code") or error.optional_text("type") or "unknown"
        logger.info("Upstream error: %s", code, extra={"session_id": self.config.session_id})
        if self._handle_fatal_error(error):
            return
        if code == SESSION_EXPIRED:
            self._reconnect(code)
        elif code == "conversation_already_has_active_response":
            self.caller.responses.retry_after_conflict()
        elif code == "input_audio_buffer_commit_empty":
            self.counselor.speaking_item = None
        elif self.caller.responses.mark_rejected(error.optional_text("event_id")) and self.pending_end_reason is None:
            self._response_failed(code)

    def _handle_fatal_error(self, error: ServerEvent) -> bool:
        code = error.optional_text("code")
        if code not in FATAL_CODES:
            return False
        self.upstream_lost(code, retryable=False, now=self.send_queue.now)
        return True

    # After each input

    def _check_timeouts(self, now: float) -> None:
        """Act on every limit that has run out: on silence, on upstream's answers, and on the call's duration."""
        caller = self.caller
        if self.counselor.speaking_item or caller.responses.is_in_progress or caller.playout.unheard:
            self.watchdog.note_speech(now)
        if self.connection.is_configuration_overdue(now):
            self._reconnect("not_configured")
        elif caller.responses.has_timed_out(now, self.limits.response_lost_after):
            self._reconnect("no_answer")
        elif self.send_queue.is_upstream_stalled():
            self._reconnect("not_reading")
        elif self._should_caller_open(now):
            caller.responses.request()
        elif self._should_reprompt(now):
            self.watchdog.has_reprompted = True
            caller.responses.request(ResponseTrigger.LONG_SILENCE)
        for notice in self.watchdog.due_notices(now):
            self.send_queue.add_message(Notice(notice))
        reason = self.watchdog.due_end_reason(now)
        if reason is CallEndReason.LINE_LOST:
            self.end_now(reason, now)
        elif reason is not None:
            self.end(reason, now)

    def _should_caller_open(self, now: float) -> bool:
        """Return True if the caller should speak first, because the line has been silent since it opened."""
        if (
            self.ready_at is None
            or self.counselor.has_spoken
            or self.config.history
            or self.caller.responses.request_count
        ):
            return False
        return not self.counselor.speaking_item and now - self.ready_at >= self.config.caller_opens_after

    def _should_reprompt(self, now: float) -> bool:
        """Return True if the silence exceeds the scenario's patience. The caller breaks a silence only once."""
        has_begun = self.caller.has_been_heard or self.counselor.has_spoken
        if not has_begun or self.ready_at is None or not self.connection.is_configured or not self.is_quiet:
            return False
        return (
            not self.watchdog.has_reprompted
            and self.watchdog.silence_seconds(now) >= self.config.patience.reprompt_after
        )

    def _process_pending(self) -> None:
        if self.pending_end_reason is None:
            self._request_response_if_due()
            self.caller.send_due_audio()
        elif not self.counselor.has_pending_speech or not self.connection.is_connected:
            self._complete_end()
        self._publish_turns()

    def _request_response_if_due(self) -> None:
        responses = self.caller.responses
        if (
            not self.connection.is_configured
            or self.caller.is_being_interrupted
            or not responses.is_due(self.send_queue.now)
        ):
            return
        if not self._is_greeting_pending():
            self.send_queue.add_event(responses.create(self._response_instructions(), self.send_queue.now))

    def _is_greeting_pending(self) -> bool:
        """Return True for up to `greeting_wait` seconds while the caller's first line is still being prepared."""
        if self.greeting is not None or self.caller.has_been_heard:
            return False
        self.greeting_wait_started = (
            self.send_queue.now if self.greeting_wait_started is None else self.greeting_wait_started
        )
        return self.send_queue.now - self.greeting_wait_started < self.limits.greeting_wait

    def _response_instructions(self) -> str | None:
        """Return the instructions of the next response; None for the session's own.

        Responses ask for the prepared greeting until some of it has been heard.
        """
        standing = self.config.instructions
        if not self.caller.has_been_heard and self.greeting:
            return opening_instructions(standing, self.greeting)
        match self.caller.responses.trigger:
            case ResponseTrigger.RECONNECTED if self.caller.has_been_heard:
                return reconnected_instructions(standing)
            case ResponseTrigger.LONG_SILENCE:
                return long_silence_instructions(standing)
        return None

    def _publish_turns(self) -> None:
        for turn in self.transcript.unpublished:
            self.send_queue.unsaved_turns.append(turn)
            self.unannounced_turns.append((turn, self.send_queue.now))
        self.transcript.unpublished.clear()
        self._announce_turns()

    def _announce_turns(self) -> None:
        """Tell the page of turns in revision order, because a returning page reports only its last revision."""
        while self.unannounced_turns and self._may_announce(*self.unannounced_turns[0]):
            turn, _ = self.unannounced_turns.popleft()
            entry = self.transcript.get(turn.item)
            is_current = entry is not None and entry.turn.revision == turn.revision
            self.send_queue.add_message(turn_message(entry.turn if entry and is_current else turn))

    def _may_announce(self, turn: TurnSnapshot, since: float) -> bool:
        is_saved = self.saved_revisions.get(turn.item, 0) >= turn.revision
        has_waited = self.send_queue.now - since >= self.limits.save_timeout
        return not turn.is_final or is_saved or has_waited or self.end_reason is not None


EVENT_HANDLERS: Mapping[str, Callable[[Conversation, ServerEvent], None]] = {
    "error": Conversation._error,
    "session.created": Conversation._session_created,
    "session.updated": Conversation._session_updated,
    "conversation.item.added": Conversation._item_added,
    "conversation.item.input_audio_transcription.completed": Conversation._transcribed,
    "conversation.item.input_audio_transcription.failed": Conversation._not_transcribed,
    "input_audio_buffer.speech_started": Conversation._speech_started,
    "input_audio_buffer.speech_stopped": Conversation._speech_stopped,
    "input_audio_buffer.committed": Conversation._committed,
    "response.created": lambda conversation, event: conversation.caller.response_created(event),
    "response.output_item.added": lambda conversation, event: conversation.caller.output_item_added(event),
    "response.output_audio.delta": lambda conversation, event: conversation.caller.audio_delta(event),
    "response.output_audio.done": lambda conversation, event: conversation.caller.audio_done(event),
    "response.output_audio_transcript.delta": lambda conversation, event: conversation.caller.text_delta(event),
    "response.output_audio_transcript.done": lambda conversation, event: conversation.caller.text_done(event),
    "response.done": Conversation._response_done,
}
