"""Small checks of what a client may send; each refuses with the path of what it refuses."""

from collections.abc import Callable, Mapping
from typing import TypeAlias

from ..json_types import JSONValue
from .errors import EventError, invalid, missing, unknown

Check: TypeAlias = Callable[[JSONValue, str], None]


def anything(value: JSONValue, path: str) -> None:
    """Taken as it is; the stand-in makes no use of it."""


def text(value: JSONValue, path: str) -> None:
    if not isinstance(value, str):
        raise invalid(path, "expected a string")


def flag(value: JSONValue, path: str) -> None:
    if not isinstance(value, bool):
        raise invalid(path, "expected a boolean")


def number(low: float, high: float) -> Check:
    def check(value: JSONValue, path: str) -> None:
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise invalid(path, f"expected a number from {low:g} to {high:g}")

    return check


def one_of(*choices: JSONValue) -> Check:
    def check(value: JSONValue, path: str) -> None:
        if value not in choices:
            raise invalid(path, f"supported values are {', '.join(repr(choice) for choice in choices)}")

    return check


def either(*checks: Check) -> Check:
    """Whatever the first fitting check takes; what none takes is refused in the last one's words."""

    def check(value: JSONValue, path: str) -> None:
        for candidate in checks[:-1]:
            try:
                return candidate(value, path)
            except EventError as error:
                # A deeper complaint means that this was the alternative meant.
                if error.param != path:
                    raise
        return checks[-1](value, path)

    return check


def nullable(inner: Check) -> Check:
    def check(value: JSONValue, path: str) -> None:
        if value is not None:
            inner(value, path)

    return check


def list_of(inner: Check) -> Check:
    def check(value: JSONValue, path: str) -> None:
        if not isinstance(value, list):
            raise invalid(path, "expected an array")
        for index, item in enumerate(value):
            inner(item, f"{path}[{index}]")

    return check


def shape(keys: Mapping[str, Check], required: tuple[str, ...] = ()) -> Check:
    def check(value: JSONValue, path: str) -> None:
        if not isinstance(value, dict):
            raise invalid(path, "expected an object")
        for key in required:
            if key not in value:
                raise missing(_join(path, key))
        for key, inner in value.items():
            if key not in keys:
                raise unknown(_join(path, key))
            keys[key](inner, _join(path, key))

    return check


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key
