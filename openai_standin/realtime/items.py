"""The conversation: its items in order, what each may become, and what the caller remembers of them."""

import base64
from dataclasses import dataclass, field

from ..conversation import Turn
from ..json_types import JSON, JSONValue, as_text, objects
from ..state import new_id
from .client_events import check_item, decode_audio
from .errors import EventError
from .vad import BYTES_PER_MS


@dataclass(eq=False)
class Item:
    id: str
    fields: JSON
    status: str = "completed"
    audio: bytes = b""
    said: str = ""
    """What the caller said in full; a truncation takes the transcript away, not the caller's memory."""

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

    def as_turn(self) -> Turn | None:
        role = self.fields.get("role")
        if role not in ("user", "assistant"):
            return None
        parts = objects(self.fields.get("content"))
        text = self.said or " ".join(as_text(part.get("text")) for part in parts)
        spoken = any(part.get("type") == "input_audio" for part in parts) and not text.strip()
        return Turn("caller" if role == "assistant" else "counselor", text, spoken)


@dataclass
class Conversation:
    id: str = field(default_factory=lambda: new_id("conv_"))
    items: list[Item] = field(default_factory=list)

    def add(self, item: Item, after: str | None = None) -> str | None:
        """Put an item after another, `root` for first, by default last. Return the id it follows."""
        place = len(self.items)
        if after == "root":
            place = 0
        elif after is not None:
            place = self.items.index(self.find(after, "Error adding item: the previous item", "create")) + 1
        self.items.insert(place, item)
        return self.items[place - 1].id if place else None

    def follows(self, item: Item) -> str | None:
        place = next((index for index, other in enumerate(self.items) if other is item), 0)
        return self.items[place - 1].id if place else None

    def find(self, item_id: str, problem: str, verb: str) -> Item:
        for item in self.items:
            if item.id == item_id:
                return item
        code = f"item_{verb}_invalid_{'previous_' if verb == 'create' else ''}item_id"
        raise EventError(f"{problem} with id '{item_id}' does not exist.", code)

    def find_for(self, verb: str, gerund: str, item_id: str) -> Item:
        return self.find(item_id, f"Error {gerund} item: the item", verb)

    def remove(self, item_id: str) -> None:
        self.items.remove(self.find_for("delete", "deleting", item_id))

    def truncate(self, item_id: str, end_ms: int) -> None:
        """Cut what was not heard off a caller's item; its transcript goes too."""
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

    def turns(self) -> list[Turn]:
        return [turn for item in self.items if (turn := item.as_turn())]

    def context(self, options: JSON) -> list[Turn]:
        """What a response is to answer: this conversation, or the input that its options bring along."""
        if "input" not in options:
            return self.turns()
        brought = Conversation()
        for given in objects(options["input"]):
            if given.get("type") == "item_reference":
                brought.add(self.find_for("retrieve", "retrieving", as_text(given.get("id"))))
            else:
                brought.add(created_item(given, brought))
        return brought.turns()


def created_item(given: JSON, conversation: Conversation) -> Item:
    """An item as a client wants to add it."""
    check_item(given)
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
    return Item(item_id, fields, audio=audio)


def spoken_item(item_id: str, audio: bytes) -> Item:
    content: list[JSONValue] = [{"type": "input_audio", "transcript": None}]
    return Item(item_id, {"type": "message", "role": "user", "content": content}, audio=audio)


def reply_item() -> Item:
    """A caller's item at its beginning: without content, as the server announces it."""
    return Item(new_id("item_"), {"type": "message", "role": "assistant", "content": []}, status="in_progress")
