"""Replay of a conversation that a public realtime client held, from the messages that it sent.

The first line of a file in `client_conversations` describes the connection and the responses that the client got. Each
of the others is an event of the client, `{"wait": type, "count": n}` until the n-th event of a type (the deltas of a
response count as one), or `{"speech_ms": n, "silence_ms": n}` for audio. `@item2` stands for the ID of the second item
that the server created. `@call1` and `@resp1` work the same way.
"""

import base64
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from standins.openai.realtime.audio_formats import encode

from .realtime_client import silence, speech
from .sdk_type_validation import beta_server_event_problems, server_event_problems

FOLDER = Path(__file__).parent / "client_conversations"
NAMES = sorted(path.stem for path in FOLDER.glob("*.jsonl"))
BETA_HEADER = {"OpenAI-Beta": "realtime=v1"}
SERVER_ID = re.compile(r"(item|call|resp)_[0-9a-f]{20,}")
FORMAT = re.compile(r"g711_[au]law|audio/pcm[au]")
CODECS = {"g711_ulaw": "audio/pcmu", "g711_alaw": "audio/pcma"}
FRAME_MS = 20


@dataclass
class Replay:
    """One conversation, with all events that the server sent in it."""

    name: str
    events: list[dict[str, Any]] = field(default_factory=list)
    _ids: dict[str, str] = field(default_factory=dict)  # the server's ids by their placeholders
    _codec: str = "audio/pcm"

    def __post_init__(self) -> None:
        self.header, *self.steps = map(json.loads, (FOLDER / f"{self.name}.jsonl").read_text().splitlines())
        self._find_problems = beta_server_event_problems if self.header["is_beta"] else server_event_problems

    async def run(self, client: Any) -> None:
        headers = BETA_HEADER if self.header["is_beta"] else {}
        async with client.realtime.connect(model=self.header["model"], extra_headers=headers) as connection:
            for step in self.steps:
                await self._take_step(connection, step)

    def responses(self) -> list[list[str | None]]:
        """Return the status of each response and the type of its output."""
        done = [event["response"] for event in self.events if event["type"] == "response.done"]
        return [[one["status"], one["output"][0]["type"] if one["output"] else None] for one in done]

    async def _take_step(self, connection: Any, step: dict[str, Any]) -> None:
        if "wait" in step:
            while self._count(step["wait"]) < step["count"]:
                self._receive(json.loads(await connection.recv_bytes()))
        elif "speech_ms" in step:
            spoken = encode(speech(step["speech_ms"]) + silence(step["silence_ms"]), self._codec)
            size = len(spoken) * FRAME_MS // (step["speech_ms"] + step["silence_ms"])
            for start in range(0, len(spoken), size):
                audio = base64.b64encode(spoken[start : start + size]).decode()
                await connection.send_raw(json.dumps({"type": "input_audio_buffer.append", "audio": audio}))
        else:
            text = json.dumps(step)
            if step["type"] == "session.update" and (named := FORMAT.search(text)):
                self._codec = CODECS.get(named[0], named[0])
            await connection.send_raw(re.sub(r"@(?:item|call|resp)\d+", lambda name: self._ids[name[0]], text))

    def _receive(self, event: dict[str, Any]) -> None:
        assert self._find_problems(event) == []
        self.events.append(event)
        for found in SERVER_ID.finditer(json.dumps(event)):
            if found[0] not in self._ids.values():
                known = sum(name.startswith(f"@{found[1]}") for name in self._ids)
                self._ids[f"@{found[1]}{known + 1}"] = found[0]

    def _count(self, kind: str) -> int:
        fitting = [event for event in self.events if event["type"] == kind]
        return len({event["response_id"] for event in fitting}) if kind.endswith("audio.delta") else len(fitting)
