"""Everything that was asked of the stand-in, so that a test can count calls and read what stood on the wire."""

import time
from collections import deque
from dataclasses import dataclass, field

from .json_types import JSON, as_text

MAX_ENTRIES = 2_000
MAX_EVENTS = 5_000
LARGEST_BODY = 1024 * 1024


@dataclass
class Entry:
    """One HTTP request, or one realtime connection with the events its client sent."""

    number: int
    kind: str
    method: str
    path: str
    query: str
    headers: JSON
    body: JSON | None = None
    size: int = 0
    status: int | None = None
    fault: JSON | None = None
    began: float = field(default_factory=time.time)
    ended: float | None = None
    events: deque[JSON] = field(default_factory=lambda: deque(maxlen=MAX_EVENTS))

    def note(self, body: JSON) -> None:
        """Keep what was sent, unless it is so large that a long run would fill the memory."""
        self.body = body if self.size <= LARGEST_BODY else {"too_large": self.size}

    def hear(self, event: JSON, audio_bytes: int) -> None:
        """Note a client's event. A run of appended audio is one line: its first event, how often and how much."""
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
            "size": self.size,
            "status": self.status,
            "fault": self.fault,
            "began": self.began,
            "ended": self.ended,
            "events": list(self.events),
        }


class Ledger:
    """The latest entries, oldest first; numbers go on when it is cleared."""

    def __init__(self) -> None:
        self.entries: deque[Entry] = deque(maxlen=MAX_ENTRIES)
        self.count = 0

    def open(self, kind: str, method: str, path: str, query: str, headers: JSON, *, noted: bool = True) -> Entry:
        entry = Entry(self.count + 1, kind, method, path, query, headers)
        if noted:
            self.count += 1
            self.entries.append(entry)
        return entry

    def clear(self) -> None:
        self.entries.clear()

    def as_json(self) -> JSON:
        return {"entries": [entry.as_json() for entry in self.entries]}
