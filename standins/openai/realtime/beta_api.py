"""The beta version of the API: names of its fields, and events converted from and to the current version.

Older clients ask for it with the header `OpenAI-Beta: realtime=v1` or with a subprotocol.
"""

from collections.abc import Mapping, Sequence

from ..http.json_types import JSON, JSONValue, as_object, as_text, objects, texts

HEADER = "realtime=v1"  # value of the header OpenAI-Beta
SUBPROTOCOL = "openai-beta.realtime-v1"
FORMAT_NAMES = {"pcm16": "audio/pcm", "g711_ulaw": "audio/pcmu", "g711_alaw": "audio/pcma"}
# Fields of the beta API, and their places in the current one.
SESSION_FIELDS = {
    "modalities": ("output_modalities",),
    "input_audio_format": ("audio", "input", "format"),
    "output_audio_format": ("audio", "output", "format"),
    "input_audio_transcription": ("audio", "input", "transcription"),
    "input_audio_noise_reduction": ("audio", "input", "noise_reduction"),
    "turn_detection": ("audio", "input", "turn_detection"),
    "voice": ("audio", "output", "voice"),
    "speed": ("audio", "output", "speed"),
    "max_response_output_tokens": ("max_output_tokens",),
}
RESPONSE_FIELDS = {
    name: SESSION_FIELDS[name] for name in ("modalities", "output_audio_format", "voice", "max_response_output_tokens")
}
UNSUPPORTED_FIELDS = frozenset({"temperature", "client_secret"})  # of the beta API; the current one has dropped them
# Types of content parts and of events that carry the model's words, without the "output_" of the current version.
PART_TYPES = {"output_text": "text", "output_audio": "audio"}
TEMPERATURE = 0.8  # what the beta API shows as its default
USAGE_DETAILS = ("text_tokens", "audio_tokens", "cached_tokens")


# ---- From a client


def modernize_event(event: JSON) -> JSON:
    """Return an event of a beta client with the session and the content parts of the current version."""
    if isinstance(session := event.get("session"), dict):
        return event | {"session": _move_fields({"type": "realtime", **session}, SESSION_FIELDS)}
    if isinstance(item := event.get("item"), dict):
        return event | {"item": _modernize_item(item)}
    if isinstance(options := event.get("response"), dict):
        return event | {"response": _modernize_response(options)}
    return event


def modernize_session(given: JSON) -> JSON:
    """Convert the fields of a session to the current version. Fields of the current version stay as they are."""
    if given.get("type") == "realtime" or not given.keys() & {*SESSION_FIELDS, *UNSUPPORTED_FIELDS}:
        return normalize_modalities(given)
    return normalize_modalities(_move_fields({"type": "realtime", **given}, SESSION_FIELDS))


def _modernize_response(options: JSON) -> JSON:
    modern = _move_fields(options, RESPONSE_FIELDS)
    if "input" in modern:
        modern["input"] = [_modernize_item(item) for item in objects(modern["input"])]
    return modern


def _modernize_item(item: JSON) -> JSON:
    if item.get("role") != "assistant":
        return item
    names = {beta: current for current, beta in PART_TYPES.items()}
    return _rename_parts(item, names)


def _move_fields(given: JSON, places: Mapping[str, Sequence[str]]) -> JSON:
    moved: JSON = {}
    for name, value in given.items():
        if name in UNSUPPORTED_FIELDS:
            continue
        *parents, last = places.get(name, (name,))
        place = moved
        for parent in parents:
            place = as_object(place.setdefault(parent, {}))
        place[last] = value
    return moved


def normalize_modalities(given: JSON) -> JSON:
    """Turn a request for text and audio, which clients still send, into one for audio, which has a transcript."""
    modalities = given.get("output_modalities")
    if isinstance(modalities, list) and sorted(texts(modalities)) == ["audio", "text"]:
        return given | {"output_modalities": ["audio"]}
    return given


# ---- To a client


def as_beta_event(event: JSON) -> JSON | None:
    """Return a server event as the beta API sends it, or None for one that it does not have."""
    kind = as_text(event["type"])
    if kind == "conversation.item.done":
        return None
    event = event | {"type": _beta_type(kind)}
    for name, convert in (("session", as_beta_session), ("response", _as_beta_response), ("item", _as_beta_item)):
        if isinstance(value := event.get(name), dict):
            event[name] = convert(value)
    if kind == "response.function_call_arguments.done":
        del event["name"]
    return event


def as_beta_session(session: JSON) -> JSON:
    """Return a session's configuration with the fields of the beta API."""
    audio = as_object(session["audio"])
    heard, spoken = as_object(audio["input"]), as_object(audio["output"])
    detection = as_object(heard["turn_detection"])
    kept = ("id", "object", "model", "instructions", "tools", "tool_choice", "tracing", "expires_at")
    return {
        **{name: session[name] for name in kept},
        "modalities": _beta_modalities(session["output_modalities"]),
        "voice": spoken["voice"],
        "speed": spoken["speed"],
        "input_audio_format": _beta_format(heard["format"]),
        "output_audio_format": _beta_format(spoken["format"]),
        "input_audio_transcription": heard["transcription"],
        "input_audio_noise_reduction": heard["noise_reduction"],
        "turn_detection": {name: value for name, value in detection.items() if name != "idle_timeout_ms"} or None,
        "temperature": TEMPERATURE,
        "max_response_output_tokens": session["max_output_tokens"],
    }


def _as_beta_response(response: JSON) -> JSON:
    spoken = as_object(as_object(response["audio"])["output"])
    kept = ("object", "id", "status", "status_details", "conversation_id", "max_output_tokens", "metadata")
    return {
        **{name: response[name] for name in kept},
        "output": [_as_beta_item(item) for item in objects(response["output"])],
        "modalities": _beta_modalities(response["output_modalities"]),
        "voice": spoken["voice"],
        "output_audio_format": _beta_format(spoken["format"]),
        "temperature": TEMPERATURE,
        "usage": _as_beta_usage(response["usage"]),
    }


def _as_beta_usage(usage: JSONValue) -> JSON | None:
    if not isinstance(usage, dict):
        return None
    details = as_object(usage["input_token_details"])
    return usage | {"input_token_details": {name: details[name] for name in USAGE_DETAILS}}


def _as_beta_item(item: JSON) -> JSON:
    return _rename_parts(item, PART_TYPES)


def _rename_parts(item: JSON, names: Mapping[str, str]) -> JSON:
    if not isinstance(item.get("content"), list):
        return item
    parts: list[JSONValue] = [
        part | {"type": names.get(as_text(part.get("type")), part.get("type"))} for part in objects(item["content"])
    ]
    return item | {"content": parts}


def _beta_type(kind: str) -> str:
    if kind == "conversation.item.added":
        return "conversation.item.created"
    return kind.replace("response.output_text.", "response.text.").replace("response.output_audio", "response.audio")


def _beta_format(value: JSONValue) -> str:
    name = as_text(as_object(value)["type"])
    return {current: beta for beta, current in FORMAT_NAMES.items()}[name]


def _beta_modalities(modalities: JSONValue) -> list[JSONValue]:
    return ["text", "audio"] if modalities == ["audio"] else ["text"]
