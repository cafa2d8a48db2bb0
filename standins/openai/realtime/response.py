"""One response of the realtime server: its text and audio, sent as events in the documented order."""

import asyncio
import base64
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from ..demo.caller_replies import DialogueTurn, next_line, quoted_line
from ..demo.function_calls import FunctionCall, answer_from_output, choose_call
from ..demo.text_to_speech import synthesize
from ..http.json_types import JSON, JSONValue, as_number, as_object, as_text, texts
from ..settings import Settings
from ..storage.state import new_id
from .audio_formats import encode, encoded_bytes_per_ms, normalize_format
from .conversation import ConversationItem, RealtimeConversation, assistant_item, function_call_item
from .event_sender import EventSender
from .server_vad import BYTES_PER_MS
from .session_config import get_audio_output

# Deltas have uneven lengths, like OpenAI's.
DELTA_MS = (100, 200, 400, 300)
OUTPUT_TOKENS_PER_SECOND = 20
INPUT_TOKENS_PER_SECOND = 10
RATE_LIMITS: list[JSONValue] = [
    {"name": "requests", "limit": 10_000, "remaining": 9_999, "reset_seconds": 0.006},
    {"name": "tokens", "limit": 1_000_000, "remaining": 995_000, "reset_seconds": 0.3},
]
WORD = re.compile(r"\s*\S+")


@dataclass
class PlannedSpeech:
    """Text and audio of a response, and whether a token limit cut them short."""

    text: str
    audio: bytes = b""
    is_truncated: bool = False


