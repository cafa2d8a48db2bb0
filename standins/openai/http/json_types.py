"""Readers for untrusted JSON: each returns a value of the wanted type or an empty one."""

from typing import TypeAlias

JSONValue: TypeAlias = "str | int | float | bool | None | list[JSONValue] | dict[str, JSONValue]"
JSON: TypeAlias = dict[str, JSONValue]


def as_object(value: JSONValue) -> JSON:
    return value if isinstance(value, dict) else {}


def as_list(value: JSONValue) -> list[JSONValue]:
    return value if isinstance(value, list) else []


def as_text(value: JSONValue) -> str:
    return value if isinstance(value, str) else ""


def as_number(value: JSONValue, default: float) -> float:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else default


def objects(value: JSONValue) -> list[JSON]:
    return [item for item in as_list(value) if isinstance(item, dict)]


def texts(value: JSONValue) -> list[str]:
    return [item for item in as_list(value) if isinstance(item, str)]
