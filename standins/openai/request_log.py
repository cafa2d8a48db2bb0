"""Log of everything sent to the stand-in, so that tests can count calls and read what was on the wire."""

import time
from collections import deque
from dataclasses import dataclass, field

from .http.json_types import JSON, as_text

MAX_ENTRIES = 2_000
MAX_EVENTS = 5_000
MAX_LOGGED_BODY_BYTES = 1024 * 1024


@dataclass
class LoggedRequest:
    """One HTTP request, or one realtime connection with the events that its client sent."""

    number: int
    kind: str
    method: str
    path: str
    query: str
    headers: JSON
    body: JSON | None = None
    body_bytes: int = 0
    status: int | None = None
    fault: JSON | None = None
    began: float = field(default_factory=time.time)
    ended: float | None = None
    events: deque[JSON] = field(default_factory=lambda: deque(maxlen=MAX_EVENTS))

    def record_body(self, body: JSON) -> None:
        """Store the body, or only its size if it is over 1 MiB, so that a long run does not fill up memory."""
        self.body = body if self.body_bytes <= MAX_LOGGED_BODY_BYTES else {"too_large": self.body_bytes}

    def record_event(self, event: JSON, audio_bytes: int) -> None:
        """Log a client event.

        Consecutive audio events become one row with the first event, their count, and their total audio bytes.
        """
        last = self.events[-1] if self.events else None
        appended = event.get("type") == "input_audio_buffer.append"
        if appended and last and last["type"] == event["type"]:
            last["repeats"] = int(str(last["repeats"])) + 1
            last["audio_bytes"] = int(str(last["audio_bytes"])) + audio_bytes
            return
        shown = event | {"audio": as_text(event.get("audio"))[:4096]} if appended else event
        at = round(time.time() - self.began, 3)
        kind = event.get("type")
        self.events.append({"type": kind, "at": at, "event": shown, "repeats": 1, "audio_bytes": audio_bytes})

    def close(self, status: int | None = None) -> None:
        self.status, self.ended = status, time.time()

    def as_json(self) -> JSON:
        return {
            "number": self.number,
            "kind": self.kind,
            "method": self.method,
            "path": self.path,
            "query": self.query,
            "headers": self.headers,
            "body": self.body,
            "size": self.body_bytes,
            "status": self.status,
            "fault": self.fault,
            "began": self.began,
            "ended": self.ended,
            "events": list(self.events),
        }


class RequestLog:
    """The latest 2,000 entries, oldest first. Numbering continues after a clear."""

    def __init__(self) -> None:
        self.entries: deque[LoggedRequest] = deque(maxlen=MAX_ENTRIES)
        self.count = 0

    def start_entry(
        self, kind: str, method: str, path: str, query: str, headers: JSON, *, is_logged: bool = True
    ) -> LoggedRequest:
        entry = LoggedRequest(self.count + 1, kind, method, path, query, headers)
        if is_logged:
            self.count += 1
            self.entries.append(entry)
        return entry

    def clear(self) -> None:
        self.entries.clear()

    def as_json(self) -> JSON:
        return {"entries": [entry.as_json() for entry in self.entries]}
