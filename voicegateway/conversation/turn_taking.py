"""Turn-taking: decisions on when the caller speaks, and the instructions for each response."""

from training.transcript import SpeakerRole
from voicegateway.conversation.call_config import CallConfig, Limits
from voicegateway.conversation.caller import CallerSide
from voicegateway.conversation.counselor import CounselorSide
from voicegateway.conversation.send_queue import SendQueue
from voicegateway.conversation.watchdog import Watchdog
from voicegateway.upstream.client_events import (
    long_silence_instructions,
    opening_instructions,
    reconnected_instructions,
)
from voicegateway.upstream.connection_state import ConnectionState
from voicegateway.upstream.responses import ResponseTrigger


class TurnTaking:
    """Requests for the caller to speak: answers, the opening, words that break a long silence, and retries."""

    def __init__(
        self,
        config: CallConfig,
        send_queue: SendQueue,
        caller: CallerSide,
        counselor: CounselorSide,
        connection: ConnectionState,
        watchdog: Watchdog,
        limits: Limits,
    ) -> None:
        self.config = config
        self.send_queue = send_queue
        self.caller = caller
        self.counselor = counselor
        self.connection = connection
        self.watchdog = watchdog
        self.limits = limits
        self.greeting = config.greeting
        self.greeting_wait_started: float | None = None
        self.ready_at: float | None = None  # time at which the page was told that the call is ready
        self.has_reprompted = False  # the caller has broken the current silence
        self.silent_response_count = 0  # responses in a row without audible sound

    @property
    def is_quiet(self) -> bool:
        """Return True if neither side is speaking and no speech is waiting to be transcribed or answered."""
        return not (self.caller.has_floor or self.counselor.has_pending_speech)

    def begin(self, now: float) -> None:
        """Note that the call is ready. Request the answer that is still pending from an earlier epoch."""
        self.ready_at = now
        last = self.config.history[-1] if self.config.history else None
        if last and last.role is SpeakerRole.COUNSELOR:
            self.request_answer()
        elif last and last.is_interrupted:
            self.caller.responses.request(ResponseTrigger.RECONNECTED)

    def request_answer(self, interrupts: bool = False, trigger: ResponseTrigger = ResponseTrigger.TURN) -> None:
        """Request the caller's answer to the counselor. With `interrupts`, stop what the caller is saying."""
        if interrupts and self.caller.has_floor:
            self.caller.interrupt()
        self.has_reprompted = False
        self.caller.responses.request(trigger)

    def request_answer_to_typed(self) -> None:
        """Request the answer to typed words, which interrupt the caller.

        Lines typed while the answer to earlier ones is not audible yet wait for it to end, and one response answers
        them all. Otherwise, each line would cancel a response that must be paid for.
        """
        is_joined = self.caller.responses.answers_typed and not self.caller.playout.is_audible
        self.request_answer(interrupts=not is_joined, trigger=ResponseTrigger.TYPED)

    def request_after_silence(self, now: float) -> None:
        """Let the caller speak after a long enough silence: for the opening, or once in each later silence."""
        if self._should_caller_open(now):
            self.caller.responses.request()
        elif self._should_reprompt(now):
            self.has_reprompted = True
            self.caller.responses.request(ResponseTrigger.LONG_SILENCE)

    def send_due_request(self, now: float) -> None:
        """Send the pending request for a response unless something has to come first."""
        responses = self.caller.responses
        if not self.connection.is_configured or self.caller.is_being_interrupted or not responses.is_due(now):
            return
        if not self._is_greeting_pending(now):
            self.send_queue.add_event(responses.create(self._instructions(), now))

    # Results of responses

    def note_audible_response(self) -> None:
        self.silent_response_count = self.caller.responses.failures = 0

    def retry_failed_response(self, now: float) -> bool:
        """Request a failed response again, with a doubling delay.

        Return False after `max_failed_responses` in a row: the request then waits for another connection.
        """
        responses = self.caller.responses
        responses.failures += 1
        if responses.failures >= self.limits.max_failed_responses:
            responses.failures = 0
            responses.request(responses.trigger)
            return False
        responses.request(responses.trigger, not_before=now + 2.0 ** (responses.failures - 1))
        return True

    def retry_silent_response(self) -> bool:
        """Repeat the request for a response that had no audible sound. Return False if it was the second in a row."""
        self.silent_response_count += 1
        trigger = self.caller.responses.trigger
        self.caller.interrupt()
        if self.silent_response_count > 1:
            return False
        self.caller.responses.request(trigger)
        return True

    # Conditions

    def _should_caller_open(self, now: float) -> bool:
        """Return True if the caller should speak first, because the line has been silent since it opened."""
        has_begun = self.counselor.has_spoken or self.config.history or self.caller.responses.request_count
        if self.ready_at is None or has_begun:
            return False
        return not self.counselor.speaking_item and now - self.ready_at >= self.config.caller_opens_after

    def _should_reprompt(self, now: float) -> bool:
        """Return True if the silence exceeds the scenario's patience. The caller breaks a silence only once."""
        has_begun = self.caller.has_been_heard or self.counselor.has_spoken
        if not has_begun or self.ready_at is None or not self.connection.is_configured or not self.is_quiet:
            return False
        return not self.has_reprompted and self.watchdog.silence_seconds(now) >= self.config.patience.reprompt_after

    def _is_greeting_pending(self, now: float) -> bool:
        """Return True for up to `greeting_wait` seconds while the caller's first line is still being prepared."""
        if self.greeting is not None or self.caller.has_been_heard:
            return False
        if self.greeting_wait_started is None:
            self.greeting_wait_started = now
        return now - self.greeting_wait_started < self.limits.greeting_wait

    def _instructions(self) -> str | None:
        """Return the instructions of the next response; None for the session's own.

        Responses ask for the prepared greeting until some of it has been heard.
        """
        instructions = self.config.instructions
        if not self.caller.has_been_heard and self.greeting:
            return opening_instructions(instructions, self.greeting)
        match self.caller.responses.trigger:
            case ResponseTrigger.RECONNECTED if self.caller.has_been_heard:
                return reconnected_instructions(instructions)
            case ResponseTrigger.LONG_SILENCE:
                return long_silence_instructions(instructions)
        return None
