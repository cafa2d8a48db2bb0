"""Checked access to upstream events, in which any field may be missing."""

from binascii import Error

from pybase64 import b64decode

MAX_ID_LENGTH = 64  # OpenAI's ids have 32 characters; the database stores up to 100

ROOT_ITEM = ""  # predecessor of a conversation's first item


class MalformedEventError(Exception):
    """Upstream event without a required field. The call can skip it and continue."""


class ServerEvent:
    """JSON object from upstream. Its methods raise MalformedEventError for a missing or invalid field."""

    __slots__ = ("fields",)

    def __init__(self, fields: object) -> None:
        if type(fields) is not dict:
            raise MalformedEventError("not an object")
        self.fields = fields

    @property
    def type(self) -> str:
        return self.text("type")

    def text(self, name: str) -> str:
        value = self.optional_text(name)
        if value is None:
            raise MalformedEventError(name)
        return value

    def optional_text(self, name: str) -> str | None:
        """Return a string, or None if it is missing. NULs are removed, because PostgreSQL cannot store them."""
        value = self.fields.get(name)
        return value.replace("\0", "") if isinstance(value, str) else None

    def id(self, name: str) -> str:
        value = self.text(name)
        if not 0 < len(value) <= MAX_ID_LENGTH:
            raise MalformedEventError(name)
        return value

    def previous_item(self) -> str | None:
        """Return the predecessor's id: ROOT_ITEM for the first item, None if the event does not name one."""
        if "previous_item_id" not in self.fields:
            return None
        return ROOT_ITEM if self.fields["previous_item_id"] is None else self.id("previous_item_id")

    def count(self, name: str) -> int:
        value = self.fields.get(name)
        if type(value) is not int or value < 0:
            raise MalformedEventError(name)
        return value

    def section(self, name: str) -> "ServerEvent":
        return ServerEvent(self.fields.get(name))

    def optional_section(self, name: str) -> "ServerEvent":
        value = self.fields.get(name)
        return ServerEvent(value if isinstance(value, dict) else {})

    def audio(self, name: str) -> bytes:
        """Return PCM16 decoded from base64, without a half sample at the end."""
        value = self.fields.get(name)
        if not isinstance(value, str):
            raise MalformedEventError(name)
        try:
            pcm = b64decode(value)
        except (Error, ValueError):
            raise MalformedEventError(name) from None
        return pcm[: len(pcm) & ~1]
