"""Session configuration: defaults, validation, and merging of updates."""

import time

from ..http.json_types import JSON, JSONValue, as_object
from ..storage.state import new_id
from .audio_formats import normalize_format
from .beta_api import FORMAT_NAMES, modernize_session
from .errors import EventError
from .validators import any_of, any_value, boolean, list_of, nullable, number_between, object_with, one_of, string

# Fields in which null has a meaning. In any other field, a client that sends null has not set it.
NULLABLE_FIELDS = frozenset({"tracing", "prompt", "include", "metadata", "idle_timeout_ms"}) | {
    "transcription",
    "noise_reduction",
    "turn_detection",
}
OPAQUE_FIELDS = frozenset({"parameters", "metadata", "tools"})  # nulls inside these are kept
VOICES = ("alloy", "ash", "ballad", "coral", "echo", "sage", "shimmer", "verse", "marin", "cedar")
AUDIO_FORMAT = any_of(
    one_of(*FORMAT_NAMES),
    object_with({"type": one_of("audio/pcm", "audio/pcmu", "audio/pcma", *FORMAT_NAMES), "rate": one_of(24000, 8000)}),
)
VOICE = any_of(object_with({"id": string}, ("id",)), one_of(*VOICES))
MODALITIES = one_of(["audio"], ["text"])
MAX_TOKENS = any_of(one_of("inf"), number_between(1, 4096))
# Milliseconds of silence that end a turn, by eagerness.
EAGERNESS_SILENCE_MS = {"low": 1500, "medium": 800, "auto": 800, "high": 400}

SERVER_VAD = object_with(
    {
        "type": one_of("server_vad"),
        "threshold": number_between(0, 1),
        "prefix_padding_ms": number_between(0, 5000),
        "silence_duration_ms": number_between(0, 10_000),
        "create_response": boolean,
        "interrupt_response": boolean,
        # Accepted, but the stand-in never prompts a silent user.
        "idle_timeout_ms": nullable(number_between(0, 60_000)),
    },
    ("type",),
)
SEMANTIC_VAD = object_with(
    {
        "type": one_of("semantic_vad"),
        "eagerness": one_of(*EAGERNESS_SILENCE_MS),
        "create_response": boolean,
        "interrupt_response": boolean,
    },
    ("type",),
)
TRANSCRIPTION = object_with(
    {
        "model": string,
        "language": string,
        "languages": list_of(string),
        "prompt": nullable(string),
        "keywords": list_of(string),
        "delay": one_of("minimal", "low", "medium", "high", "xhigh"),
    }
)
AUDIO_INPUT = object_with(
    {
        "format": AUDIO_FORMAT,
        "transcription": nullable(TRANSCRIPTION),
        "noise_reduction": nullable(
            object_with({"type": one_of("near_field", "far_field"), "strength": number_between(0, 1)})
        ),
        "turn_detection": any_value,
    }
)
AUDIO_OUTPUT = object_with({"format": AUDIO_FORMAT, "voice": VOICE, "speed": number_between(0.25, 1.5)})
SESSION = object_with(
    {
        "type": one_of("realtime"),
        "model": string,
        "output_modalities": MODALITIES,
        "instructions": string,
        "audio": object_with({"input": AUDIO_INPUT, "output": AUDIO_OUTPUT}),
        "tools": list_of(any_value),
        "tool_choice": any_value,
        "max_output_tokens": MAX_TOKENS,
        "truncation": any_value,
        "tracing": any_value,
        "include": nullable(list_of(one_of("item.input_audio_transcription.logprobs"))),
        "prompt": any_value,
        "reasoning": any_value,
        "parallel_tool_calls": boolean,
    },
    ("type",),
)
RESPONSE = object_with(
    {
        "audio": object_with({"output": object_with({"format": AUDIO_FORMAT, "voice": VOICE})}),
        "conversation": one_of("auto", "none"),
        "input": list_of(any_value),
        "instructions": string,
        "max_output_tokens": MAX_TOKENS,
        "metadata": nullable(any_value),
        "output_modalities": MODALITIES,
        "parallel_tool_calls": boolean,
        "prompt": any_value,
        "reasoning": any_value,
        "tool_choice": any_value,
        "tools": list_of(any_value),
    }
)
DEFAULT_SERVER_VAD: JSON = {
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
                "turn_detection": DEFAULT_SERVER_VAD,
            },
            "output": {"format": pcm, "voice": "marin", "speed": 1.0},
        },
        "include": None,
    }


def merge_config(config: JSON, change: JSON, has_spoken: bool) -> JSON:
    """Return the configuration after a session.update, which keeps every field it does not name.

    Raise EventError if it is not allowed.
    """
    change = modernize_session(drop_unset(change))
    SESSION(change, "session")
    given = as_object(change.get("audio"))
    given_in, given_out = as_object(given.get("input")), as_object(given.get("output"))
    if "turn_detection" in given_in:
        given_in = given_in | {"turn_detection": _merge_turn_detection(given_in["turn_detection"])}
    given_in, given_out = _normalize_formats(given_in), _normalize_formats(given_out)
    audio_in, audio_out = get_audio_input(config), get_audio_output(config)
    if change.get("model", config["model"]) != config["model"]:
        raise EventError("Cannot update a conversation's model.", "cannot_update_model", "session.model")
    if has_spoken and given_out.get("voice", audio_out["voice"]) != audio_out["voice"]:
        message = "Cannot update a conversation's voice if assistant audio is present."
        raise EventError(message, "cannot_update_voice", "session.audio.output.voice")
    return config | change | {"audio": {"input": audio_in | given_in, "output": audio_out | given_out}}


def drop_unset(value: JSON) -> JSON:
    """Return the object without unset fields, at any depth. Fields in which null has a meaning keep it."""
    kept = {name: inner for name, inner in value.items() if inner is not None or name in NULLABLE_FIELDS}
    return {name: inner if name in OPAQUE_FIELDS else _drop_unset_inside(inner) for name, inner in kept.items()}


def _drop_unset_inside(value: JSONValue) -> JSONValue:
    if isinstance(value, list):
        return [_drop_unset_inside(inner) for inner in value]
    return drop_unset(value) if isinstance(value, dict) else value


def _normalize_formats(given: JSON) -> JSON:
    return given | {"format": normalize_format(given["format"])} if "format" in given else given


def _merge_turn_detection(wanted: object) -> JSON | None:
    if wanted is None:
        return None
    path = "session.audio.input.turn_detection"
    given = as_object(wanted)  # type: ignore[arg-type]
    if given.get("type") == "semantic_vad":
        SEMANTIC_VAD(given, path)
        return DEFAULT_SEMANTIC_VAD | given
    SERVER_VAD(given, path)
    return DEFAULT_SERVER_VAD | given


def get_audio_input(config: JSON) -> JSON:
    return as_object(as_object(config["audio"])["input"])


def get_audio_output(config: JSON) -> JSON:
    return as_object(as_object(config["audio"])["output"])


def get_turn_detection(config: JSON) -> JSON:
    """Return the turn detection settings, empty if the client commits its turns itself."""
    return as_object(get_audio_input(config)["turn_detection"])


def get_silence_ms(turn_detection: JSON) -> float:
    if turn_detection["type"] == "semantic_vad":
        return EAGERNESS_SILENCE_MS[str(turn_detection["eagerness"])]
    return float(str(turn_detection["silence_duration_ms"]))
