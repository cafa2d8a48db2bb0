"""Reading upstream events, which may lack anything."""

from binascii import Error, a2b_base64

LONGEST_ID = 64  # OpenAI's have 32; ours are stored with as many as 100

# What an item follows that is the first of its conversation.
ROOT = ""


class MalformedEvent(Exception):
    """An upstream event without a field it must have. It can be passed over; the call goes on."""


class Event:
    """A JSON object from upstream, read with suspicion."""

    __slots__ = ("fields",)

    def __init__(self, fields: object) -> None:
        if type(fields) is not dict:
            raise MalformedEvent("not an object")
        self.fields = fields

    @property
    def type(self) -> str:
        return self.text("type")

    def text(self, name: str) -> str:
        value = self.maybe_text(name)
        if value is None:
            raise MalformedEvent(name)
        return value

    def maybe_text(self, name: str) -> str | None:
        """A text, if there is one, without the NUL that no database stores."""
        value = self.fields.get(name)
        return value.replace("\0", "") if isinstance(value, str) else None

    def id(self, name: str) -> str:
        value = self.text(name)
        if not 0 < len(value) <= LONGEST_ID:
            raise MalformedEvent(name)
        return value

    def previous_item(self) -> str | None:
        """The item this one follows, ROOT for the first of all, None where the event does not say."""
        if "previous_item_id" not in self.fields:
            return None
        return ROOT if self.fields["previous_item_id"] is None else self.id("previous_item_id")

    def count(self, name: str) -> int:
        value = self.fields.get(name)
        if type(value) is not int or value < 0:
            raise MalformedEvent(name)
        return value

    def part(self, name: str) -> "Event":
        return Event(self.fields.get(name))

    def maybe_part(self, name: str) -> "Event":
        value = self.fields.get(name)
        return Event(value if isinstance(value, dict) else {})

    def sound(self, name: str) -> bytes:
        """PCM16 from base64; a half sample at the end is dropped."""
        try:
            pcm = a2b_base64(self.text(name))
        except (Error, ValueError):
            raise MalformedEvent(name) from None
        return pcm[: len(pcm) & ~1]
