"""Sending side of one realtime socket, with the faults that take effect while it is open."""

import asyncio

import orjson

from ..http.asgi_types import Send
from ..http.json_types import JSON, as_number, as_text
from ..storage.state import new_id
from .beta_api import as_beta_event
from .errors import error_event

FAULT_ACTIONS = ("close", "drop", "silence", "error")


class EventSender:
    """Sender of events in the current version of the API, or in the beta version if `is_beta`.

    Faults name the events of the current version.
    """

    def __init__(self, send: Send, fault: JSON, is_beta: bool = False) -> None:
        self._send, self.fault, self.is_beta = send, fault, is_beta
        self.closed = asyncio.Event()
        self.is_dropped = self.is_silent = False
        self._matching_events = 0
        self._is_fault_pending = any(kind in fault for kind in FAULT_ACTIONS)

    async def emit(self, event: JSON) -> None:
        """Send one event, and trigger the fault first if it is due. A closed or silenced socket drops the event."""
        if self._is_fault_due(event):
            await self.trigger_fault()
        await self._send_event({"event_id": new_id("event_"), **event})

    async def trigger_fault(self) -> None:
        if not self._is_fault_pending:
            return
        self._is_fault_pending = False
        self.is_silent = bool(self.fault.get("silence"))
        if code := as_text(self.fault.get("error")):
            message = as_text(self.fault.get("message")) or f"The stand-in was asked to fail with {code}."
            await self._send_event({"event_id": new_id("event_"), **error_event(message, code)})
        if self.fault.get("drop"):
            self.is_dropped = True
            self.closed.set()
        elif code_number := int(as_number(self.fault.get("close"), 0)):
            await self.close(code_number, "requested fault")

    async def trigger_delayed_fault(self) -> None:
        """Trigger a fault that is due after a number of seconds (`after`) instead of at an event."""
        if "after" in self.fault:
            await asyncio.sleep(as_number(self.fault["after"], 0))
            await self.trigger_fault()

    async def close(self, code: int, reason: str) -> None:
        if not self.closed.is_set():
            self.closed.set()
            await self._send({"type": "websocket.close", "code": code, "reason": reason})

    def _is_fault_due(self, event: JSON) -> bool:
        if not self._is_fault_pending or "after" in self.fault:
            return False
        wanted = as_text(self.fault.get("at_type"))
        self._matching_events += not wanted or event["type"] == wanted
        return self._matching_events >= as_number(self.fault.get("at_event"), 1)

    async def _send_event(self, event: JSON) -> None:
        shown = as_beta_event(event) if self.is_beta else event
        if shown is None or self.closed.is_set() or self.is_silent:
            return
        try:
            await self._send({"type": "websocket.send", "text": orjson.dumps(shown).decode()})
        except OSError:
            # The client is gone; the receiving side notices it too and ends the session.
            self.closed.set()
