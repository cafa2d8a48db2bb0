"""A phone call between a counselor and the caller that a model speaks. It owns no socket, no task and no clock.

Tell it what happened and when: `upstream`, `hear`, `browser`, `tick`. Then send what stands in its `box`, save the
turns there, and stop when `ended` is set. That it is over is for the owner to say, once everything is saved.
"""

import logging
from collections.abc import Callable, Mapping

from voicegateway.briefing import INAUDIBLE, Briefing, EndReason, Limits, Role
from voicegateway.caller import Caller
from voicegateway.counselor import Counselor
from voicegateway.events import Event, MalformedEvent
from voicegateway.interruption import Suspicion
from voicegateway.outbox import Outbox
from voicegateway.ports import Recorder
from voicegateway.session_events import FATAL_CODES, history_items, opening_instructions, session_update
from voicegateway.transcript import Transcript, message_about
from voicegateway.wire import Frame, FromBrowser, HangUp, Hello, Mute, Notice, Played, Ready, Say

logger = logging.getLogger(__name__)


class Conversation:
    def __init__(self, briefing: Briefing, recorder: Recorder, limits: Limits | None = None) -> None:
        self.briefing = briefing
        self.limits = limits or Limits()
        self.greeting = briefing.greeting
        self.box = Outbox(self.limits)
        self.transcript = Transcript(briefing.history, briefing.revision)
        self.caller = Caller(self.box, recorder, self.transcript, self.limits)
        self.caller.has_been_heard = any(turn.role is Role.CALLER for turn in briefing.history)
        self.counselor = Counselor(self.box, recorder, self.transcript, briefing.silence_ms)
        self.replayed = frozenset(turn.item for turn in briefing.history)
        self.suspicion: Suspicion | None = None
        self.encouragers: set[str] = set()
        self.afterthoughts: set[str] = set()
        self.last_revision: int | None = None
        self.is_configured = False
        self.began_at = self.browser_heard_at = 0.0
        self.ready_at: float | None = None
        self.waits_since: float | None = None
        self.ending: EndReason | None = None
        self.ends_by = 0.0
        self.ended: EndReason | None = None

    # What happens

    def begin(self, now: float) -> None:
        self.box.now = self.began_at = self.browser_heard_at = now
        self.box.ask(session_update(self.briefing))
        for item in history_items(self.briefing.history):
            self.box.ask(item)

    def upstream(self, fields: object, now: float) -> None:
        self.box.now = now
        try:
            event = Event(fields)
            handle = HANDLERS.get(event.type)
            if handle is not None and self.ended is None:
                handle(self, event)
        except MalformedEvent as problem:
            logger.warning("Upstream event lacks %s", problem, extra={"session_id": self.briefing.session_id})
        self._settle()

    def hear(self, frame: Frame, now: float) -> None:
        """Take microphone audio."""
        self.box.now = self.browser_heard_at = now
        if self.ending is not None:
            return
        pcm = self.counselor.hear(frame)
        if self.suspicion is not None:
            self._judge(self.suspicion, pcm)
            self._settle()

    def browser(self, message: FromBrowser, now: float) -> None:
        self.box.now = self.browser_heard_at = now
        if self.ended is not None:
            return
        match message:
            case Hello(last_revision):
                self.last_revision = last_revision
                self._greet_browser()
            case Say(text):
                self._say(text.strip())
            case Played():
                self.caller.played(message)
            case Mute(on):
                self.counselor.mute(on)
            case HangUp():
                self.end(EndReason.HUNG_UP, now)
        self._settle()

    def set_greeting(self, text: str) -> None:
        """The prepared first line, should it come while the caller has not spoken yet."""
        self.greeting = text
        self._settle()

    def tick(self, now: float) -> None:
        """Let time pass: a few times a second."""
        self.box.now = now
        if self.ended is not None:
            return
        self.caller.tick()
        if self.box.browser_has_stopped_reading():
            self.stop(EndReason.LINE_LOST, now)
        elif self.ending is None:
            self._watch(now)
        elif now >= self.ends_by:
            self._finish()
        self._settle()

    def upstream_lost(self, code: str, now: float) -> None:
        if self.ended is not None:
            return
        logger.warning("Caller lost: %s", code, extra={"session_id": self.briefing.session_id})
        self.box.now = now
        if self.ending is None:
            self.box.tell(Notice("caller_lost"))
        self.stop(self.ending or EndReason.CALLER_LOST, now)

    # Ending

    def end(self, reason: EndReason, now: float) -> None:
        """End the call, but let the counselor's last words be transcribed first."""
        self.box.now = now
        if self.ending is not None:
            return
        self.ending, self.ends_by = reason, now + self.limits.last_transcriptions
        self.suspicion = None
        self.caller.close()
        self.counselor.commit_last_words()
        self._settle()

    def stop(self, reason: EndReason, now: float) -> None:
        """End the call at once, with what is known."""
        self.end(reason, now)
        self._finish()

    def _finish(self) -> None:
        if self.ended is not None or self.ending is None:
            return
        self.counselor.give_up()
        self._publish_turns()
        self.ended = self.ending

    # Who speaks

    def _judge(self, suspicion: Suspicion, pcm: bytes) -> None:
        """Somebody speaks over the caller: stop for a turn, go on after an encourager."""
        suspicion.hear(pcm)
        if suspicion.is_a_turn:
            self.suspicion = None
            self.caller.cut()
        elif suspicion.has_gone_quiet:
            self.caller.go_on()

    def _speech_started(self, event: Event) -> None:
        self.counselor.speech_started(event)
        if self.ending is None and self.caller.has_the_floor and not self.caller.is_being_cut:
            self.suspicion = Suspicion(self.limits)
            self.caller.hold()

    def _speech_stopped(self, event: Event) -> None:
        self.counselor.speech_stopped(event)
        if self.suspicion is not None:
            self._acquit(event.text("item_id"))

    def _acquit(self, item: str) -> None:
        """It was too short for a turn. At the caller's last words it is an answer all the same."""
        self.suspicion = None
        (self.afterthoughts if self.caller.is_nearly_done else self.encouragers).add(item)
        self.caller.go_on()

    def _committed(self, event: Event) -> None:
        item = event.text("item_id")
        if not self.counselor.committed(event) or self.ending is not None:
            return
        if self.suspicion is not None:
            self._acquit(item)
        if item not in self.encouragers:
            self._answer(cuts=item not in self.afterthoughts)

    def _say(self, text: str) -> None:
        if text and self.ending is None:
            self.suspicion = None
            self.counselor.say(text)
            self._answer(cuts=True)

    def _answer(self, cuts: bool) -> None:
        """The counselor has said something: the caller is to answer, and not to go on with what it was saying."""
        if cuts and self.caller.has_the_floor:
            self.caller.cut()
        self.caller.responses.want()

    # What upstream sends besides

    def _session_updated(self, event: Event) -> None:
        self.is_configured = True
        self._greet_browser()

    def _greet_browser(self) -> None:
        """Both ends are there: catch the page up, and let the counselor speak."""
        if not self.is_configured or self.last_revision is None or self.ready_at is not None:
            return
        self.ready_at = self.box.now
        self.box.tell(Ready(self.briefing.resumed, self.briefing.recording))
        for turn in self.briefing.history:
            if turn.revision > self.last_revision:
                self.box.tell(message_about(turn))
        if self.briefing.history and self.briefing.history[-1].role is Role.COUNSELOR:
            self._answer(cuts=False)

    def _item_added(self, event: Event) -> None:
        item = event.part("item")
        role = {"user": Role.COUNSELOR, "assistant": Role.CALLER}.get(item.maybe_text("role") or "")
        if role is not None and item.text("id") not in self.replayed:
            self.transcript.place(item.text("id"), role, event.maybe_text("previous_item_id"))

    def _transcribed(self, event: Event) -> None:
        self.counselor.transcribed(event.text("item_id"), event.text("transcript"))

    def _not_transcribed(self, event: Event) -> None:
        self.counselor.transcribed(event.text("item_id"), INAUDIBLE)

    def _response_done(self, event: Event) -> None:
        self.caller.response_done(event)
        self._fail_if_fatal(event.part("response").maybe_part("status_details").maybe_part("error"))

    def _error(self, event: Event) -> None:
        """Most errors are about something that has solved itself meanwhile."""
        error = event.part("error")
        code = error.maybe_text("code") or error.maybe_text("type") or "unknown"
        logger.info("Upstream error: %s", code, extra={"session_id": self.briefing.session_id})
        if code == "conversation_already_has_active_response":
            self.caller.responses.collided()
        elif code == "input_audio_buffer_commit_empty":
            self.counselor.speaking = None
        else:
            self.caller.responses.failed(error.maybe_text("event_id"))
        self._fail_if_fatal(error)

    def _fail_if_fatal(self, error: Event) -> None:
        code = error.maybe_text("code")
        if code in FATAL_CODES:
            self.upstream_lost(code, self.box.now)

    # After each input

    def _watch(self, now: float) -> None:
        if now - self.began_at >= self.limits.longest_call:
            self.end(EndReason.TOO_LONG, now)
        elif now - self.browser_heard_at >= self.limits.silent_line:
            self.end(EndReason.LINE_LOST, now)
        elif self._should_open(now):
            self.caller.responses.want()

    def _should_open(self, now: float) -> bool:
        """Nobody has said a word since the line was open."""
        if self.ready_at is None or self.counselor.has_spoken or self.briefing.history or self.caller.responses.asked:
            return False
        return now - self.ready_at >= self.briefing.caller_opens_after

    def _settle(self) -> None:
        responses = self.caller.responses
        if self.ending is None:
            is_free = not responses.is_under_way and not self.caller.is_being_cut
            if responses.is_wanted and is_free and not self._is_greeting_coming():
                self.box.ask(responses.ask(self._instructions()))
            self.caller.send_due()
        elif not self.counselor.has_words_to_come:
            self._finish()
        self._publish_turns()

    def _is_greeting_coming(self) -> bool:
        """The caller's first line is still being prepared: worth a short wait."""
        if self.greeting is not None or self.caller.has_been_heard:
            return False
        self.waits_since = self.box.now if self.waits_since is None else self.waits_since
        return self.box.now - self.waits_since < self.limits.greeting_in_waiting

    def _instructions(self) -> str | None:
        """The caller's first words are the prepared ones. They are asked for until something of them was heard."""
        if self.caller.has_been_heard or not self.greeting:
            return None
        return opening_instructions(self.briefing.instructions, self.greeting)

    def _publish_turns(self) -> None:
        for turn in self.transcript.changes:
            self.box.turns.append(turn)
            self.box.tell(message_about(turn))
        self.transcript.changes.clear()


HANDLERS: Mapping[str, Callable[[Conversation, Event], None]] = {
    "error": Conversation._error,
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
