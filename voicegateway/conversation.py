"""A phone call between a counselor and the caller that a model speaks. It owns no socket, no task and no clock.

Tell it what happened and when: `connected`, `upstream`, `upstream_lost`, `hear`, `browser`, `saved`, `tick`. Then send
what stands in its `box`, save the turns there, dial again when `line` says so, and stop when `ended` is set. That it is
over is for the owner to say, once everything is saved.
"""

import logging
import time
from collections import deque
from collections.abc import Callable, Mapping

from voicegateway.briefing import INAUDIBLE, Briefing, EndReason, Limits, Outcome, Role, Turn
from voicegateway.caller import Caller
from voicegateway.counselor import Counselor
from voicegateway.events import Event, MalformedEvent
from voicegateway.inflow import Inflow
from voicegateway.interruption import Suspicion, is_halting
from voicegateway.outbox import Outbox
from voicegateway.ports import Recorder
from voicegateway.responses import Prompting
from voicegateway.session_events import (
    EXPIRED,
    FATAL_CODES,
    called_back_instructions,
    history_items,
    long_silence_instructions,
    opening_instructions,
    session_update,
)
from voicegateway.transcript import Transcript, message_about
from voicegateway.upstream import Upstream
from voicegateway.watch import Watch
from voicegateway.wire import BadFrame, Frame, FromBrowser, HangUp, Hello, Mute, Notice, Played, Ready, Say

logger = logging.getLogger(__name__)

NOT_READING = 4008
INAUDIBLE_CALLER = "The caller could not be heard."


