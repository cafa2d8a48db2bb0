"""Validation against the SDK's own types that, unlike the SDK, fails on undeclared keys."""

import types
from collections.abc import Iterator
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

from openai.types.beta.realtime import RealtimeServerEvent as BetaRealtimeServerEvent
from openai.types.realtime import RealtimeClientEvent, RealtimeServerEvent
from openai.types.responses import ResponseStreamEvent
from pydantic import BaseModel

# Keys that are sent although the SDK's types do not declare them, with the reason for each.
UNDECLARED_KEYS = {
    "RealtimeSessionCreateRequest.id": "the server sends the session's id; the SDK types only what clients may request",
    "RealtimeSessionCreateRequest.object": "the same; RealtimeSessionCreateResponse declares it",
    "RealtimeSessionCreateRequest.expires_at": "the same; RealtimeSessionCreateResponse declares it",
    "Session.object": "the same, in the beta API",
    "Session.expires_at": "the same, in the beta API",
}


def event_models(union: Any) -> dict[str, type[BaseModel]]:
    """Return the models of a union of events by the value of their `type`."""
    found = {}
    for model in get_args(_bare(union)):
        for kind in get_args(model.model_fields["type"].annotation):
            found[kind] = model
    return found


def _bare(annotation: Any) -> Any:
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    return annotation


SERVER_EVENTS = event_models(RealtimeServerEvent)
BETA_SERVER_EVENTS = event_models(BetaRealtimeServerEvent)
CLIENT_EVENTS = event_models(RealtimeClientEvent)
STREAM_EVENTS = event_models(ResponseStreamEvent)


def server_event_problems(event: dict[str, Any]) -> list[str]:
    return _event_problems(SERVER_EVENTS, event)


def beta_server_event_problems(event: dict[str, Any]) -> list[str]:
    return _event_problems(BETA_SERVER_EVENTS, event)


def client_event_problems(event: dict[str, Any]) -> list[str]:
    return _event_problems(CLIENT_EVENTS, event)


def stream_event_problems(event: dict[str, Any]) -> list[str]:
    return _event_problems(STREAM_EVENTS, event)


def _event_problems(known: dict[str, type[BaseModel]], event: dict[str, Any]) -> list[str]:
    kind = event.get("type", "")
    return type_problems(known[kind], event) if kind in known else [f"unknown event type {kind!r}"]


def type_problems(annotation: Any, value: Any, path: str = "") -> list[str]:
    """Return all differences between the value and the type, including undeclared keys."""
    return list(_problems(_bare(annotation), value, path))


def _problems(annotation: Any, value: Any, path: str) -> Iterator[str]:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if annotation in (Any, object) or isinstance(annotation, TypeVar):
        return
    if origin in (Union, types.UnionType):
        yield from _union_problems(arguments, value, path)
    elif origin is Literal:
        if value not in arguments:
            yield f"{path}: {value!r} is not one of {arguments}"
    elif origin in (list, dict):
        yield from _container_problems(origin, arguments, value, path)
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield from _model_problems(annotation, value, path)
    elif not _is_plain(annotation, value):
        yield f"{path}: {value!r} is not of type {annotation}"


def _is_plain(annotation: Any, value: Any) -> bool:
    if annotation is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if annotation is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, annotation)


def _container_problems(origin: type, arguments: tuple[Any, ...], value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, origin):
        yield f"{path}: {value!r} is not of type {origin.__name__}"
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from type_problems(arguments[0], item, f"{path}[{index}]")
    else:
        for key, item in value.items():
            yield from type_problems(arguments[1], item, f"{path}.{key}")


def _union_problems(choices: tuple[Any, ...], value: Any, path: str) -> Iterator[str]:
    """Yield nothing if any choice fits, or else the problems of the closest one with the same `type` and `role`."""
    fitting = [choice for choice in choices if _is_candidate(_bare(choice), value)] or list(choices)
    yield from min((type_problems(choice, value, path) for choice in fitting), key=len)


def _is_candidate(choice: Any, value: Any) -> bool:
    if not (isinstance(choice, type) and issubclass(choice, BaseModel) and isinstance(value, dict)):
        return False
    named = [name for name in ("type", "role") if name in choice.model_fields and name in value]
    return bool(named) and not any(type_problems(choice.model_fields[name].annotation, value[name]) for name in named)


def _model_problems(model: type[BaseModel], value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{path}: {value!r} is not an object of {model.__name__}"
        return
    fields = {field.alias or name: field for name, field in model.model_fields.items()}
    for key in value.keys() - fields.keys():
        if f"{model.__name__}.{key}" not in UNDECLARED_KEYS:
            yield f"{path}.{key} is not declared by {model.__name__}"
    for key, field in fields.items():
        if key in value:
            yield from type_problems(field.annotation, value[key], f"{path}.{key}")
        elif field.is_required():
            yield f"{path}.{key} is missing"
