"""Tracking of requests for the model to speak, one response at a time."""

from collections.abc import Mapping
from enum import StrEnum


class ResponseTrigger(StrEnum):
    """Reasons for the caller to speak."""

    TURN = "turn"
    TYPED = "typed"  # typed words; lines typed before the response is audible are answered together
    RECONNECTED = "called_back"
    LONG_SILENCE = "long_silence"


class ResponseTracker:
    """Tracker of the one response that may be under way. Requests made meanwhile merge and wait for its end."""

    def __init__(self) -> None:
        self.is_requested = False  # a request waits to be sent
        self.not_before = float("-inf")  # earliest time for that request
        self.trigger = ResponseTrigger.TURN
        self.is_in_progress = False  # `response.create` was sent and the response is not done
        self.id: str | None = None
        self.is_cancelled = False
        self.finished_ids: set[str] = set()
        self.cancelled_ids: set[str] = set()
        self.request_count = 0
        self.last_event_at = 0.0
        self.failures = 0  # failed responses in a row

    def request(self, trigger: ResponseTrigger = ResponseTrigger.TURN, not_before: float = float("-inf")) -> None:
        self.is_requested, self.trigger, self.not_before = True, trigger, not_before

    def is_due(self, now: float) -> bool:
        return self.is_requested and not self.is_in_progress and now >= self.not_before

    def create(self, instructions: str | None, now: float) -> Mapping[str, object]:
        self.request_count += 1
        self.is_requested, self.is_in_progress, self.is_cancelled, self.id = False, True, False, None
        self.last_event_at = now
        event: dict[str, object] = {"type": "response.create", "event_id": self.event_id}
        if instructions is not None:
            event["response"] = {"instructions": instructions}
        return event

    def begin_session(self) -> None:
        """Forget the response under way, which the new connection does not have. Keep the pending request."""
        self.is_in_progress, self.is_cancelled, self.id = False, False, None

    @property
    def event_id(self) -> str:
        return f"response_{self.request_count}"

    @property
    def answers_typed(self) -> bool:
        """Return True while a response to typed words is requested or under way."""
        return self.trigger is ResponseTrigger.TYPED and (self.is_requested or self.is_speaking)

    @property
    def is_speaking(self) -> bool:
        """Return True while a response is under way that has not been cancelled."""
        return self.is_in_progress and not self.is_cancelled

    def note_event(self, response: str, now: float) -> None:
        """Note an event of an unfinished response, which restarts its timeout."""
        if response not in self.finished_ids:
            self.last_event_at = now

    def has_timed_out(self, now: float, after: float) -> bool:
        """Return True if the response under way has had no event for `after` seconds."""
        return self.is_in_progress and now - self.last_event_at >= after

    def mark_created(self, response: str, now: float) -> Mapping[str, object] | None:
        """Store the response's id. Return a cancel event if the response was cancelled before it had an id."""
        if response in self.finished_ids or (self.is_in_progress and self.id not in {None, response}):
            return None
        self.id, self.is_in_progress, self.last_event_at = response, True, now
        return self._cancel_by_id(response) if self.is_cancelled else None

    def cancel(self) -> Mapping[str, object] | None:
        """Cancel the response under way. Return the cancel event, or None while the response's id is unknown."""
        self.is_requested = False
        if not self.is_speaking:
            return None
        self.is_cancelled = True
        return self._cancel_by_id(self.id) if self.id else None

    def _cancel_by_id(self, response: str) -> Mapping[str, object]:
        self.cancelled_ids.add(response)
        return {"type": "response.cancel", "response_id": response}

    def mark_done(self, response: str) -> bool:
        """Note the end of a response. Return True if it is the current one and was not cancelled."""
        if response in self.finished_ids:
            return False
        self.finished_ids.add(response)
        if not self.is_in_progress or self.id not in {None, response}:
            return False
        self.is_in_progress = False
        return not self.is_cancelled

    def mark_rejected(self, event_id: str | None) -> bool:
        """Note that upstream rejected a request. Return True if it was the current one and was not cancelled."""
        if event_id != self.event_id or self.id is not None or not self.is_in_progress:
            return False
        self.is_in_progress = False
        return not self.is_cancelled

    def retry_after_conflict(self) -> None:
        """Request a response again once the one that upstream reports as active is done."""
        if self.is_in_progress and not self.is_cancelled:
            self.is_requested = True
