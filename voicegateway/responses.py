"""Asking the model to speak: one response at a time."""

from collections.abc import Mapping


class Responses:
    """At most one response is under way. A wish made meanwhile waits for its end; two wishes are one."""

    def __init__(self) -> None:
        self.is_wanted = False
        self.is_under_way = False
        self.id: str | None = None
        self.is_cancelled = False
        self.over: set[str] = set()
        self.dropped: set[str] = set()
        self.asked = 0

    def want(self) -> None:
        self.is_wanted = True

    def ask(self, instructions: str | None) -> Mapping[str, object]:
        self.asked += 1
        self.is_wanted, self.is_under_way, self.is_cancelled, self.id = False, True, False, None
        event: dict[str, object] = {"type": "response.create", "event_id": self.event_id}
        if instructions is not None:
            event["response"] = {"instructions": instructions}
        return event

    @property
    def event_id(self) -> str:
        return f"response_{self.asked}"

    @property
    def is_speaking(self) -> bool:
        """Is there a response under way that will be heard?"""
        return self.is_under_way and not self.is_cancelled

    def created(self, response: str) -> Mapping[str, object] | None:
        """Learn the id. Return what to send, when the response was cancelled before it had one."""
        if response in self.over:
            return None
        self.id, self.is_under_way = response, True
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

    def done(self, response: str) -> None:
        """A response is over. A late word about an earlier one changes nothing."""
        if response in self.over:
            return
        self.over.add(response)
        if self.id in {None, response}:
            self.is_under_way = False

    def failed(self, event_id: str | None) -> None:
        """Upstream refused what we asked for: no response will come of it."""
        if event_id == self.event_id and self.id is None:
            self.is_under_way = False

    def collided(self) -> None:
        """Upstream is still speaking: ask again after its response is done."""
        if self.is_under_way and not self.is_cancelled:
            self.is_wanted = True
