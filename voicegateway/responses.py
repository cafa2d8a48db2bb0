"""Asking the model to speak: one response at a time."""

from collections.abc import Mapping
from enum import StrEnum


class Prompting(StrEnum):
    """What makes the caller speak, where it is more than that it is the caller's turn."""

    TURN = "turn"
    CALLED_BACK = "called_back"
    LONG_SILENCE = "long_silence"


class Responses:
    """At most one response is under way. A wish made meanwhile waits for its end; two wishes are one."""

    def __init__(self) -> None:
        self.is_wanted = False
        self.wanted_from = float("-inf")
        self.prompting = Prompting.TURN
        self.is_under_way = False
        self.id: str | None = None
        self.is_cancelled = False
        self.over: set[str] = set()
        self.dropped: set[str] = set()
        self.asked = 0
        self.heard_at = 0.0
        self.failures = 0

    def want(self, prompting: Prompting = Prompting.TURN, not_before: float = float("-inf")) -> None:
        self.is_wanted, self.prompting, self.wanted_from = True, prompting, not_before

    def is_due(self, now: float) -> bool:
        return self.is_wanted and not self.is_under_way and now >= self.wanted_from

    def ask(self, instructions: str | None, now: float) -> Mapping[str, object]:
        self.asked += 1
        self.is_wanted, self.is_under_way, self.is_cancelled, self.id = False, True, False, None
        self.heard_at = now
        event: dict[str, object] = {"type": "response.create", "event_id": self.event_id}
        if instructions is not None:
            event["response"] = {"instructions": instructions}
        return event

    def begin_session(self) -> None:
        """The connection is another one, which knows of no response. What is wanted still is."""
        self.is_under_way, self.is_cancelled, self.id = False, False, None

    @property
    def event_id(self) -> str:
        return f"response_{self.asked}"

    @property
    def is_speaking(self) -> bool:
        """Is there a response under way that will be heard?"""
        return self.is_under_way and not self.is_cancelled

    def heard_of(self, response: str, now: float) -> None:
        """Upstream is at work on it."""
        if response not in self.over:
            self.heard_at = now

    def is_lost(self, now: float, after: float) -> bool:
        """Nothing has been heard for too long of a response that was asked for."""
        return self.is_under_way and now - self.heard_at >= after

    def created(self, response: str, now: float) -> Mapping[str, object] | None:
        """Learn the id. Return what to send, when the response was cancelled before it had one."""
        if response in self.over or (self.is_under_way and self.id not in {None, response}):
            return None
        self.id, self.is_under_way, self.heard_at = response, True, now
        return self._cancel_by_id(response) if self.is_cancelled else None

    def cancel(self) -> Mapping[str, object] | None:
        """Drop the response under way. Return what to send, unless its id must be waited for."""
        self.is_wanted = False
        if not self.is_speaking:
            return None
        self.is_cancelled = True
        return self._cancel_by_id(self.id) if self.id else None

    def _cancel_by_id(self, response: str) -> Mapping[str, object]:
        self.dropped.add(response)
        return {"type": "response.cancel", "response_id": response}

    def done(self, response: str) -> bool:
        """A response is over. Return whether it is the one that was to be heard."""
        if response in self.over:
            return False
        self.over.add(response)
        if not self.is_under_way or self.id not in {None, response}:
            return False
        self.is_under_way = False
        return not self.is_cancelled

    def failed(self, event_id: str | None) -> bool:
        """Upstream refused what we asked for: no response will come of it. Return whether it was the latest wish."""
        if event_id != self.event_id or self.id is not None or not self.is_under_way:
            return False
        self.is_under_way = False
        return not self.is_cancelled

    def collided(self) -> None:
        """Upstream is still speaking: ask again after its response is done."""
        if self.is_under_way and not self.is_cancelled:
            self.is_wanted = True
