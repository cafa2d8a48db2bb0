"""The conversation of a realtime session: its items in order, and their changes."""

import base64
from dataclasses import dataclass, field

from ..demo.caller_replies import DialogueTurn
from ..http.json_types import JSON, JSONValue, as_text, objects
from ..storage.state import new_id
from .client_events import decode_audio, validate_item
from .errors import EventError
from .server_vad import BYTES_PER_MS
from .session_config import drop_unset


@dataclass(eq=False)
class ConversationItem:
    id: str
    fields: JSON
    status: str = "completed"
    audio: bytes = b""
    spoken_text: str = ""
    """Full text of the caller's speech, from which the script continues. A truncation removes only the transcript."""

    is_truncated: bool = False

    @property
    def audio_ms(self) -> int:
        return len(self.audio) // BYTES_PER_MS

    @property
    def is_caller_audio(self) -> bool:
        return any(part.get("type") == "output_audio" for part in objects(self.fields.get("content")))

    def as_json(self, with_audio: bool = False) -> JSON:
        shown: JSON = {"id": self.id, "object": "realtime.item", "status": self.status, **self.fields}
        if with_audio and self.audio:
            encoded = base64.b64encode(self.audio).decode()
            content = [part | {"audio": encoded} for part in objects(self.fields.get("content"))]
            shown["content"] = list[JSONValue](content)
        return shown

    def as_turn(self) -> DialogueTurn | None:
        role = self.fields.get("role")
        if role not in ("user", "assistant"):
            return None
        parts = objects(self.fields.get("content"))
        text = self.spoken_text or " ".join(as_text(part.get("text")) for part in parts)
        spoken = any(part.get("type") == "input_audio" for part in parts) and not text.strip()
        return DialogueTurn("caller" if role == "assistant" else "counselor", text, spoken)


@dataclass
class RealtimeConversation:
    id: str = field(default_factory=lambda: new_id("conv_"))
    items: list[ConversationItem] = field(default_factory=list)

    def add(self, item: ConversationItem, after: str | None = None) -> str | None:
        """Insert an item after another one (`root`: first; None: last).

        Return the id of the item before it, or None.
        """
        place = len(self.items)
        if after == "root":
            place = 0
        elif after is not None:
            place = self.items.index(self.find(after, "Error adding item: the previous item", "create")) + 1
        self.items.insert(place, item)
        return self.items[place - 1].id if place else None

    def previous_item_id(self, item: ConversationItem) -> str | None:
        place = next((index for index, other in enumerate(self.items) if other is item), 0)
        return self.items[place - 1].id if place else None

    def find(self, item_id: str, problem: str, verb: str) -> ConversationItem:
        for item in self.items:
            if item.id == item_id:
                return item
        code = f"item_{verb}_invalid_{'previous_' if verb == 'create' else ''}item_id"
        raise EventError(f"{problem} with id '{item_id}' does not exist.", code)

    def find_for(self, verb: str, gerund: str, item_id: str) -> ConversationItem:
        return self.find(item_id, f"Error {gerund} item: the item", verb)

    def remove(self, item_id: str) -> None:
        self.items.remove(self.find_for("delete", "deleting", item_id))

    def truncate(self, item_id: str, end_ms: int) -> None:
        """Cut the unheard audio and the whole transcript off a caller's item.

        Raise EventError if that is impossible.
        """
        item = self.find_for("truncate", "truncating", item_id)
        if not item.is_caller_audio or not item.audio:
            raise EventError("Only model output audio messages can be truncated", "unsupported_content_type")
        if end_ms > item.audio_ms:
            raise EventError(
                f"Audio content of {item.audio_ms}ms is already shorter than {end_ms}ms",
                "invalid_value",
                "audio_end_ms",
            )
        item.is_truncated = True
        item.audio = item.audio[: end_ms * BYTES_PER_MS]
        item.fields["content"] = [{"type": "output_audio", "transcript": None}]

    def turns(self) -> list[DialogueTurn]:
        return [turn for item in self.items if (turn := item.as_turn())]

    def pending_output(self) -> str | None:
        """Return the function output that the conversation ends with, or None."""
        last = self.items[-1].fields if self.items else {}
        return as_text(last.get("output")) if last.get("type") == "function_call_output" else None

    def last_counselor_text(self) -> str:
        """Return the counselor's words if the conversation ends with them, or else an empty string."""
        turn = self.items[-1].as_turn() if self.items else None
        return turn.text if turn and turn.speaker == "counselor" else ""

    def response_context(self, options: JSON) -> list[DialogueTurn]:
        """Return the turns that a response answers: this conversation, or the `input` of its options."""
        if "input" not in options:
            return self.turns()
        input_conversation = RealtimeConversation()
        for given in objects(options["input"]):
            if given.get("type") == "item_reference":
                input_conversation.add(self.find_for("retrieve", "retrieving", as_text(given.get("id"))))
            else:
                input_conversation.add(item_from_client(given, input_conversation))
        return input_conversation.turns()


def item_from_client(given: JSON, conversation: RealtimeConversation) -> ConversationItem:
    """Build an item from a client's event. Raise EventError if it is invalid or its id is taken."""
    given = drop_unset(given)
    validate_item(given)
    item_id = as_text(given.get("id")) or new_id("item_")
    if any(item.id == item_id for item in conversation.items):
        message = "Error adding item: an item with the same ID already exists in the conversation."
        raise EventError(message, "item_create_duplicate_item_id", "item.id")
    fields = {key: value for key, value in given.items() if key not in ("id", "object", "status")}
    audio = b""
    if given["type"] == "message":
        parts = objects(given["content"])
        audio = b"".join(decode_audio(as_text(part["audio"]), "item.content") for part in parts if "audio" in part)
        shown = [{key: value for key, value in part.items() if key != "audio"} for part in parts]
        fields["content"] = list[JSONValue](shown)
    return ConversationItem(item_id, fields, audio=audio)


def user_audio_item(item_id: str, audio: bytes) -> ConversationItem:
    content: list[JSONValue] = [{"type": "input_audio", "transcript": None}]
    return ConversationItem(item_id, {"type": "message", "role": "user", "content": content}, audio=audio)


def function_call_item(name: str) -> ConversationItem:
    """Return a function call without arguments, as the server first announces it."""
    fields: JSON = {"type": "function_call", "name": name, "call_id": new_id("call_"), "arguments": ""}
    return ConversationItem(new_id("item_"), fields, status="in_progress")


def assistant_item() -> ConversationItem:
    """Return a caller's item without content, as the server first announces it."""
    return ConversationItem(
        new_id("item_"), {"type": "message", "role": "assistant", "content": []}, status="in_progress"
    )
