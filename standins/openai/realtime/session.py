"""One realtime session: its handlers for client events, and its reactions to detected speech."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine

from ..http.json_types import JSON, JSONValue, as_number, as_object, as_text
from ..settings import Settings
from ..storage.state import new_id
from .audio_formats import InputDecoder
from .beta_api import modernize_event
from .client_events import decode_audio, validate_event
from .conversation import ConversationItem, RealtimeConversation, item_from_client, user_audio_item
from .errors import EventError, error_event
from .event_sender import EventSender
from .response import RealtimeResponse
from .server_vad import InputBuffer, ServerVad, SpeechEdge
from .session_config import get_audio_input, get_silence_ms, get_turn_detection, merge_config, new_config
from .transcription import transcribe

MIN_COMMIT_MS = 100
MAX_BUFFER_MS = 10 * 60 * 1000


class RealtimeSession:
    def __init__(self, sender: EventSender, model: str, settings: Settings) -> None:
        self.sender, self.settings = sender, settings
        self.max_seconds = as_number(sender.fault.get("expire_after"), settings.session_seconds)
        self.config = new_config(model, self.max_seconds)
        self.conversation = RealtimeConversation()
        self.buffer, self.decoder = InputBuffer(), InputDecoder()
        self.vad = self._new_vad()
        self.speaking_item_id = ""
        self.active_response: RealtimeResponse | None = None
        self.is_response_due = self.has_spoken = False
        self.spoken_turn_count = 0
        self.tasks: set[asyncio.Task[None]] = set()
        self.handlers: dict[str, Callable[[JSON], Awaitable[None]]] = {
            "session.update": self.update_session,
            "input_audio_buffer.append": self.append_audio,
            "input_audio_buffer.commit": self.commit_audio,
            "input_audio_buffer.clear": self.clear_audio,
            "conversation.item.create": self.create_item,
            "conversation.item.retrieve": self.retrieve_item,
            "conversation.item.delete": self.delete_item,
            "conversation.item.truncate": self.truncate_item,
            "response.create": self.create_response,
            "response.cancel": self.cancel_response,
        }

    async def open(self) -> None:
        await self.sender.emit({"type": "session.created", "session": self.config})
        if self.sender.is_beta:
            conversation: JSON = {"id": self.conversation.id, "object": "realtime.conversation"}
            await self.sender.emit({"type": "conversation.created", "conversation": conversation})
        self.start_task(self._expire())
        self.start_task(self.sender.trigger_delayed_fault())

    async def handle_event(self, event: JSON) -> None:
        if self.sender.is_beta:
            event = modernize_event(event)
        try:
            validate_event(event)
            await self.handlers[as_text(event["type"])](event)
        except EventError as error:
            await self.sender.emit(error.as_event(as_text(event.get("event_id")) or None))

    async def close(self) -> None:
        """Cancel all tasks, so that none outlives the socket."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    def start_task(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _expire(self) -> None:
        await asyncio.sleep(self.max_seconds)
        message = "Your session hit the maximum duration of 60 minutes."
        await self.sender.emit(error_event(message, "session_expired"))
        await self.sender.close(1001, "session_expired")

    async def update_session(self, event: JSON) -> None:
        before = get_turn_detection(self.config)
        self.config = merge_config(self.config, as_object(event["session"]), self.has_spoken)
        if get_turn_detection(self.config) != before:
            self.vad = self._new_vad()
        await self.sender.emit({"type": "session.updated", "session": self.config})

    def _new_vad(self) -> ServerVad | None:
        turn_detection = get_turn_detection(self.config)
        if not turn_detection:
            return None
        return ServerVad(
            as_number(turn_detection.get("threshold"), 0.5),
            as_number(turn_detection.get("prefix_padding_ms"), 300),
            get_silence_ms(turn_detection),
            int(self.buffer.ends_at_ms),
        )

    async def append_audio(self, event: JSON) -> None:
        name = as_text(as_object(get_audio_input(self.config)["format"]).get("type"))
        encoded = decode_audio(as_text(event["audio"]), sample_bytes=2 if name == "audio/pcm" else 1)
        audio = self.decoder.decode(encoded, name)
        self.buffer.append(audio)
        self.buffer.discard_before(self.buffer.ends_at_ms - MAX_BUFFER_MS)
        if self.vad is None:
            return
        for edge in self.vad.detect(audio):
            await (self._speech_started(edge) if edge.is_start else self._speech_stopped(edge))
        if not self.vad.is_speaking:
            self.buffer.discard_before(self.vad.clock_ms - self.vad.prefix_ms - 1000)

    async def _speech_started(self, edge: SpeechEdge) -> None:
        self.speaking_item_id = new_id("item_")
        self.buffer.discard_before(edge.at_ms)
        await self.sender.emit(
            {
                "type": "input_audio_buffer.speech_started",
                "audio_start_ms": edge.at_ms,
                "item_id": self.speaking_item_id,
            }
        )
        if self.active_response and get_turn_detection(self.config)["interrupt_response"]:
            self.is_response_due = False
            await self.active_response.stop("turn_detected")

    async def _speech_stopped(self, edge: SpeechEdge) -> None:
        item_id, self.speaking_item_id = self.speaking_item_id, ""
        await self.sender.emit(
            {"type": "input_audio_buffer.speech_stopped", "audio_end_ms": edge.at_ms, "item_id": item_id}
        )
        await self._commit_item(user_audio_item(item_id, self.buffer.take(self.buffer.starts_at_ms, edge.at_ms)))
        if get_turn_detection(self.config)["create_response"]:
            self.is_response_due = self.active_response is not None
            if not self.is_response_due:
                self._start_response({})

    async def commit_audio(self, event: JSON) -> None:
        length = self.buffer.ends_at_ms - self.buffer.starts_at_ms
        if length < MIN_COMMIT_MS:
            message = "Error committing input audio buffer: buffer too small. Expected at least "
            message += f"{MIN_COMMIT_MS}ms of audio, but buffer only has {length:.2f}ms of audio."
            raise EventError(message, "input_audio_buffer_commit_empty")
        item = user_audio_item(self.speaking_item_id or new_id("item_"), self.buffer.take(0, self.buffer.ends_at_ms))
        self._reset_detection()
        await self._commit_item(item)

    async def clear_audio(self, event: JSON) -> None:
        self.buffer.clear()
        self._reset_detection()
        await self.sender.emit({"type": "input_audio_buffer.cleared"})

    def _reset_detection(self) -> None:
        self.speaking_item_id = ""
        self.vad = self._new_vad()

    async def _commit_item(self, item: ConversationItem) -> None:
        previous_item_id = self.conversation.add(item)
        await self.sender.emit(
            {"type": "input_audio_buffer.committed", "item_id": item.id, "previous_item_id": previous_item_id}
        )
        await self._announce_item(item, previous_item_id)
        self.spoken_turn_count += 1
        if get_audio_input(self.config)["transcription"]:
            seed = f"{self.config['instructions']}/{self.spoken_turn_count}"
            self.start_task(transcribe(self.sender, item, self.settings.transcript_delay, seed))

    async def _announce_item(self, item: ConversationItem, previous_item_id: str | None) -> None:
        for step in ("added", "done"):
            await self.sender.emit(
                {"type": f"conversation.item.{step}", "previous_item_id": previous_item_id, "item": item.as_json()}
            )

    async def create_item(self, event: JSON) -> None:
        after = event.get("previous_item_id")
        item = item_from_client(as_object(event["item"]), self.conversation)
        await self._announce_item(item, self.conversation.add(item, after if isinstance(after, str) else None))

    async def retrieve_item(self, event: JSON) -> None:
        item = self.conversation.find_for("retrieve", "retrieving", as_text(event["item_id"]))
        await self.sender.emit({"type": "conversation.item.retrieved", "item": item.as_json(with_audio=True)})

    async def delete_item(self, event: JSON) -> None:
        self.conversation.remove(as_text(event["item_id"]))
        await self.sender.emit({"type": "conversation.item.deleted", "item_id": event["item_id"]})

    async def truncate_item(self, event: JSON) -> None:
        item_id, end_ms = as_text(event["item_id"]), int(as_number(event["audio_end_ms"], 0))
        self.conversation.truncate(item_id, end_ms)
        await self.sender.emit(
            {
                "type": "conversation.item.truncated",
                "item_id": item_id,
                "content_index": event["content_index"],
                "audio_end_ms": end_ms,
            }
        )

    async def create_response(self, event: JSON) -> None:
        options = as_object(event.get("response"))
        if self.active_response and options.get("conversation") != "none":
            message = f"Conversation already has an active response in progress: {self.active_response.id}. "
            message += "Wait until the response is finished before creating a new one."
            raise EventError(message, "conversation_already_has_active_response")
        self._start_response(options)

    async def cancel_response(self, event: JSON) -> None:
        wanted: JSONValue = event.get("response_id")
        if self.active_response is None or wanted not in (None, self.active_response.id):
            raise EventError("Cancellation failed: no active response found", "response_cancel_not_active")
        await self.active_response.stop("client_cancelled")

    def _start_response(self, options: JSON) -> None:
        turns = self.conversation.response_context(options)
        reply = RealtimeResponse(
            self.sender,
            self.conversation,
            self.config,
            options,
            turns,
            self.settings,
            self._mark_spoken,
            self.conversation.pending_output() if "input" not in options else None,
            self.conversation.last_counselor_text() if "input" not in options else "",
        )
        if reply.is_in_conversation:
            self.active_response = reply
        self.start_task(self._run_response(reply))

    async def _run_response(self, reply: RealtimeResponse) -> None:
        try:
            await reply.run()
        finally:
            self.active_response = None if self.active_response is reply else self.active_response
        if self.active_response is None and self.is_response_due:
            # A turn that ended while the caller was still speaking is answered now.
            self.is_response_due = False
            self._start_response({})

    def _mark_spoken(self) -> None:
        self.has_spoken = True
