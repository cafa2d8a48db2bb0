"""Phone conversation between a counselor and the caller that a model voices. It owns no socket, task, or clock.

The owner reports each event with its time: `upstream_connected`, `receive_event`, `upstream_lost`, `receive_audio`,
`receive_message`, `confirm_saved`, `tick`. After each one it sends what is in `send_queue`, saves the turns there,
reconnects when `connection` calls for it, and stops when `end_reason` is set. The owner announces the end itself, once
everything is saved.
"""

import logging
import time
from collections.abc import Callable, Mapping

from accounts.web.visible_text import strip_blank
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
from voicegateway.browser.rate_limit import AudioRateLimit, MessageRateLimit, TypedRateLimit
from voicegateway.conversation.barge_in import BargeIn
from voicegateway.conversation.call_config import CallConfig, CallEndReason, CallOutcome, Limits
from voicegateway.conversation.caller import CallerSide
from voicegateway.conversation.counselor import CounselorSide
from voicegateway.conversation.ending import Ending
from voicegateway.conversation.ports import Recorder
from voicegateway.conversation.send_queue import SendQueue
from voicegateway.conversation.transcript import Transcript
from voicegateway.conversation.turn_publisher import TurnPublisher
from voicegateway.conversation.turn_taking import TurnTaking
from voicegateway.conversation.watchdog import Watchdog
from voicegateway.upstream.client_events import FATAL_CODES, SESSION_EXPIRED, history_items, session_update
from voicegateway.upstream.connection_state import ConnectionState
from voicegateway.upstream.responses import ResponseTrigger
from voicegateway.upstream.server_events import MalformedEventError, ServerEvent

logger = logging.getLogger(__name__)

