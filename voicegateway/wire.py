"""What a browser and the gateway may say to each other, as bytes and as objects."""

import struct
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import ClassVar

import orjson

SUBPROTOCOL = "steadyline.v1"

RATE = 24_000
SHORTEST_FRAME, LONGEST_FRAME = RATE // 50, RATE // 10  # 20 to 100 ms, in samples
MAX_MESSAGE = 64 * 1024
MAX_SAY = 10_000
MAX_COUNT = 2**32 - 1

HEADER = struct.Struct("<BBHI")
AUDIO = 1

MALFORMED, TOO_BIG = 1008, 1009


class BadWire(Exception):
    """The browser broke the rules: close its socket with this code and reason."""

    def __init__(self, reason: str, close_code: int = MALFORMED) -> None:
        super().__init__(reason)
        self.reason = reason
        self.close_code = close_code


class BadFrame(BadWire):
    pass


class BadMessage(BadWire):
    pass


@dataclass(slots=True)
class Frame:
    """Some sound. Item 0 is the microphone; the caller's items count from 1."""

    item: int
    index: int
    pcm: bytes

    @property
    def samples(self) -> int:
        return len(self.pcm) // 2

    def encode(self) -> bytes:
        return HEADER.pack(AUDIO, 0, self.item, self.index) + self.pcm


def decode_frame(data: bytes) -> Frame:
    """Read a microphone frame, or say what is wrong with it."""
    if len(data) > MAX_MESSAGE:
        raise BadFrame("a message may have 64 KiB", TOO_BIG)
    if len(data) < HEADER.size:
        raise BadFrame("the frame is shorter than its header")
    kind, flags, item, index = HEADER.unpack_from(data)
    pcm = data[HEADER.size :]
    if kind != AUDIO or flags:
        raise BadFrame("unknown kind of frame")
    if item:
        raise BadFrame("the microphone is item 0")
    if len(pcm) % 2:
        raise BadFrame("half a sample: the frame's length is odd")
    if len(pcm) > 2 * LONGEST_FRAME:
        raise BadFrame("a frame may last 100 ms", TOO_BIG)
    if len(pcm) < 2 * SHORTEST_FRAME:
        raise BadFrame("a frame must last 20 ms")
    return Frame(item, index, pcm)


@dataclass(frozen=True, slots=True)
class Hello:
    last_revision: int


@dataclass(frozen=True, slots=True)
class Say:
    text: str


@dataclass(frozen=True, slots=True)
class Played:
    """At microphone sample `at_mic_sample`, exactly `samples` samples of `item` had been rendered."""

    item: int
    samples: int
    at_mic_sample: int
    final: bool


@dataclass(frozen=True, slots=True)
class Mute:
    on: bool


@dataclass(frozen=True, slots=True)
class HangUp:
    pass


FromBrowser = Hello | Say | Played | Mute | HangUp


def decode_message(text: str) -> FromBrowser:
    """Read a text message, or say what is wrong with it."""
    if len(text) > MAX_MESSAGE or len(text.encode("utf-8", "surrogatepass")) > MAX_MESSAGE:
        raise BadMessage("a message may have 64 KiB", TOO_BIG)
    try:
        fields = orjson.loads(text)
    except ValueError:  # also what UTF-8 cannot carry, such as half a surrogate pair
        raise BadMessage("not JSON") from None
    if not isinstance(fields, dict):
        raise BadMessage("a message is a JSON object")
    kind = fields.get("type")
    read = READERS.get(kind) if isinstance(kind, str) else None
    if read is None:
        raise BadMessage("unknown type of message")
    return read(fields)


def _count(fields: dict[str, object], name: str) -> int:
    value = fields.get(name)
    # bool is an int to Python, but not to a reader of this protocol.
    if type(value) is not int or not 0 <= value <= MAX_COUNT:
        raise BadMessage(f"{name} is not a count")
    return value


def _flag(fields: dict[str, object], name: str) -> bool:
    value = fields.get(name)
    if not isinstance(value, bool):
        raise BadMessage(f"{name} is not true or false")
    return value


def _text(fields: dict[str, object], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str):
        raise BadMessage(f"{name} is not a text")
    if len(value) > MAX_SAY:
        raise BadMessage(f"{name} is longer than {MAX_SAY} characters")
    if "\0" in value:
        raise BadMessage(f"{name} holds a character that no text may hold")
    return value


READERS: dict[str, Callable[[dict[str, object]], FromBrowser]] = {
    "hello": lambda fields: Hello(_count(fields, "last_revision")),
    "say": lambda fields: Say(_text(fields, "text")),
    "played": lambda fields: Played(
        _count(fields, "item"), _count(fields, "samples"), _count(fields, "at_mic_sample"), _flag(fields, "final")
    ),
    "mute": lambda fields: Mute(_flag(fields, "on")),
    "hang_up": lambda fields: HangUp(),
}


@dataclass(frozen=True, slots=True)
class Ready:
    type: ClassVar = "ready"
    resumed: bool
    recording: bool
    epoch: int


@dataclass(frozen=True, slots=True)
class TurnMessage:
    """A turn as it stands; it replaces any earlier one with the same item."""

    type: ClassVar = "turn"
    revision: int
    item: str
    after: str | None
    role: str
    text: str
    final: bool
    start_ms: int
    interrupted: bool


@dataclass(frozen=True, slots=True)
class ItemEnd:
    type: ClassVar = "item_end"
    item: int
    samples: int


@dataclass(frozen=True, slots=True)
class Pause:
    type: ClassVar = "pause"


@dataclass(frozen=True, slots=True)
class Resume:
    type: ClassVar = "resume"


@dataclass(frozen=True, slots=True)
class Flush:
    type: ClassVar = "flush"
    item: int


@dataclass(frozen=True, slots=True)
class Notice:
    type: ClassVar = "notice"
    code: str


@dataclass(frozen=True, slots=True)
class Ended:
    type: ClassVar = "ended"
    reason: str


ToBrowser = Ready | TurnMessage | ItemEnd | Pause | Resume | Flush | Notice | Ended


def encode_message(message: ToBrowser) -> str:
    return orjson.dumps({"type": message.type, **asdict(message)}).decode()
