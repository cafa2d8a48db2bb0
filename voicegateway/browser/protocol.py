"""Protocol of a call's socket: audio frames and text messages, encoded and as objects."""

import struct
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import ClassVar

import orjson

from recordings.audio.microphone_clock import SAMPLE_RATE

SUBPROTOCOL = "steadyline.v1"

MIN_FRAME_SAMPLES, MAX_FRAME_SAMPLES = SAMPLE_RATE // 50, SAMPLE_RATE // 10  # 20 to 100 ms, in samples
MAX_MESSAGE_BYTES = 64 * 1024
MAX_TEXT_LENGTH = 3_000  # characters of a typed turn, as the page's field allows
MAX_COUNT = 2**32 - 1

FRAME_HEADER = struct.Struct("<BBHI")  # kind, flags, item number, sample index
AUDIO_KIND = 1

MALFORMED, TOO_BIG = 1008, 1009  # WebSocket close codes


class BrowserProtocolError(Exception):
    """Violation of the protocol by the browser. Its socket must be closed with this code and reason."""

    def __init__(self, reason: str, close_code: int = MALFORMED) -> None:
        super().__init__(reason)
        self.reason = reason
        self.close_code = close_code


class InvalidFrameError(BrowserProtocolError):
    pass


class InvalidMessageError(BrowserProtocolError):
    pass


@dataclass(slots=True)
class AudioFrame:
    """One frame of audio. Item 0 is the microphone; the caller's items count from 1."""

    item: int
    index: int  # first sample's index within the microphone's stream or the caller's item
    pcm: bytes  # PCM16, mono

    @property
    def samples(self) -> int:
        return len(self.pcm) // 2

    def encode(self) -> bytes:
        return FRAME_HEADER.pack(AUDIO_KIND, 0, self.item, self.index) + self.pcm


def decode_frame(data: bytes) -> AudioFrame:
    """Decode a microphone frame. Raise InvalidFrameError if it breaks the protocol."""
    if len(data) > MAX_MESSAGE_BYTES:
        raise InvalidFrameError("message is larger than 64 KiB", TOO_BIG)
    if len(data) < FRAME_HEADER.size:
        raise InvalidFrameError("frame is shorter than its header")
    kind, flags, item, index = FRAME_HEADER.unpack_from(data)
    pcm = data[FRAME_HEADER.size :]
    if kind != AUDIO_KIND or flags:
        raise InvalidFrameError("unknown frame kind")
    if item:
        raise InvalidFrameError("item of a microphone frame must be 0")
    if len(pcm) % 2:
        raise InvalidFrameError("audio length must be an even number of bytes")
    if len(pcm) > 2 * MAX_FRAME_SAMPLES:
        raise InvalidFrameError("frame is longer than 100 ms", TOO_BIG)
    if len(pcm) < 2 * MIN_FRAME_SAMPLES:
        raise InvalidFrameError("frame is shorter than 20 ms")
    return AudioFrame(item, index, pcm)


@dataclass(frozen=True, slots=True)
class Hello:
    last_revision: int


@dataclass(frozen=True, slots=True)
class Say:
    text: str


@dataclass(frozen=True, slots=True)
class Played:
    """Playback report: at microphone sample `at_mic_sample`, exactly `samples` samples of `item` had been rendered."""

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
    """Decode a text message. Raise InvalidMessageError if it breaks the protocol."""
    if len(text) > MAX_MESSAGE_BYTES or len(text.encode("utf-8", "surrogatepass")) > MAX_MESSAGE_BYTES:
        raise InvalidMessageError("message is larger than 64 KiB", TOO_BIG)
    try:
        fields = orjson.loads(text)
    except ValueError:  # includes text that UTF-8 cannot encode, such as half a surrogate pair
        raise InvalidMessageError("invalid JSON") from None
    if not isinstance(fields, dict):
        raise InvalidMessageError("message must be a JSON object")
    kind = fields.get("type")
    decode = MESSAGE_DECODERS.get(kind) if isinstance(kind, str) else None
    if decode is None:
        raise InvalidMessageError("unknown message type")
    return decode(fields)


def _count(fields: dict[str, object], name: str) -> int:
    value = fields.get(name)
    # isinstance() would accept a bool, which the protocol does not.
    if type(value) is not int or not 0 <= value <= MAX_COUNT:
        raise InvalidMessageError(f"{name} must be an unsigned 32-bit integer")
    return value


def _flag(fields: dict[str, object], name: str) -> bool:
    value = fields.get(name)
    if not isinstance(value, bool):
        raise InvalidMessageError(f"{name} must be true or false")
    return value


def _text(fields: dict[str, object], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str):
        raise InvalidMessageError(f"{name} must be a string")
    if len(value) > MAX_TEXT_LENGTH:
        raise InvalidMessageError(f"{name} is longer than {MAX_TEXT_LENGTH} characters")
    if "\0" in value:
        raise InvalidMessageError(f"{name} must not contain NUL characters")
    return value


MESSAGE_DECODERS: dict[str, Callable[[dict[str, object]], FromBrowser]] = {
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
    """Current state of a turn. It replaces any earlier message with the same item."""

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