class Conversation:
    def __init__(
        self,
        briefing: Briefing,
        recorder: Recorder,
        now: float,
        limits: Limits | None = None,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.briefing = briefing
        self.limits = limits or Limits()
        self.wall = wall
        self.greeting = briefing.greeting
        self.box = Outbox(self.limits)
        self.box.now = now
        self.transcript = Transcript(briefing.history, briefing.revision)
        self.caller = Caller(self.box, recorder, self.transcript, self.limits)
        self.caller.has_been_heard = any(turn.role is Role.CALLER for turn in briefing.history)
        self.counselor = Counselor(self.box, recorder, self.transcript, self.limits, briefing.patience.silence_ms)
        self.line = Upstream(self.limits, now)
        self.watch = Watch(self.limits, now)
        self.inflow = Inflow()
        self.suspicion: Suspicion | None = None
        self.encouragers: set[str] = set()
        self.afterthoughts: set[str] = set()
        self.untold: deque[tuple[Turn, float]] = deque()
        self.saved_revisions: dict[str, int] = {}
        self.last_revision: int | None = None
        self.ready_at: float | None = None
        self.waits_since: float | None = None
        self.silent_responses = 0
        self.ending: EndReason | None = None
        self.ends_by = 0.0
        self.ended: EndReason | None = None
        self.detail = self.not_gradable = ""
        self.close_code = 0

    # What happens

    def connected(self, now: float) -> None:
        """A connection stands, the first or another one: it is told who calls and all that was heard so far."""
        self.box.now = now
        self.caller.begin_session()
        self.counselor.lose_session()
        self.transcript.begin_session()
        history = [turn for turn in self.transcript.turns() if turn.final]
        introduction = [session_update(self.briefing), *history_items(history)]
        self.box.begin_session(introduction, self.counselor.take_what_is_said_again())
        self.counselor.begin_session()
        self.line.connected(now)
        self._settle()

    def upstream(self, fields: object, now: float) -> None:
        self.box.now = now
        try:
            event = Event(fields)
            handle = HANDLERS.get(event.type)
            if handle is not None and self.ended is None and self.line.is_connected:
                handle(self, event)
        except MalformedEvent as problem:
            logger.warning("Upstream event lacks %s", problem, extra={"session_id": self.briefing.session_id})
        self._settle()

    def upstream_lost(self, code: str, retryable: bool, now: float) -> None:
        """The connection broke, or did not come about. `line` says whether and when to dial again."""
        self.box.now = now
        if self.ended is not None:
            return
        logger.warning("Caller lost: %s", code, extra={"session_id": self.briefing.session_id})
        if self.ending is not None:
            self._finish()
            return
        is_news = not self.line.is_mending
        self._lose_session()
        if not self.line.lost(code, now) or not retryable:
            self._give_up(code)
        elif is_news:
            self.box.tell(Notice("caller_reconnecting"))
        self._settle()

    def hear(self, frame: Frame, now: float) -> None:
        """Take microphone audio. Raises BadFrame when more of it comes than can have been said."""
        self.box.now = now
        if self.ending is not None:
            return
        if self.inflow.is_flooded_by(frame.samples, now):
            raise BadFrame("sound comes faster than time passes")
        self.watch.frame_came(now)
        self.counselor.hear(frame)
        if self.suspicion is not None:
            self._judge(self.suspicion, frame.samples)
            self._settle()

    def browser(self, message: FromBrowser, now: float) -> None:
        self.box.now = now
        if self.ended is not None:
            return
        match message:
            case Hello(last_revision):
                self.last_revision = last_revision
                self.watch.hello_came()
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

    def saved(self, turn: Turn) -> None:
        """What a page has seen finished is safe: of a final turn it is told only now."""
        self.saved_revisions[turn.item] = turn.revision
        self._tell_turns()

    def tick(self, now: float) -> None:
        """Let time pass: a few times a second."""
        self.box.now = now
        if self.ended is not None:
            return
        self.caller.tick()
        if self.box.browser_has_stopped_reading():
            self.close_code = NOT_READING
            self.stop(EndReason.LINE_LOST, now)
        elif self.ending is None:
            self._look_around(now)
        elif now >= self.ends_by:
            self._finish()
        self._settle()

    @property
    def outcome(self) -> Outcome:
        return Outcome(self.ended or EndReason.FAILED, self.detail, self.not_gradable, self.close_code)

    @property
    def is_quiet(self) -> bool:
        """Nobody speaks, and nothing that was said is still to be understood or answered."""
        return not (self.caller.has_the_floor or self.counselor.has_words_to_come or self.ending)

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
        self.ended = self.ending
        self._publish_turns()

    # The connection to the model

    def _lose_session(self) -> None:
        """Stop as if interrupted; what is owed to the counselor then, the next connection has to pay."""
        owed = self.caller.has_the_floor
        was_speaking = bool(self.caller.playout.unheard)
        self.suspicion = None
        self.box.end_session()
        self.caller.lose_session()
        self.counselor.lose_session()
        if owed and not self.counselor.says_again:
            self.caller.responses.want(Prompting.CALLED_BACK if was_speaking else Prompting.TURN)

    def _lose(self, code: str) -> None:
        self.upstream_lost(code, retryable=True, now=self.box.now)

    def _give_up(self, code: str) -> None:
        """The operator is told why; the counselor, that it was not them."""
        logger.error("The caller cannot be reached: %s", code, extra={"session_id": self.briefing.session_id})
        self.detail = code
        self.box.tell(Notice("caller_lost"))
        self.stop(EndReason.CALLER_LOST, self.box.now)

    def _session_created(self, event: Event) -> None:
        expires_at = event.maybe_part("session").fields.get("expires_at")
        if isinstance(expires_at, int | float) and not isinstance(expires_at, bool):
            self.line.expires_in(expires_at - self.wall(), self.box.now)

    def _session_updated(self, event: Event) -> None:
        if self.line.configured():
            self.box.tell(Notice("caller_back"))
        self._greet_browser()

    # Who speaks

    def _judge(self, suspicion: Suspicion, samples: int) -> None:
        """Somebody speaks over the caller: stop for a turn, go on after an encourager, and halt again for the next."""
        was_quiet = suspicion.has_gone_quiet
        suspicion.hear(samples, self.counselor.ear.is_voiced)
        if suspicion.is_a_turn:
            self.suspicion = None
            self.caller.cut()
        elif suspicion.has_gone_quiet:
            self.caller.go_on()
        elif was_quiet and self.caller.has_the_floor:
            self.caller.hold()

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
        item = event.id("item_id")
        is_turn = self.counselor.committed(event)
        if self.suspicion is not None:
            self._acquit(item)
        if not is_turn or self.ending is not None:
            return
        self.watch.somebody_spoke(self.box.now)
        if item not in self.encouragers:
            self._answer(cuts=item not in self.afterthoughts)

    def _say(self, text: str) -> None:
        if text and self.ending is None:
            self.suspicion = None
            self.counselor.say(text)
            self.watch.somebody_spoke(self.box.now)
            self._answer(cuts=True)

    def _answer(self, cuts: bool) -> None:
        """The counselor has said something: the caller is to answer, and not to go on with what it was saying."""
        if cuts and self.caller.has_the_floor:
            self.caller.cut()
        self.watch.has_spoken_up = False
        self.caller.responses.want()

    # What upstream sends besides

    def _greet_browser(self) -> None:
        """Both ends are there: catch the page up, and let the counselor speak."""
        if not self.line.is_configured or self.last_revision is None or self.ready_at is not None:
            return
        self.ready_at = self.box.now
        self.box.tell(Ready(self.briefing.resumed, self.briefing.recording, self.briefing.epoch))
        for turn in self.briefing.history:
            if turn.revision > self.last_revision:
                self.box.tell(message_about(turn))
        last = self.briefing.history[-1] if self.briefing.history else None
        if last and last.role is Role.COUNSELOR:
            self._answer(cuts=False)
        elif last and last.interrupted:
            self.caller.responses.want(Prompting.CALLED_BACK)

    def _item_added(self, event: Event) -> None:
        item = event.part("item")
        role = {"user": Role.COUNSELOR, "assistant": Role.CALLER}.get(item.maybe_text("role") or "")
        if role is not None:
            self.transcript.place(item.id("id"), role, event.previous_item())

    def _transcribed(self, event: Event) -> None:
        item, text = event.id("item_id"), event.text("transcript")
        self.counselor.transcribed(item, text)
        if item in self.encouragers and is_halting(text) and self.ending is None:
            self.encouragers.discard(item)
            self._answer(cuts=True)

    def _not_transcribed(self, event: Event) -> None:
        self.counselor.transcribed(event.id("item_id"), INAUDIBLE)

    def _response_done(self, event: Event) -> None:
        response = event.part("response")
        was_ours = self.caller.response_done(event)
        error = response.maybe_part("status_details").maybe_part("error")
        if self._is_fatal(error) or not was_ours or self.ending is not None:
            return
        if self.caller.audible_response == response.text("id"):
            self.silent_responses = self.caller.responses.failures = 0
            self.line.works()
        elif response.maybe_text("status") == "failed":
            self._response_failed(error.maybe_text("code") or error.maybe_text("type") or "response_failed")
        elif response.maybe_text("status") != "cancelled":
            self._caller_was_silent()

    def _response_failed(self, code: str) -> None:
        """Ask again, later each time; in the end a new connection may help."""
        responses = self.caller.responses
        responses.failures += 1
        logger.warning("Response failed: %s", code, extra={"session_id": self.briefing.session_id})
        if responses.failures >= self.limits.failed_responses:
            responses.failures = 0
            responses.want(responses.prompting)
            self._lose(code)
        else:
            responses.want(responses.prompting, not_before=self.box.now + 2.0 ** (responses.failures - 1))

    def _caller_was_silent(self) -> None:
        """Words without a voice are no call: ask once more, then say so, and let nobody be graded by it."""
        self.silent_responses += 1
        prompting = self.caller.responses.prompting
        self.caller.cut()
        if self.silent_responses == 1:
            self.caller.responses.want(prompting)
            return
        logger.error("The caller is silent", extra={"session_id": self.briefing.session_id})
        self.not_gradable = INAUDIBLE_CALLER
        self.box.tell(Notice("caller_inaudible"))
        self.end(EndReason.CALLER_INAUDIBLE, self.box.now)

    def _error(self, event: Event) -> None:
        """Most errors are about something that has solved itself meanwhile."""
        error = event.part("error")
        code = error.maybe_text("code") or error.maybe_text("type") or "unknown"
        logger.info("Upstream error: %s", code, extra={"session_id": self.briefing.session_id})
        if self._is_fatal(error):
            return
        if code == EXPIRED:
            self._lose(code)
        elif code == "conversation_already_has_active_response":
            self.caller.responses.collided()
        elif code == "input_audio_buffer_commit_empty":
            self.counselor.speaking = None
        elif self.caller.responses.failed(error.maybe_text("event_id")) and self.ending is None:
            self._response_failed(code)

    def _is_fatal(self, error: Event) -> bool:
        code = error.maybe_text("code")
        if code not in FATAL_CODES:
            return False
        self.upstream_lost(code, retryable=False, now=self.box.now)
        return True

    # After each input

    def _look_around(self, now: float) -> None:
        """Whether anybody or anything has been silent for too long."""
        caller = self.caller
        if self.counselor.speaking or caller.responses.is_under_way or caller.playout.unheard:
            self.watch.somebody_spoke(now)
        if self.line.is_stuck(now):
            self._lose("not_configured")
        elif caller.responses.is_lost(now, self.limits.response_lost):
            self._lose("no_answer")
        elif self.box.upstream_has_stopped_reading():
            self._lose("not_reading")
        elif self._should_open(now):
            caller.responses.want()
        elif self._should_speak_up(now):
            self.watch.has_spoken_up = True
            caller.responses.want(Prompting.LONG_SILENCE)
        for notice in self.watch.notices(now):
            self.box.tell(Notice(notice))
        reason = self.watch.verdict(now)
        if reason is EndReason.LINE_LOST:
            self.stop(reason, now)
        elif reason is not None:
            self.end(reason, now)

    def _should_open(self, now: float) -> bool:
        """Nobody has said a word since the line was open."""
        if self.ready_at is None or self.counselor.has_spoken or self.briefing.history or self.caller.responses.asked:
            return False
        return not self.counselor.speaking and now - self.ready_at >= self.briefing.caller_opens_after

    def _should_speak_up(self, now: float) -> bool:
        """The caller bears a silence for as long as its scenario says, and then says something, once."""
        has_begun = self.caller.has_been_heard or self.counselor.has_spoken
        if not has_begun or self.ready_at is None or not self.line.is_configured or not self.is_quiet:
            return False
        return not self.watch.has_spoken_up and self.watch.quiet_for(now) >= self.briefing.patience.speaks_up_after

    def _settle(self) -> None:
        if self.ending is None:
            self._ask_if_due()
            self.caller.send_due()
        elif not self.counselor.has_words_to_come or not self.line.is_connected:
            self._finish()
        self._publish_turns()

    def _ask_if_due(self) -> None:
        responses = self.caller.responses
        if not self.line.is_configured or self.caller.is_being_cut or not responses.is_due(self.box.now):
            return
        if not self._is_greeting_coming():
            self.box.ask(responses.ask(self._instructions(), self.box.now))

    def _is_greeting_coming(self) -> bool:
        """The caller's first line is still being prepared: worth a short wait."""
        if self.greeting is not None or self.caller.has_been_heard:
            return False
        self.waits_since = self.box.now if self.waits_since is None else self.waits_since
        return self.box.now - self.waits_since < self.limits.greeting_in_waiting

    def _instructions(self) -> str | None:
        """The caller's first words are the prepared ones. They are asked for until something of them was heard."""
        standing = self.briefing.instructions
        if not self.caller.has_been_heard and self.greeting:
            return opening_instructions(standing, self.greeting)
        match self.caller.responses.prompting:
            case Prompting.CALLED_BACK if self.caller.has_been_heard:
                return called_back_instructions(standing)
            case Prompting.LONG_SILENCE:
                return long_silence_instructions(standing)
        return None

    def _publish_turns(self) -> None:
        for turn in self.transcript.changes:
            self.box.turns.append(turn)
            self.untold.append((turn, self.box.now))
        self.transcript.changes.clear()
        self._tell_turns()

    def _tell_turns(self) -> None:
        """In the order of their revisions, because a page that comes back says up to which it has them."""
        while self.untold and self._may_be_told(*self.untold[0]):
            turn, _ = self.untold.popleft()
            entry = self.transcript.get(turn.item)
            is_current = entry is not None and entry.revision == turn.revision
            self.box.tell(message_about(entry.turn() if entry and is_current else turn))

    def _may_be_told(self, turn: Turn, since: float) -> bool:
        is_saved = self.saved_revisions.get(turn.item, 0) >= turn.revision
        has_waited = self.box.now - since >= self.limits.saving
        return not turn.final or is_saved or has_waited or self.ended is not None


HANDLERS: Mapping[str, Callable[[Conversation, Event], None]] = {
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
