"""Types for JSON from other servers, and readers that return an empty value instead of one of the wrong type."""

import json
import re
from typing import NoReturn, TypeAlias

JSONValue: TypeAlias = "str | int | float | bool | None | list[JSONValue] | JSONObject"
JSONObject: TypeAlias = "dict[str, JSONValue]"

# PostgreSQL stores neither NULs nor lone surrogates, but JSON can escape both.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_MAX_COUNT = 2**31 - 1  # largest value of an integer column


def read_json(body: bytes | str) -> JSONValue:
    """Parse JSON, with or without a byte order mark. Raise ValueError for anything else, NaN and Infinity included."""
    text = body.removeprefix("\ufeff") if isinstance(body, str) else body
    try:
        value: JSONValue = json.loads(text, parse_constant=reject_constant)
    except RecursionError:
        raise ValueError("too deep") from None
    return value


def reject_constant(name: str) -> NoReturn:
    raise ValueError(name)


def as_object(value: JSONValue) -> JSONObject:
    return value if isinstance(value, dict) else {}


def as_objects(value: JSONValue) -> list[JSONObject]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def as_text(value: JSONValue) -> str:
    """Return a string without the characters that the database cannot store."""
    return remove_unstorable(value) if isinstance(value, str) else ""


def as_count(value: JSONValue) -> int | None:
    """Return a whole number that the database can store, or None."""
    return value if type(value) is int and 0 <= value <= _MAX_COUNT else None


def remove_unstorable(text: str) -> str:
    return _UNSTORABLE.sub("", text)
