"""A session's configuration: its defaults, what may be changed, and how a change is merged."""

import time

from ..json_types import JSON, as_object
from ..state import new_id
from .errors import EventError
from .shapes import anything, either, flag, list_of, nullable, number, one_of, shape, text

VOICES = ("alloy", "ash", "ballad", "coral", "echo", "sage", "shimmer", "verse", "marin", "cedar")
PCM = shape({"type": one_of("audio/pcm"), "rate": one_of(24000)})
VOICE = either(shape({"id": text}, ("id",)), one_of(*VOICES))
MODALITIES = one_of(["audio"], ["text"])
TOKENS = either(one_of("inf"), number(1, 4096))
# How long each eagerness waits for more words, in milliseconds.
PATIENCE = {"low": 1500, "medium": 800, "auto": 800, "high": 400}

SERVER_VAD = shape(
    {
        "type": one_of("server_vad"),
        "threshold": number(0, 1),
        "prefix_padding_ms": number(0, 5000),
        "silence_duration_ms": number(0, 10_000),
        "create_response": flag,
        "interrupt_response": flag,
        # Prompting a silent user is not simulated.
        "idle_timeout_ms": one_of(None),
    },
    ("type",),
)
SEMANTIC_VAD = shape(
    {
        "type": one_of("semantic_vad"),
        "eagerness": one_of(*PATIENCE),
        "create_response": flag,
        "interrupt_response": flag,
    },
    ("type",),
)
TRANSCRIPTION = shape(
    {
        "model": text,
        "language": text,
        "languages": list_of(text),
        "prompt": text,
        "keywords": list_of(text),
        "delay": one_of("minimal", "low", "medium", "high", "xhigh"),
    }
)
INPUT = shape(
    {
        "format": PCM,
        "transcription": nullable(TRANSCRIPTION),
        "noise_reduction": nullable(shape({"type": one_of("near_field", "far_field"), "strength": number(0, 1)})),
        "turn_detection": anything,
    }
)
OUTPUT = shape({"format": PCM, "voice": VOICE, "speed": number(0.25, 1.5)})
SESSION = shape(
    {
        "type": one_of("realtime"),
        "model": text,
        "output_modalities": MODALITIES,
        "instructions": text,
        "audio": shape({"input": INPUT, "output": OUTPUT}),
        "tools": list_of(anything),
        "tool_choice": anything,
        "max_output_tokens": TOKENS,
        "truncation": anything,
        "tracing": anything,
        "include": nullable(list_of(one_of("item.input_audio_transcription.logprobs"))),
        "prompt": anything,
        "reasoning": anything,
        "parallel_tool_calls": flag,
    },
    ("type",),
)
RESPONSE = shape(
    {
        "audio": shape({"output": shape({"format": PCM, "voice": VOICE})}),
        "conversation": one_of("auto", "none"),
        "input": list_of(anything),
        "instructions": text,
        "max_output_tokens": TOKENS,
        "metadata": nullable(anything),
        "output_modalities": MODALITIES,
        "parallel_tool_calls": flag,
        "prompt": anything,
        "reasoning": anything,
        "tool_choice": anything,
        "tools": list_of(anything),
    }
)
DEFAULT_VAD: JSON = {
    "type": "server_vad",
    "threshold": 0.5,
    "prefix_padding_ms": 300,
    "silence_duration_ms": 500,
    "idle_timeout_ms": None,
    "create_response": True,
    "interrupt_response": True,
}
DEFAULT_SEMANTIC_VAD: JSON = {
    "type": "semantic_vad",
    "eagerness": "auto",
    "create_response": True,
    "interrupt_response": True,
}


def new_config(model: str, seconds: float) -> JSON:
    pcm: JSON = {"type": "audio/pcm", "rate": 24000}
    return {
        "type": "realtime",
        "object": "realtime.session",
        "id": new_id("sess_"),
        "model": model,
        "output_modalities": ["audio"],
        "instructions": "",
        "tools": [],
        "tool_choice": "auto",
        "max_output_tokens": "inf",
        "tracing": None,
        "truncation": "auto",
        "prompt": None,
        "expires_at": int(time.time() + seconds),
        "audio": {
            "input": {
                "format": pcm,
                "transcription": None,
                "noise_reduction": None,
                "turn_detection": DEFAULT_VAD,
            },
            "output": {"format": pcm, "voice": "marin", "speed": 1.0},
        },
        "include": None,
    }


def merged(config: JSON, change: JSON, has_spoken: bool) -> JSON:
    """The configuration after a session.update; what it does not name stays."""
    SESSION(change, "session")
    given = as_object(change.get("audio"))
    given_in, given_out = as_object(given.get("input")), as_object(given.get("output"))
    if "turn_detection" in given_in:
        given_in = given_in | {"turn_detection": _turn_detection(given_in["turn_detection"])}
    audio_in, audio_out = input_of(config), output_of(config)
    if change.get("model", config["model"]) != config["model"]:
        raise EventError("Cannot update a conversation's model.", "cannot_update_model", "session.model")
    if has_spoken and given_out.get("voice", audio_out["voice"]) != audio_out["voice"]:
        message = "Cannot update a conversation's voice if assistant audio is present."
        raise EventError(message, "cannot_update_voice", "session.audio.output.voice")
    return config | change | {"audio": {"input": audio_in | given_in, "output": audio_out | given_out}}


def _turn_detection(wanted: object) -> JSON | None:
    if wanted is None:
        return None
    path = "session.audio.input.turn_detection"
    given = as_object(wanted)  # type: ignore[arg-type]
    if given.get("type") == "semantic_vad":
        SEMANTIC_VAD(given, path)
        return DEFAULT_SEMANTIC_VAD | given
    SERVER_VAD(given, path)
    return DEFAULT_VAD | given


def input_of(config: JSON) -> JSON:
    return as_object(as_object(config["audio"])["input"])


def output_of(config: JSON) -> JSON:
    return as_object(as_object(config["audio"])["output"])


def turn_detection_of(config: JSON) -> JSON:
    """Empty when the client commits its turns itself."""
    return as_object(input_of(config)["turn_detection"])


def patience_ms(turn_detection: JSON) -> float:
    if turn_detection["type"] == "semantic_vad":
        return PATIENCE[str(turn_detection["eagerness"])]
    return float(str(turn_detection["silence_duration_ms"]))
