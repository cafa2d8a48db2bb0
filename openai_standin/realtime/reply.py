"""One response of the realtime server: what it says, and the documented order in which it says it."""

import asyncio
import base64
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from ..conversation import Turn, next_line, word_for_word
from ..json_types import JSON, JSONValue, as_number, as_object, as_text, texts
from ..settings import Settings
from ..speech import speak
from ..state import new_id
from .config import output_of
from .items import Conversation, Item, reply_item
from .line import Line
from .vad import BYTES_PER_MS

# Deltas are of uneven length, as the real ones are.
DELTA_MS = (100, 200, 400, 300)
TOKENS_PER_SECOND = 20
HEARD_TOKENS_PER_SECOND = 10
RATE_LIMITS: list[JSONValue] = [
    {"name": "requests", "limit": 10_000, "remaining": 9_999, "reset_seconds": 0.006},
    {"name": "tokens", "limit": 1_000_000, "remaining": 995_000, "reset_seconds": 0.3},
]
WORD = re.compile(r"\s*\S+")


@dataclass
class Script:
    """What is to be said, and whether a token limit cut it."""

    text: str
    audio: bytes = b""
    is_cut: bool = False


@dataclass
class Reply:
    line: Line
    conversation: Conversation
    config: JSON
    options: JSON
    turns: list[Turn]
    settings: Settings
    on_audio: Callable[[], None] = lambda: None
    id: str = field(default_factory=lambda: new_id("resp_"))
    item: Item | None = None
    said: str = ""
    why_stopped: str = ""
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    over: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def in_conversation(self) -> bool:
        return self.options.get("conversation", "auto") != "none"

    @property
    def speaks(self) -> bool:
        return self._option("output_modalities") == ["audio"]

    async def run(self) -> None:
        try:
            await self._run()
        finally:
            self.over.set()

    async def stop(self, reason: str) -> None:
        """Cancel and wait until the cancelled response has said its last event."""
        self.why_stopped = self.why_stopped or reason
        self.stopping.set()
        await self.over.wait()

    async def _run(self) -> None:
        await self.line.emit({"type": "response.created", "response": self._shown("in_progress")})
        await self.line.emit({"type": "rate_limits.updated", "rate_limits": RATE_LIMITS})
        if code := as_text(self.line.fault.get("response_failed")):
            await self._fail(code)
            return
        delay = as_number(self.line.fault.get("answer_delay"), self.settings.answer_delay)
        script = await self._script()
        if await self._stopped_within(delay):
            await self._finish(script)
            return
        self.item = reply_item()
        await self._begin(self.item)
        await (self._speak(self.item, script) if self.speaks else self._write(script))
        await self._end(self.item, script)
        await self._finish(script)

    async def _begin(self, item: Item) -> None:
        await self.line.emit({"type": "response.output_item.added", **self._place(), "item": item.as_json()})
        if self.in_conversation:
            follows = self.conversation.add(item)
            await self.line.emit(
                {"type": "conversation.item.added", "previous_item_id": follows, "item": item.as_json()}
            )
        await self.line.emit({"type": "response.content_part.added", **self._part_place(item), "part": self._part("")})

    async def _speak(self, item: Item, script: Script) -> None:
        spoken = WORD.findall(script.text)
        sent = number = 0
        item.fields["content"] = [{"type": "output_audio", "transcript": ""}]
        while sent < len(script.audio) and not self.stopping.is_set():
            chunk = script.audio[sent : sent + DELTA_MS[number % len(DELTA_MS)] * BYTES_PER_MS]
            sent, number = sent + len(chunk), number + 1
            due = math.ceil(len(spoken) * sent / len(script.audio))
            await self._tell_words(item, spoken[len(WORD.findall(self.said)) : due])
            if not item.is_truncated:
                item.audio += chunk
            self.on_audio()
            encoded = base64.b64encode(chunk).decode()
            await self.line.emit({"type": "response.output_audio.delta", **self._part_place(item), "delta": encoded})
            await self._stopped_within(len(chunk) / BYTES_PER_MS / 1000 / self.settings.audio_speed)

    async def _tell_words(self, item: Item, new: list[str]) -> None:
        if delta := "".join(new):
            self.said += delta
            item.said = self.said
            kind = "output_audio_transcript" if self.speaks else "output_text"
            await self.line.emit({"type": f"response.{kind}.delta", **self._part_place(item), "delta": delta})

    async def _write(self, script: Script) -> None:
        assert self.item is not None
        for word in WORD.findall(script.text):
            if await self._stopped_within(self.settings.delta_pause):
                return
            await self._tell_words(self.item, [word])

    async def _end(self, item: Item, script: Script) -> None:
        """The closing events, which a cancelled response sends as well."""
        item.status = "incomplete" if self.why_stopped or script.is_cut else "completed"
        kind, key = ("output_audio", "transcript") if self.speaks else ("output_text", "text")
        # A client may have truncated the item while it was being spoken.
        if not item.is_truncated:
            item.fields["content"] = [{"type": kind, key: self.said}]
        place = self._part_place(item)
        if self.speaks:
            await self.line.emit({"type": "response.output_audio.done", **place})
            await self.line.emit({"type": "response.output_audio_transcript.done", **place, "transcript": self.said})
        else:
            await self.line.emit({"type": "response.output_text.done", **place, "text": self.said})
        await self.line.emit({"type": "response.content_part.done", **place, "part": self._part(self.said)})
        if self.in_conversation and item in self.conversation.items:
            follows = self.conversation.follows(item)
            await self.line.emit(
                {"type": "conversation.item.done", "previous_item_id": follows, "item": item.as_json()}
            )
        await self.line.emit({"type": "response.output_item.done", **self._place(), "item": item.as_json()})

    async def _finish(self, script: Script) -> None:
        status = "completed"
        details: JSON | None = None
        if self.why_stopped:
            status, details = "cancelled", {"type": "cancelled", "reason": self.why_stopped}
        elif script.is_cut:
            status, details = "incomplete", {"type": "incomplete", "reason": "max_output_tokens"}
        await self.line.emit({"type": "response.done", "response": self._shown(status, details)})

    async def _fail(self, code: str) -> None:
        error: JSON = {"type": "server_error", "code": code, "message": f"The response failed: {code}."}
        details: JSON = {"type": "failed", "error": error}
        await self.line.emit({"type": "response.done", "response": self._shown("failed", details)})

    async def _script(self) -> Script:
        text = self._text()
        if not self.speaks:
            return self._cut(Script(text))
        return self._cut(Script(text, await asyncio.to_thread(speak, text)))

    def _text(self) -> str:
        standing, asked = as_text(self.config["instructions"]), as_text(self.options.get("instructions"))
        if quoted := word_for_word(asked):
            return quoted
        turns = self.turns
        quoted = word_for_word(standing)
        if quoted and not any(turn.text == quoted for turn in turns):
            return quoted
        if "opening line" in asked.lower() and not any(turn.speaker == "caller" for turn in turns):
            turns = []
        return next_line(standing, turns, mode="phone")

    def _cut(self, script: Script) -> Script:
        limit = self._option("max_output_tokens")
        seconds = len(script.audio) / BYTES_PER_MS / 1000
        needed = seconds * TOKENS_PER_SECOND + len(script.text) / 4
        if not isinstance(limit, int) or needed <= limit:
            return script
        share = limit / needed
        kept = int(len(script.audio) * share) // 2 * 2
        return Script(script.text[: int(len(script.text) * share)], script.audio[:kept], is_cut=True)

    async def _stopped_within(self, seconds: float) -> bool:
        try:
            await asyncio.wait_for(self.stopping.wait(), seconds)
        except TimeoutError:
            return False
        return True

    def _option(self, name: str) -> JSONValue:
        return self.options.get(name, self.config.get(name))

    def _place(self) -> JSON:
        return {"response_id": self.id, "output_index": 0}

    def _part_place(self, item: Item) -> JSON:
        return {**self._place(), "item_id": item.id, "content_index": 0}

    def _part(self, said: str) -> JSON:
        return {"type": "audio", "transcript": said} if self.speaks else {"type": "text", "text": said}

    def _shown(self, status: str, details: JSON | None = None) -> JSON:
        voice = as_object(as_object(self.options.get("audio")).get("output")).get("voice")
        output = output_of(self.config)
        ended = status not in ("in_progress", "failed")
        return {
            "object": "realtime.response",
            "id": self.id,
            "status": status,
            "status_details": details,
            "output": [self.item.as_json()] if self.item else [],
            "conversation_id": self.conversation.id if self.in_conversation else None,
            "output_modalities": list[JSONValue](texts(self._option("output_modalities"))),
            "max_output_tokens": self._option("max_output_tokens"),
            "audio": {"output": {"format": output["format"], "voice": voice or output["voice"]}},
            "usage": self._usage() if ended else None,
            "metadata": self.options.get("metadata"),
        }

    def _usage(self) -> JSON:
        heard = sum(item.audio_ms for item in self.conversation.items if item is not self.item) / 1000
        read = len(as_text(self.config["instructions"])) + sum(len(turn.text) for turn in self.conversation.turns())
        text_in, audio_in = math.ceil(read / 4), math.ceil(heard * HEARD_TOKENS_PER_SECOND)
        text_out = math.ceil(len(self.said) / 4)
        audio_out = math.ceil((self.item.audio_ms if self.item else 0) / 1000 * TOKENS_PER_SECOND)
        return {
            "total_tokens": text_in + audio_in + text_out + audio_out,
            "input_tokens": text_in + audio_in,
            "output_tokens": text_out + audio_out,
            "input_token_details": {
                "text_tokens": text_in,
                "audio_tokens": audio_in,
                "image_tokens": 0,
                "cached_tokens": 0,
                "cached_tokens_details": {"text_tokens": 0, "audio_tokens": 0, "image_tokens": 0},
            },
            "output_token_details": {"text_tokens": text_out, "audio_tokens": audio_out},
        }
