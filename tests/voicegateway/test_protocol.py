import orjson
import pytest

from voicegateway.browser.protocol import (
    FRAME_HEADER,
    AudioFrame,
    Ended,
    Flush,
    HangUp,
    Hello,
    InvalidFrameError,
    InvalidMessageError,
    ItemEnd,
    Mute,
    Notice,
    Pause,
    Played,
    Ready,
    Resume,
    Say,
    TurnMessage,
    decode_frame,
    decode_message,
    encode_message,
)


def frame(pcm: bytes = bytes(960), kind: int = 1, flags: int = 0, item: int = 0, index: int = 480) -> bytes:
    return FRAME_HEADER.pack(kind, flags, item, index) + pcm


def test_frame_from_the_microphone_is_read():
    decoded = decode_frame(frame())

    assert decoded == AudioFrame(0, 480, bytes(960))
    assert decoded.samples == 480


def test_frame_to_the_player_has_a_little_endian_header():
    encoded = AudioFrame(258, 65536, b"\x01\x02").encode()

    assert encoded == b"\x01\x00\x02\x01\x00\x00\x01\x00\x01\x02"


@pytest.mark.parametrize(
    ("data", "reason", "close_code"),
    [
        (b"", "frame is shorter than its header", 1008),
        (frame()[:7], "frame is shorter than its header", 1008),
        (frame(kind=2), "unknown frame kind", 1008),
        (frame(flags=1), "unknown frame kind", 1008),
        (frame(item=1), "item of a microphone frame must be 0", 1008),
        (frame(bytes(961)), "audio length must be an even number of bytes", 1008),
        (frame(b""), "frame is shorter than 20 ms", 1008),
        (frame(bytes(958)), "frame is shorter than 20 ms", 1008),
        (frame(bytes(4802)), "frame is longer than 100 ms", 1009),
        (frame(bytes(65536)), "message is larger than 64 KiB", 1009),
    ],
)
def test_invalid_frame_is_refused_with_a_reason(data, reason, close_code):
    with pytest.raises(InvalidFrameError) as caught:
        decode_frame(data)

    assert (caught.value.reason, caught.value.close_code) == (reason, close_code)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"type":"hello","last_revision":7}', Hello(7)),
        ('{"type":"say","text":"Ich höre zu."}', Say("Ich höre zu.")),
        ('{"type":"played","item":1,"samples":2,"at_mic_sample":3,"final":true}', Played(1, 2, 3, True)),
        ('{"type":"mute","on":false}', Mute(False)),
        ('{"type":"hang_up","why":"no reason"}', HangUp()),
    ],
)
def test_message_from_the_browser_is_read(text, message):
    assert decode_message(text) == message


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "invalid JSON"),
        ("{", "invalid JSON"),
        ("[" * 2000, "invalid JSON"),
        ('{"type":"say","text":"\ud800"}', "invalid JSON"),
        ('{"type":"say","text":"\\ud800"}', "invalid JSON"),
        ('{"type":"hello","last_revision":NaN}', "invalid JSON"),
        ("[1]", "message must be a JSON object"),
        ("{}", "unknown message type"),
        ('{"type":["hello"]}', "unknown message type"),
        ('{"type":"shout"}', "unknown message type"),
        ('{"type":"hello"}', "last_revision must be an unsigned 32-bit integer"),
        ('{"type":"hello","last_revision":-1}', "last_revision must be an unsigned 32-bit integer"),
        ('{"type":"hello","last_revision":true}', "last_revision must be an unsigned 32-bit integer"),
        ('{"type":"hello","last_revision":1.5}', "last_revision must be an unsigned 32-bit integer"),
        ('{"type":"hello","last_revision":4294967296}', "last_revision must be an unsigned 32-bit integer"),
        (
            '{"type":"hello","last_revision":99999999999999999999999}',
            "last_revision must be an unsigned 32-bit integer",
        ),
        ('{"type":"mute","on":1}', "on must be true or false"),
        ('{"type":"say","text":5}', "text must be a string"),
        ('{"type":"say","text":"a\\u0000b"}', "text must not contain NUL characters"),
        ('{"type":"say","text":"' + "a" * 3_001 + '"}', "text is longer than 3000 characters"),
        ('{"type":"played","item":1,"samples":2,"at_mic_sample":3}', "final must be true or false"),
    ],
)
def test_invalid_message_is_refused_with_a_reason(text, reason):
    with pytest.raises(InvalidMessageError) as caught:
        decode_message(text)

    assert (caught.value.reason, caught.value.close_code) == (reason, 1008)


@pytest.mark.parametrize("letter", ["a", "ü"])
def test_message_over_64_kib_is_refused(letter):
    with pytest.raises(InvalidMessageError) as caught:
        decode_message(letter * (65_537 // len(letter.encode()) + 1))

    assert caught.value.close_code == 1009


@pytest.mark.parametrize(
    ("message", "fields"),
    [
        (Ready(True, False, 2), {"type": "ready", "resumed": True, "recording": False, "epoch": 2}),
        (ItemEnd(1, 2400), {"type": "item_end", "item": 1, "samples": 2400}),
        (Pause(), {"type": "pause"}),
        (Resume(), {"type": "resume"}),
        (Flush(3), {"type": "flush", "item": 3}),
        (Notice("draining"), {"type": "notice", "code": "draining"}),
        (Ended("hung_up"), {"type": "ended", "reason": "hung_up"}),
        (
            TurnMessage(4, "item_b", "item_a", "caller", "Hi", True, 20, False),
            {
                "type": "turn",
                "revision": 4,
                "item": "item_b",
                "after": "item_a",
                "role": "caller",
                "text": "Hi",
                "final": True,
                "start_ms": 20,
                "interrupted": False,
            },
        ),
    ],
)
def test_message_to_the_browser_is_json(message, fields):
    assert orjson.loads(encode_message(message)) == fields
