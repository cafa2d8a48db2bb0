"""One realtime session: what each client event does, and what the server's own hearing sets off."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine

from ..json_types import JSON, JSONValue, as_number, as_object, as_text
from ..settings import Settings
from ..state import new_id
from .client_events import check_event, decode_audio
from .config import input_of, merged, new_config, patience_ms, turn_detection_of
from .errors import EventError, error_event
from .items import Conversation, Item, created_item, spoken_item
from .line import Line
from .reply import Reply
from .transcripts import transcribe
from .vad import Edge, InputBuffer, Vad

SHORTEST_COMMIT_MS = 100
LONGEST_BUFFER_MS = 10 * 60 * 1000


class Session:
    def __init__(self, line: Line, model: str, settings: Settings) -> None:
        self.line, self.settings = line, settings
        self.seconds = as_number(line.fault.get("expire_after"), settings.session_seconds)
        self.config = new_config(model, self.seconds)
        self.conversation = Conversation()
        self.buffer = InputBuffer()
        self.vad = self._new_vad()
        self.speaking_item = ""
        self.reply: Reply | None = None
        self.reply_due = self.has_spoken = False
        self.spoken_turns = 0
        self.tasks: set[asyncio.Task[None]] = set()
        self.handlers: dict[str, Callable[[JSON], Awaitable[None]]] = {
            "session.update": self.update,
            "input_audio_buffer.append": self.append,
            "input_audio_buffer.commit": self.commit,
            "input_audio_buffer.clear": self.clear,
            "conversation.item.create": self.create_item,
            "conversation.item.retrieve": self.retrieve_item,
            "conversation.item.delete": self.delete_item,
            "conversation.item.truncate": self.truncate_item,
            "response.create": self.create_response,
            "response.cancel": self.cancel_response,
        }

    async def open(self) -> None:
        await self.line.emit({"type": "session.created", "session": self.config})
        self.start(self._expire())
        self.start(self.line.strike_later())

    async def handle(self, event: JSON) -> None:
        try:
            check_event(event)
            await self.handlers[as_text(event["type"])](event)
        except EventError as error:
            await self.line.emit(error.as_event(as_text(event.get("event_id")) or None))

    async def close(self) -> None:
        """End every task; nothing of this session outlives its socket."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    def start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _expire(self) -> None:
        await asyncio.sleep(self.seconds)
        message = "Your session hit the maximum duration of 60 minutes."
        await self.line.emit(error_event(message, "session_expired"))
        await self.line.close(1001, "session_expired")

    async def update(self, event: JSON) -> None:
        before = turn_detection_of(self.config)
        self.config = merged(self.config, as_object(event["session"]), self.has_spoken)
        if turn_detection_of(self.config) != before:
            self.vad = self._new_vad()
        await self.line.emit({"type": "session.updated", "session": self.config})

    def _new_vad(self) -> Vad | None:
        turn_detection = turn_detection_of(self.config)
        if not turn_detection:
            return None
        return Vad(
            as_number(turn_detection.get("threshold"), 0.5),
            as_number(turn_detection.get("prefix_padding_ms"), 300),
            patience_ms(turn_detection),
            int(self.buffer.ends_at_ms),
        )

    async def append(self, event: JSON) -> None:
        audio = decode_audio(as_text(event["audio"]))
        self.buffer.append(audio)
        self.buffer.forget_before(self.buffer.ends_at_ms - LONGEST_BUFFER_MS)
        if self.vad is None:
            return
        for edge in self.vad.feed(audio):
            await (self._speech_started(edge) if edge.begins else self._speech_stopped(edge))
        if not self.vad.speaking:
            self.buffer.forget_before(self.vad.clock_ms - self.vad.prefix_ms - 1000)

    async def _speech_started(self, edge: Edge) -> None:
        self.speaking_item = new_id("item_")
        self.buffer.forget_before(edge.at_ms)
        await self.line.emit(
            {
                "type": "input_audio_buffer.speech_started",
                "audio_start_ms": edge.at_ms,
                "item_id": self.speaking_item,
            }
        )
        if self.reply and turn_detection_of(self.config)["interrupt_response"]:
            self.reply_due = False
            await self.reply.stop("turn_detected")

    async def _speech_stopped(self, edge: Edge) -> None:
        item_id, self.speaking_item = self.speaking_item, ""
        await self.line.emit(
            {"type": "input_audio_buffer.speech_stopped", "audio_end_ms": edge.at_ms, "item_id": item_id}
        )
        await self._commit(spoken_item(item_id, self.buffer.take(self.buffer.starts_at_ms, edge.at_ms)))
        if turn_detection_of(self.config)["create_response"]:
            self.reply_due = self.reply is not None
            if not self.reply_due:
                self._start_reply({})

    async def commit(self, event: JSON) -> None:
        length = self.buffer.ends_at_ms - self.buffer.starts_at_ms
        if length < SHORTEST_COMMIT_MS:
            message = "Error committing input audio buffer: buffer too small. Expected at least "
            message += f"{SHORTEST_COMMIT_MS}ms of audio, but buffer only has {length:.2f}ms of audio."
            raise EventError(message, "input_audio_buffer_commit_empty")
        item = spoken_item(self.speaking_item or new_id("item_"), self.buffer.take(0, self.buffer.ends_at_ms))
        self._listen_anew()
        await self._commit(item)

    async def clear(self, event: JSON) -> None:
        self.buffer.clear()
        self._listen_anew()
        await self.line.emit({"type": "input_audio_buffer.cleared"})

    def _listen_anew(self) -> None:
        self.speaking_item = ""
        self.vad = self._new_vad()

    async def _commit(self, item: Item) -> None:
        follows = self.conversation.add(item)
        await self.line.emit({"type": "input_audio_buffer.committed", "item_id": item.id, "previous_item_id": follows})
        await self._announce(item, follows)
        self.spoken_turns += 1
        if input_of(self.config)["transcription"]:
            seed = f"{self.config['instructions']}/{self.spoken_turns}"
            self.start(transcribe(self.line, item, self.settings.transcript_delay, seed))

    async def _announce(self, item: Item, follows: str | None) -> None:
        for step in ("added", "done"):
            await self.line.emit(
                {"type": f"conversation.item.{step}", "previous_item_id": follows, "item": item.as_json()}
            )

    async def create_item(self, event: JSON) -> None:
        after = event.get("previous_item_id")
        item = created_item(as_object(event["item"]), self.conversation)
        await self._announce(item, self.conversation.add(item, after if isinstance(after, str) else None))

    async def retrieve_item(self, event: JSON) -> None:
        item = self.conversation.find_for("retrieve", "retrieving", as_text(event["item_id"]))
        await self.line.emit({"type": "conversation.item.retrieved", "item": item.as_json(with_audio=True)})

    async def delete_item(self, event: JSON) -> None:
        self.conversation.remove(as_text(event["item_id"]))
        await self.line.emit({"type": "conversation.item.deleted", "item_id": event["item_id"]})

    async def truncate_item(self, event: JSON) -> None:
        item_id, end_ms = as_text(event["item_id"]), int(as_number(event["audio_end_ms"], 0))
        self.conversation.truncate(item_id, end_ms)
        await self.line.emit(
            {
                "type": "conversation.item.truncated",
                "item_id": item_id,
                "content_index": event["content_index"],
                "audio_end_ms": end_ms,
            }
        )

    async def create_response(self, event: JSON) -> None:
        options = as_object(event.get("response"))
        if self.reply and options.get("conversation") != "none":
            message = f"Conversation already has an active response in progress: {self.reply.id}. "
            message += "Wait until the response is finished before creating a new one."
            raise EventError(message, "conversation_already_has_active_response")
        self._start_reply(options)

    async def cancel_response(self, event: JSON) -> None:
        wanted: JSONValue = event.get("response_id")
        if self.reply is None or wanted not in (None, self.reply.id):
            raise EventError("Cancellation failed: no active response found", "response_cancel_not_active")
        await self.reply.stop("client_cancelled")

    def _start_reply(self, options: JSON) -> None:
        turns = self.conversation.context(options)
        reply = Reply(self.line, self.conversation, self.config, options, turns, self.settings, self._note_audio)
        if reply.in_conversation:
            self.reply = reply
        self.start(self._see_through(reply))

    async def _see_through(self, reply: Reply) -> None:
        try:
            await reply.run()
        finally:
            self.reply = None if self.reply is reply else self.reply
        if self.reply is None and self.reply_due:
            # A turn that ended while the caller still spoke is answered now.
            self.reply_due = False
            self._start_reply({})

    def _note_audio(self) -> None:
        self.has_spoken = True
