"""The sending side of one socket, and the faults that strike while it is open."""

import asyncio

import orjson

from ..asgi_types import Send
from ..json_types import JSON, as_number, as_text
from ..state import new_id
from .errors import error_event

STRIKES = ("close", "drop", "silence", "error")


class Line:
    def __init__(self, send: Send, fault: JSON) -> None:
        self._send, self.fault = send, fault
        self.over = asyncio.Event()
        self.is_dropped = self.is_silent = False
        self._seen = 0
        self._armed = any(kind in fault for kind in STRIKES)

    async def emit(self, event: JSON) -> None:
        """Send one event, unless the fault's moment has come or nobody is there any more."""
        if self._is_moment(event):
            await self.strike()
        await self._put({"event_id": new_id("event_"), **event})

    async def strike(self) -> None:
        if not self._armed:
            return
        self._armed = False
        self.is_silent = bool(self.fault.get("silence"))
        if code := as_text(self.fault.get("error")):
            message = as_text(self.fault.get("message")) or f"The stand-in was asked to fail with {code}."
            await self._put({"event_id": new_id("event_"), **error_event(message, code)})
        if self.fault.get("drop"):
            self.is_dropped = True
            self.over.set()
        elif code_number := int(as_number(self.fault.get("close"), 0)):
            await self.close(code_number, "asked of the stand-in")

    async def strike_later(self) -> None:
        """For a fault that names seconds instead of an event."""
        if "after" in self.fault:
            await asyncio.sleep(as_number(self.fault["after"], 0))
            await self.strike()

    async def close(self, code: int, reason: str) -> None:
        if not self.over.is_set():
            self.over.set()
            await self._send({"type": "websocket.close", "code": code, "reason": reason})

    def _is_moment(self, event: JSON) -> bool:
        if not self._armed or "after" in self.fault:
            return False
        wanted = as_text(self.fault.get("at_type"))
        self._seen += not wanted or event["type"] == wanted
        return self._seen >= as_number(self.fault.get("at_event"), 1)

    async def _put(self, event: JSON) -> None:
        if self.over.is_set() or self.is_silent:
            return
        try:
            await self._send({"type": "websocket.send", "text": orjson.dumps(event).decode()})
        except OSError:
            # The client is gone; the reader learns it too and ends the session.
            self.over.set()
