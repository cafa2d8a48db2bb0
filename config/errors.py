from typing import Any, ClassVar

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.core.exceptions import ValidationError as DjangoValidationError
from rest_framework.exceptions import APIException, ErrorDetail, ParseError, Throttled, ValidationError
from rest_framework.fields import get_error_detail
from rest_framework.parsers import JSONParser
from rest_framework.response import Response
from rest_framework.views import exception_handler

from accounts.limits import TooOften
from scenarios.models import ContextUnavailable


class TooLarge(APIException):
    status_code = 413
    default_code = "too_large"
    default_detail = "This body is too large."


class StorageUnavailable(APIException):
    """503: a file that belongs to a row cannot be read now."""

    status_code = 503
    default_code = "storage_unavailable"
    default_detail = "An evaluator context cannot be read just now. Nothing was changed: try again in a moment."
    extra: ClassVar = {"retryable": True}


def api_exception_handler(exc: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's answers in one shape: `detail` for people, `code` for pages, and whatever else the error knows."""
    exc = _in_drfs_words(exc)
    response = exception_handler(exc, context)
    if response is None:
        return None
    detail = response.data.get("detail") if isinstance(response.data, dict) else None
    if isinstance(detail, ErrorDetail):
        response.data["code"] = detail.code
    else:
        response.data = {"detail": _first_words(response.data), "code": "invalid", "fields": response.data}
    response.data |= getattr(exc, "extra", {})
    response.data = _sendable(response.data)
    return response


def _in_drfs_words(exc: Exception) -> Exception:
    """What models, services, the storage and Django's own request raise, as DRF would have said it."""
    if isinstance(exc, DjangoValidationError):
        return ValidationError(get_error_detail(exc))
    if isinstance(exc, RequestDataTooBig):
        return TooLarge()
    if isinstance(exc, ContextUnavailable):
        return StorageUnavailable()
    if isinstance(exc, TooOften):
        return Throttled(exc.seconds, str(exc))
    return ParseError("This request is malformed.") if isinstance(exc, SuspiciousOperation) else exc


def _first_words(errors: Any) -> str:
    """The first of a form's errors, with the name of its field."""
    if isinstance(errors, dict):
        field, errors = next(iter(errors.items()))
        return _first_words(errors) if field == "non_field_errors" else f"{field}: {_first_words(errors)}"
    return _first_words(errors[0]) if isinstance(errors, list) else str(errors)


def _sendable(data: Any) -> Any:
    """Half a character cannot be sent back to whoever sent it in a field that quotes it."""
    if isinstance(data, dict):
        return {_sendable(name): _sendable(value) for name, value in data.items()}
    if isinstance(data, list):
        return [_sendable(value) for value in data]
    return data.encode(errors="replace").decode() if isinstance(data, str) else data


class BoundedJSONParser(JSONParser):
    """JSON, refused in words where it is nested deeper than Python can follow."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        try:
            return super().parse(stream, media_type, parser_context)
        except RecursionError as error:
            raise ParseError("This JSON is nested too deeply.") from error
