from typing import Any

from rest_framework.exceptions import ErrorDetail, ParseError
from rest_framework.parsers import JSONParser
from rest_framework.response import Response
from rest_framework.views import exception_handler


def api_exception_handler(exc: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's answers in one shape: `detail` for people, `code` for pages, and whatever else the error knows."""
    response = exception_handler(exc, context)
    if response is None:
        return None
    detail = response.data.get("detail") if isinstance(response.data, dict) else None
    if isinstance(detail, ErrorDetail):
        response.data["code"] = detail.code
    else:
        response.data = {"detail": _first_words(response.data), "code": "invalid", "fields": response.data}
    response.data |= getattr(exc, "extra", {})
    return response


def _first_words(errors: Any) -> str:
    """The first of a form's errors, with the name of its field."""
    if isinstance(errors, dict):
        field, errors = next(iter(errors.items()))
        return _first_words(errors) if field == "non_field_errors" else f"{field}: {_first_words(errors)}"
    return _first_words(errors[0]) if isinstance(errors, list) else str(errors)


class BoundedJSONParser(JSONParser):
    """JSON, refused in words where it is nested deeper than Python can follow."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        try:
            return super().parse(stream, media_type, parser_context)
        except RecursionError as error:
            raise ParseError("This JSON is nested too deeply.") from error
