"""Validators for client events. Each raises EventError with the path of the invalid value."""

from collections.abc import Callable, Mapping
from typing import TypeAlias

from ..http.json_types import JSONValue
from .errors import EventError, invalid_value, missing_parameter, unknown_parameter

Validator: TypeAlias = Callable[[JSONValue, str], None]


def any_value(value: JSONValue, path: str) -> None:
    """Accept any value; the stand-in does not use it."""


def string(value: JSONValue, path: str) -> None:
    if not isinstance(value, str):
        raise invalid_value(path, "expected a string")


def boolean(value: JSONValue, path: str) -> None:
    if not isinstance(value, bool):
        raise invalid_value(path, "expected a boolean")


def number_between(low: float, high: float) -> Validator:
    def check(value: JSONValue, path: str) -> None:
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise invalid_value(path, f"expected a number from {low:g} to {high:g}")

    return check


def one_of(*choices: JSONValue) -> Validator:
    def check(value: JSONValue, path: str) -> None:
        if value not in choices:
            raise invalid_value(path, f"supported values are {', '.join(repr(choice) for choice in choices)}")

    return check


def any_of(*checks: Validator) -> Validator:
    """Build a validator that accepts a value if any of `checks` does. If none does, the last one's error is raised."""

    def check(value: JSONValue, path: str) -> None:
        for candidate in checks[:-1]:
            try:
                return candidate(value, path)
            except EventError as error:
                # An error at a deeper path means that the value was meant for this alternative.
                if error.param != path:
                    raise
        return checks[-1](value, path)

    return check


def nullable(inner: Validator) -> Validator:
    def check(value: JSONValue, path: str) -> None:
        if value is not None:
            inner(value, path)

    return check


def list_of(inner: Validator) -> Validator:
    def check(value: JSONValue, path: str) -> None:
        if not isinstance(value, list):
            raise invalid_value(path, "expected an array")
        for index, item in enumerate(value):
            inner(item, f"{path}[{index}]")

    return check


def object_with(keys: Mapping[str, Validator], required: tuple[str, ...] = ()) -> Validator:
    def check(value: JSONValue, path: str) -> None:
        if not isinstance(value, dict):
            raise invalid_value(path, "expected an object")
        for key in required:
            if key not in value:
                raise missing_parameter(_join(path, key))
        for key, inner in value.items():
            if key not in keys:
                raise unknown_parameter(_join(path, key))
            keys[key](inner, _join(path, key))

    return check


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key
