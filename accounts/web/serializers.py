"""Serializer base of all request bodies."""

import difflib
import re
from collections.abc import Mapping
from itertools import islice
from typing import Any

from django.utils.translation import gettext
from rest_framework import serializers

_MAX_NAMED_FIELDS = 20
_MAX_NAME_LENGTH = 60  # characters
_UNPRINTABLE = re.compile("[\0-\x1f\x7f\ud800-\udfff]")


class StrictSerializer(serializers.Serializer[Any]):
    """A serializer that rejects unknown fields. Ignoring a misspelled field would lose a change."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            known = [name for name, field in self.fields.items() if not field.read_only]
            refuse_unknown_fields(data, known, self.fields)
        return super().to_internal_value(data)


def refuse_unknown_fields(data: Mapping[Any, Any], known: list[str], readable: Any = ()) -> None:
    """Raise ValidationError for each name that is not `known`, with the closest one. `readable` ones exist."""
    unknown = islice((printable_name(str(name)) for name in data if name not in known), _MAX_NAMED_FIELDS)
    if errors := {name: [_explain_unknown(name, known, readable)] for name in unknown}:
        raise serializers.ValidationError(errors)


def printable_name(name: str) -> str:
    """Return a name from a request, shortened and without characters that a response cannot contain."""
    name = _UNPRINTABLE.sub("\ufffd", name[: _MAX_NAME_LENGTH + 1])
    return name if len(name) <= _MAX_NAME_LENGTH else f"{name[:_MAX_NAME_LENGTH]}…"


def _explain_unknown(name: str, known: list[str], readable: Any) -> str:
    if name in readable:
        return gettext("This field can’t be set.")
    closest = difflib.get_close_matches(name, known, 1)
    if not closest:
        return gettext("There is no such field.")
    return gettext("There is no such field. Did you mean “%(name)s”?") % {"name": closest[0]}