CLOSE_NOT_READING = 4008  # WebSocket close code: the browser has stopped reading
CLOSE_TOO_FAST = 1008  # WebSocket close code: the browser sends more than any page does
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
        self.send_queue = SendQueue(self.limits)
        self.send_queue.now = now
        self.transcript = Transcript(config.history, config.revision)
        self.publisher = TurnPublisher(self.send_queue, self.transcript, self.limits)
        self.caller = CallerSide(self.send_queue, recorder, self.transcript, self.limits)
        self.caller.has_been_heard = any(turn.role is SpeakerRole.CALLER for turn in config.history)
        self.counselor = CounselorSide(
            self.send_queue, recorder, self.transcript, self.limits, config.patience.silence_ms
        )
        self.connection = ConnectionState(self.limits, now)
        self.watchdog = Watchdog(self.limits, now)
        self.rate_limit = AudioRateLimit()
        self.message_limit = MessageRateLimit()
        self.typed_limit = TypedRateLimit(
            self.limits.typed_turns_per_minute,
            self.limits.typed_words_per_minute,
            config.recent_typed_turns,
            config.recent_typed_words,
        )
        self.barge_in = BargeIn(self.caller, self.limits)
        self.turn_taking = TurnTaking(
            config, self.send_queue, self.caller, self.counselor, self.connection, self.watchdog, self.limits
        )
        self.ending = Ending(self.limits)

    @property
    def end_reason(self) -> CallEndReason | None:
        """Reason for the end of the call; None until it has ended."""
        return self.ending.reason

    @property
    def outcome(self) -> CallOutcome:
        return self.ending.outcome

    @property
    def is_quiet(self) -> bool:
        """Return True if the call is not ending and no speech is in progress or awaits a transcript or a response."""
        return self.turn_taking.is_quiet and not self.ending.is_requested

    # Events

    def upstream_connected(self, now: float) -> None:
        """Set up a new connection: queue the session's configuration and everything heard so far."""
        self.send_queue.now = now
        self.caller.begin_session()
        self.counselor.end_session()
        self.transcript.begin_session()
        history = [turn for turn in self.transcript.turns() if turn.is_final]
        setup_events = [session_update(self.config), *history_items(history)]
        self.send_queue.begin_session(setup_events, self.counselor.take_replay())
        self.counselor.begin_session()
        self.connection.mark_connected(now)
        self._process_pending()

    def receive_event(self, fields: object, now: float) -> None:
        self.send_queue.now = now
        try:
            event = ServerEvent(fields)
            handle = EVENT_HANDLERS.get(event.type)
            if handle is not None and not self.ending.is_over and self.connection.is_connected:
                handle(self, event)
        except MalformedEventError as problem:
            logger.warning("Upstream event lacks %s", problem, extra={"session_id": self.config.session_id})
        self._process_pending()

    def upstream_lost(self, code: str, retryable: bool, now: float) -> None:
        """Handle a lost or failed connection, and set `connection.connect_at` to the time to reconnect.

        End the call instead if the loss is not retryable or too many attempts have failed.
        """
        self.send_queue.now = now
        if self.ending.is_over:
            return
        logger.warning("Caller lost: %s", code, extra={"session_id": self.config.session_id})
        if self.ending.is_requested:
            self._complete_end()
            return
        is_first_loss = not self.connection.is_reconnecting
        self._end_session()
        if not self.connection.mark_lost(code, now) or not retryable:
            self._end_without_caller(code)
        elif is_first_loss:
            self.send_queue.add_message(Notice("caller_reconnecting"))
        self._process_pending()

    def receive_audio(self, frame: AudioFrame, now: float) -> None:
        """Accept a microphone frame. Raise InvalidFrameError if audio arrives faster than it could have been spoken."""
        self.send_queue.now = now
        if self.ending.is_requested:
            return
        if not self.rate_limit.spend(frame.samples, now):
            raise InvalidFrameError("audio arrives faster than real time")
        self.watchdog.note_frame(now)
        self.counselor.receive_audio(frame)
        if self.barge_in.overlap is not None:
            self.barge_in.add_frame(frame.samples, self.counselor.voice_activity.is_voiced)
            self._process_pending()

    def receive_message(self, message: FromBrowser, now: float) -> None:
        self.send_queue.now = now
        if self.ending.is_over:
            return
        if not self.message_limit.spend(1, now):
            self.end_for_flood(now)
            return
        match message:
            case Hello(last_revision):
                self.publisher.browser_revision = last_revision
                self.watchdog.note_hello()
                self._send_ready()
            case Say(text):
                self._receive_typed_turn(strip_blank(text))
            case Played():
                self.caller.apply_playback_report(message)
            case Mute(on):
                self.counselor.set_muted(on)
            case HangUp():
                self.end(CallEndReason.HUNG_UP, now)
        self._process_pending()

    def set_greeting(self, text: str) -> None:
        """Set the caller's prepared first line. It is used only if the caller has not been heard yet."""
        self.turn_taking.greeting = text
        self._process_pending()

    def confirm_saved(self, turn: TurnSnapshot) -> None:
        """Note that a turn is saved, and announce it."""
        self.publisher.confirm_saved(turn, self.send_queue.now)

    def tick(self, now: float) -> None:
        """Check all timeouts. Call this a few times per second."""
        self.send_queue.now = now
        if self.ending.is_over:
            return
        self.caller.check_flush_timeout()
        if self.send_queue.is_browser_stalled():
            self.ending.close_code = CLOSE_NOT_READING
            self.end_now(CallEndReason.LINE_LOST, now)
        elif not self.ending.is_requested:
            self._check_timeouts(now)
        elif self.ending.is_due(now):
            self._complete_end()
        self._process_pending()

    # Ending

    def end(self, reason: CallEndReason, now: float) -> None:
        """End the call once the counselor's last words are transcribed."""
        self.send_queue.now = now
        if not self.ending.request(reason, now):
            return
        self.barge_in.forget_overlap()
        self.caller.end()
        self.counselor.commit_last_words()
        self._process_pending()

    def end_now(self, reason: CallEndReason, now: float) -> None:
        """End the call at once with the text known so far."""
        self.end(reason, now)
        self._complete_end()

    def end_for_flood(self, now: float) -> None:
        """End the call, which is still graded, because its page sends more than a person could."""
        if self.ending.is_over:
            return
        logger.warning("Too many messages", extra={"session_id": self.config.session_id})
        self.send_queue.now = now
        self.ending.close_code = CLOSE_TOO_FAST
        self.send_queue.add_message(Notice("too_fast"))
        self.end_now(CallEndReason.TOO_FAST, now)

    def _complete_end(self) -> None:
        if self.ending.complete():
            self.counselor.finish_untranscribed()
            self.publisher.close(self.send_queue.now)

    # Connection to the model

    def _end_session(self) -> None:
        """Stop the caller as if interrupted. The next connection resumes its speech or gives the pending answer."""
        is_answer_pending = self.caller.has_floor
        was_speaking = bool(self.caller.playout.unheard)
        self.barge_in.forget_overlap()
        self.send_queue.end_session()
        self.caller.end_session()
        self.counselor.end_session()
        if is_answer_pending and not self.counselor.needs_replay:
            self.caller.responses.request(ResponseTrigger.RECONNECTED if was_speaking else ResponseTrigger.TURN)

    def _reconnect(self, code: str) -> None:
        self.upstream_lost(code, retryable=True, now=self.send_queue.now)

    def _end_without_caller(self, code: str) -> None:
        """End the call because the caller is unreachable.

        The log and `ending.detail` give the operator the code; the notice tells the counselor that the fault is ours.
        """
        logger.error("The caller cannot be reached: %s", code, extra={"session_id": self.config.session_id})
        self.ending.detail = code
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

    def _send_ready(self) -> None:
        """Send the page `ready` and the turns it lacks once both sides are connected."""
        is_ready = self.connection.is_configured and self.publisher.browser_revision is not None
        if not is_ready or self.turn_taking.ready_at is not None:
            return
        self.send_queue.add_message(Ready(self.config.is_resumed, self.config.is_recorded, self.config.epoch))
        self.publisher.send_missed(self.config.history)
        self.turn_taking.begin(self.send_queue.now)

    # The counselor's turns

    def _speech_started(self, event: ServerEvent) -> None:
        self.counselor.speech_started(event)
        if not self.ending.is_requested:
            self.barge_in.start_overlap()

    def _speech_stopped(self, event: ServerEvent) -> None:
        self.counselor.speech_stopped(event)
        self.barge_in.finish_overlap(event.id("item_id"))

    def _committed(self, event: ServerEvent) -> None:
        item = event.id("item_id")
        is_turn = self.counselor.committed(event)
        self.barge_in.finish_overlap(item)
        if not is_turn or self.ending.is_requested:
            return
        self.watchdog.note_speech(self.send_queue.now)
        if item not in self.barge_in.backchannels:
            self.turn_taking.request_answer(interrupts=item not in self.barge_in.late_answers)

    def _receive_typed_turn(self, text: str) -> None:
        """Accept a typed turn. Above the limit, send the page a notice, and end the call if it does not stop."""
        if not text or self.ending.is_requested:
            return
        now = self.send_queue.now
        if not self.typed_limit.spend(text, now):
            self.send_queue.add_message(Notice("typed_too_fast"))
            if self.typed_limit.count_refusal(now):
                self.end_for_flood(now)
            return
        self.barge_in.forget_overlap()
        self.counselor.add_typed_turn(text)
        self.watchdog.note_speech(now)
        self.turn_taking.request_answer_to_typed()

    def _transcribed(self, event: ServerEvent) -> None:
        item, text = event.id("item_id"), event.text("transcript")
        self.counselor.set_transcript(item, text)
        if not self.ending.is_requested and self.barge_in.promote_backchannel(item, text):
            self.turn_taking.request_answer(interrupts=True)

    def _not_transcribed(self, event: ServerEvent) -> None:
        self.counselor.set_transcript(event.id("item_id"), INAUDIBLE_TEXT)

    # Other events from upstream

    def _item_added(self, event: ServerEvent) -> None:
        item = event.section("item")
        role = {"user": SpeakerRole.COUNSELOR, "assistant": SpeakerRole.CALLER}.get(item.optional_text("role") or "")
        if role is not None:
            self.transcript.place(item.id("id"), role, event.previous_item())

    def _response_done(self, event: ServerEvent) -> None:
        response = event.section("response")
        was_ours = self.caller.response_done(event)
        error = response.optional_section("status_details").optional_section("error")
        if self._handle_fatal_error(error) or not was_ours or self.ending.is_requested:
            return
        if self.caller.audible_response == response.text("id"):
            self.turn_taking.note_audible_response()
            self.connection.reset_failures()
        elif response.optional_text("status") == "failed":
            self._response_failed(error.optional_text("code") or error.optional_text("type") or "response_failed")
        elif response.optional_text("status") != "cancelled" and not self.turn_taking.retry_silent_response():
            self._end_inaudible()

    def _response_failed(self, code: str) -> None:
        logger.warning("Response failed: %s", code, extra={"session_id": self.config.session_id})
        if not self.turn_taking.retry_failed_response(self.send_queue.now):
            self._reconnect(code)

    def _end_inaudible(self) -> None:
        """End the call as not gradable, because the caller cannot be heard."""
        logger.error("The caller is silent", extra={"session_id": self.config.session_id})
        self.ending.not_gradable_reason = CALLER_INAUDIBLE_REASON
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
        elif self.caller.responses.mark_rejected(error.optional_text("event_id")) and not self.ending.is_requested:
            self._response_failed(code)

    def _handle_fatal_error(self, error: ServerEvent) -> bool:
        code = error.optional_text("code")
        if code not in FATAL_CODES:
            return False
        self.upstream_lost(code, retryable=False, now=self.send_queue.now)
        return True

    # After each input

    def _check_timeouts(self, now: float) -> None:
        """Act on every expired timeout: for upstream responses, for silences, and for the whole call."""
        if self.counselor.speaking_item or self.caller.responses.is_in_progress or self.caller.playout.unheard:
            self.watchdog.note_speech(now)
        if problem := self._connection_problem(now):
            self._reconnect(problem)
        else:
            self.turn_taking.request_after_silence(now)
        for notice in self.watchdog.due_notices(now):
            self.send_queue.add_message(Notice(notice))
        reason = self.watchdog.due_end_reason(now)
        if reason is CallEndReason.LINE_LOST:
            self.end_now(reason, now)
        elif reason is not None:
            self.end(reason, now)

    def _connection_problem(self, now: float) -> str:
        """Return a code for the problem that requires a new connection, or "" if there is none."""
        if self.connection.is_configuration_overdue(now):
            return "not_configured"
        if self.caller.responses.has_timed_out(now, self.limits.response_lost_after):
            return "no_answer"
        return "not_reading" if self.send_queue.is_upstream_stalled() else ""

    def _process_pending(self) -> None:
        if not self.ending.is_requested:
            self.turn_taking.send_due_request(self.send_queue.now)
            self.caller.send_due_audio()
        elif not self.counselor.has_pending_speech or not self.connection.is_connected:
            self._complete_end()
        self.publisher.publish(self.send_queue.now)


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
