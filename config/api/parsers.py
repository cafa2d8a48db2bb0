"""JSON parser of the REST API."""

from json import JSONDecodeError
from typing import Any

from django.utils.translation import gettext as _
from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser

from accounts.web.parsers import clear_unseen_values


def _describe_json_error(error: BaseException | None) -> str:
    if not isinstance(error, JSONDecodeError):
        return _("The request body is not valid JSON.")
    position = {"line": error.lineno, "column": error.colno}
    return _("The request body is not valid JSON: line %(line)s, column %(column)s.") % position


class BoundedJSONParser(JSONParser):
    """A JSON parser that translates its errors, and reports nesting beyond Python's recursion limit as one of them."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        try:
            return clear_unseen_values(super().parse(stream, media_type, parser_context))
        except ParseError as error:
            raise ParseError(_describe_json_error(error.__context__)) from error
        except RecursionError as error:
            raise ParseError(_("The JSON is nested too deeply.")) from error