@dataclass
class RealtimeResponse:
    sender: EventSender
    conversation: RealtimeConversation
    config: JSON
    options: JSON
    turns: list[DialogueTurn]
    settings: Settings
    on_audio: Callable[[], None] = lambda: None
    pending_output: str | None = None  # function output that the response reports
    last_counselor_text: str = ""
    id: str = field(default_factory=lambda: new_id("resp_"))
    item: ConversationItem | None = None
    spoken_text: str = ""
    stop_reason: str = ""
    stop_requested: asyncio.Event = field(default_factory=asyncio.Event)
    finished: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def is_in_conversation(self) -> bool:
        return self.options.get("conversation", "auto") != "none"

    @property
    def has_audio(self) -> bool:
        return self._option("output_modalities") == ["audio"]

    async def run(self) -> None:
        try:
            await self._run()
        finally:
            self.finished.set()

    async def stop(self, reason: str) -> None:
        """Cancel the response and wait until it has sent its last event."""
        self.stop_reason = self.stop_reason or reason
        self.stop_requested.set()
        await self.finished.wait()

    async def _run(self) -> None:
        await self.sender.emit({"type": "response.created", "response": self._as_json("in_progress")})
        await self.sender.emit({"type": "rate_limits.updated", "rate_limits": RATE_LIMITS})
        if code := as_text(self.sender.fault.get("response_failed")):
            await self._send_failure(code)
            return
        delay = as_number(self.sender.fault.get("answer_delay"), self.settings.answer_delay)
        if call := self._choose_call():
            await self._send_function_call(call, delay)
            return
        speech = await self._plan_speech()
        if await self._wait_for_stop(delay):
            await self._send_response_done(speech)
            return
        self.item = assistant_item()
        await self._send_item_added(self.item)
        await self._send_part_added(self.item)
        await (self._send_audio(self.item, speech) if self.has_audio else self._send_text(speech))
        await self._send_item_done(self.item, speech)
        await self._send_response_done(speech)

    async def _send_item_added(self, item: ConversationItem) -> None:
        await self.sender.emit(
            {"type": "response.output_item.added", **self._output_position(), "item": item.as_json()}
        )
        if self.is_in_conversation:
            previous_item_id = self.conversation.add(item)
            await self.sender.emit(
                {"type": "conversation.item.added", "previous_item_id": previous_item_id, "item": item.as_json()}
            )

    async def _send_part_added(self, item: ConversationItem) -> None:
        await self.sender.emit(
            {"type": "response.content_part.added", **self._part_position(item), "part": self._content_part("")}
        )

    async def _send_audio(self, item: ConversationItem, speech: PlannedSpeech) -> None:
        words = WORD.findall(speech.text)
        name = as_text(self._output_format()["type"])
        encoded, size = await asyncio.to_thread(encode, speech.audio, name), encoded_bytes_per_ms(name)
        sent = number = 0
        item.fields["content"] = [{"type": "output_audio", "transcript": ""}]
        while sent < len(speech.audio) and not self.stop_requested.is_set():
            chunk = speech.audio[sent : sent + DELTA_MS[number % len(DELTA_MS)] * BYTES_PER_MS]
            start_ms, sent, number = sent // BYTES_PER_MS, sent + len(chunk), number + 1
            end = len(encoded) if sent == len(speech.audio) else sent // BYTES_PER_MS * size
            due = math.ceil(len(words) * sent / len(speech.audio))
            await self._send_text_delta(item, words[len(WORD.findall(self.spoken_text)) : due])
            if not item.is_truncated:
                item.audio += chunk
            self.on_audio()
            delta = base64.b64encode(encoded[start_ms * size : end]).decode()
            await self.sender.emit({"type": "response.output_audio.delta", **self._part_position(item), "delta": delta})
            await self._wait_for_stop(len(chunk) / BYTES_PER_MS / 1000 / self.settings.audio_speed)

    async def _send_text_delta(self, item: ConversationItem, new: list[str]) -> None:
        if delta := "".join(new):
            self.spoken_text += delta
            item.spoken_text = self.spoken_text
            kind = "output_audio_transcript" if self.has_audio else "output_text"
            await self.sender.emit({"type": f"response.{kind}.delta", **self._part_position(item), "delta": delta})

    async def _send_text(self, speech: PlannedSpeech) -> None:
        assert self.item is not None
        for word in WORD.findall(speech.text):
            if await self._wait_for_stop(self.settings.delta_pause):
                return
            await self._send_text_delta(self.item, [word])

    async def _send_item_done(self, item: ConversationItem, speech: PlannedSpeech) -> None:
        """Send the closing events, which a cancelled response sends as well."""
        item.status = "incomplete" if self.stop_reason or speech.is_truncated else "completed"
        kind, key = ("output_audio", "transcript") if self.has_audio else ("output_text", "text")
        # A client may have truncated the item while it was being spoken.
        if not item.is_truncated:
            item.fields["content"] = [{"type": kind, key: self.spoken_text}]
        place = self._part_position(item)
        if self.has_audio:
            await self.sender.emit({"type": "response.output_audio.done", **place})
            await self.sender.emit(
                {"type": "response.output_audio_transcript.done", **place, "transcript": self.spoken_text}
            )
        else:
            await self.sender.emit({"type": "response.output_text.done", **place, "text": self.spoken_text})
        await self.sender.emit(
            {"type": "response.content_part.done", **place, "part": self._content_part(self.spoken_text)}
        )
        await self._send_item_end(item)

    async def _send_function_call(self, call: FunctionCall, delay: float) -> None:
        if await self._wait_for_stop(delay):
            await self._send_response_done(PlannedSpeech(""))
            return
        self.item = item = function_call_item(call.name)
        await self._send_item_added(item)
        place = {**self._output_position(), "item_id": item.id, "call_id": item.fields["call_id"]}
        half = len(call.arguments) // 2
        for piece in (call.arguments[:half], call.arguments[half:]):
            await self.sender.emit({"type": "response.function_call_arguments.delta", **place, "delta": piece})
        item.fields["arguments"], item.status = call.arguments, "completed"
        done: JSON = {"name": call.name, "arguments": call.arguments}
        await self.sender.emit({"type": "response.function_call_arguments.done", **place, **done})
        await self._send_item_end(item)
        await self._send_response_done(PlannedSpeech(""))

    async def _send_item_end(self, item: ConversationItem) -> None:
        if self.is_in_conversation and item in self.conversation.items:
            previous_item_id = self.conversation.previous_item_id(item)
            await self.sender.emit(
                {"type": "conversation.item.done", "previous_item_id": previous_item_id, "item": item.as_json()}
            )
        await self.sender.emit({"type": "response.output_item.done", **self._output_position(), "item": item.as_json()})

    async def _send_response_done(self, speech: PlannedSpeech) -> None:
        status = "completed"
        details: JSON | None = None
        if self.stop_reason:
            status, details = "cancelled", {"type": "cancelled", "reason": self.stop_reason}
        elif speech.is_truncated:
            status, details = "incomplete", {"type": "incomplete", "reason": "max_output_tokens"}
        await self.sender.emit({"type": "response.done", "response": self._as_json(status, details)})

    async def _send_failure(self, code: str) -> None:
        error: JSON = {"type": "server_error", "code": code, "message": f"The response failed: {code}."}
        details: JSON = {"type": "failed", "error": error}
        await self.sender.emit({"type": "response.done", "response": self._as_json("failed", details)})

    async def _plan_speech(self) -> PlannedSpeech:
        text = self._choose_text()
        if not self.has_audio:
            return self._apply_token_limit(PlannedSpeech(text))
        return self._apply_token_limit(PlannedSpeech(text, await asyncio.to_thread(synthesize, text)))

    def _choose_call(self) -> FunctionCall | None:
        if self.pending_output is not None:
            return None
        return choose_call(self._option("tools"), self._option("tool_choice"), self.last_counselor_text)

    def _output_format(self) -> JSON:
        wanted = as_object(as_object(self.options.get("audio")).get("output")).get("format")
        return normalize_format(wanted or get_audio_output(self.config)["format"])

    def _choose_text(self) -> str:
        if self.pending_output is not None:
            return answer_from_output(self.pending_output)
        session_instructions, response_instructions = (
            as_text(self.config["instructions"]),
            as_text(self.options.get("instructions")),
        )
        if quoted := quoted_line(response_instructions):
            return quoted
        turns = self.turns
        quoted = quoted_line(session_instructions)
        if quoted and not any(turn.text == quoted for turn in turns):
            return quoted
        if "opening line" in response_instructions.lower() and not any(turn.speaker == "caller" for turn in turns):
            turns = []
        return next_line(session_instructions, turns, mode="phone")

    def _apply_token_limit(self, speech: PlannedSpeech) -> PlannedSpeech:
        limit = self._option("max_output_tokens")
        seconds = len(speech.audio) / BYTES_PER_MS / 1000
        needed = seconds * OUTPUT_TOKENS_PER_SECOND + len(speech.text) / 4
        if not isinstance(limit, int) or needed <= limit:
            return speech
        share = limit / needed
        kept = int(len(speech.audio) * share) // 2 * 2
        return PlannedSpeech(speech.text[: int(len(speech.text) * share)], speech.audio[:kept], is_truncated=True)

    async def _wait_for_stop(self, seconds: float) -> bool:
        try:
            await asyncio.wait_for(self.stop_requested.wait(), seconds)
        except TimeoutError:
            return False
        return True

    def _option(self, name: str) -> JSONValue:
        return self.options.get(name, self.config.get(name))

    def _output_position(self) -> JSON:
        return {"response_id": self.id, "output_index": 0}

    def _part_position(self, item: ConversationItem) -> JSON:
        return {**self._output_position(), "item_id": item.id, "content_index": 0}

    def _content_part(self, text: str) -> JSON:
        return {"type": "audio", "transcript": text} if self.has_audio else {"type": "text", "text": text}

    def _as_json(self, status: str, details: JSON | None = None) -> JSON:
        voice = as_object(as_object(self.options.get("audio")).get("output")).get("voice")
        output = get_audio_output(self.config)
        ended = status not in ("in_progress", "failed")
        return {
            "object": "realtime.response",
            "id": self.id,
            "status": status,
            "status_details": details,
            "output": [self.item.as_json()] if self.item else [],
            "conversation_id": self.conversation.id if self.is_in_conversation else None,
            "output_modalities": list[JSONValue](texts(self._option("output_modalities"))),
            "max_output_tokens": self._option("max_output_tokens"),
            "audio": {"output": {"format": self._output_format(), "voice": voice or output["voice"]}},
            "usage": self._usage() if ended else None,
            "metadata": self.options.get("metadata"),
        }

    def _usage(self) -> JSON:
        audio_seconds = sum(item.audio_ms for item in self.conversation.items if item is not self.item) / 1000
        characters = len(as_text(self.config["instructions"])) + sum(
            len(turn.text) for turn in self.conversation.turns()
        )
        text_in, audio_in = math.ceil(characters / 4), math.ceil(audio_seconds * INPUT_TOKENS_PER_SECOND)
        text_out = math.ceil(len(self.spoken_text) / 4)
        audio_out = math.ceil((self.item.audio_ms if self.item else 0) / 1000 * OUTPUT_TOKENS_PER_SECOND)
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
