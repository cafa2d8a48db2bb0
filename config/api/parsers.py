"""JSON parser of the REST API."""

import codecs
import json
from json import JSONDecodeError
from typing import Any

from django.utils.translation import gettext as _
from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser
from rest_framework.utils.json import strict_constant

from accounts.web.parsers import clear_unseen_values
from accounts.web.serializers import printable_name


def _describe_json_error(error: BaseException | None) -> str:
    if not isinstance(error, JSONDecodeError):
        return _("The request body is not valid JSON.")
    position = {"line": error.lineno, "column": error.colno}
    return _("The request body is not valid JSON: line %(line)s, column %(column)s.") % position


class RepeatedNameError(Exception):
    """JSON object that repeats a name."""


def _refuse_repeated_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the object. Raise RepeatedNameError for a repeated name, whose first value would be lost."""
    read: dict[str, Any] = {}
    for name, value in pairs:
        if name in read:
            raise RepeatedNameError(name)
        read[name] = value
    return read


class BoundedJSONParser(JSONParser):
    """A JSON parser that translates its errors.

    Repeated names in an object, and nesting beyond Python's recursion limit, are errors, too.
    """

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        encoding = (parser_context or {}).get("encoding") or "utf-8"
        try:
            text = codecs.getreader(encoding)(stream)
            read = json.load(text, parse_constant=strict_constant, object_pairs_hook=_refuse_repeated_names)
            return clear_unseen_values(read)
        except RepeatedNameError as error:
            problem = _("The request body has the field “%(name)s” more than once.")
            raise ParseError(problem % {"name": printable_name(str(error))}) from error
        except ValueError as error:
            raise ParseError(_describe_json_error(error)) from error
        except RecursionError as error:
            raise ParseError(_("The JSON is nested too deeply.")) from error
