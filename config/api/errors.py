"""Error responses of the REST API in one shape, and the JSON parser."""

from json import JSONDecodeError
from typing import Any, ClassVar

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.core.exceptions import ValidationError as DjangoValidationError
from django.http import Http404
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework.exceptions import APIException, ErrorDetail, NotFound, ParseError, ValidationError
from rest_framework.fields import get_error_detail
from rest_framework.parsers import JSONParser
from rest_framework.response import Response
from rest_framework.views import exception_handler

from accounts.services.rate_limits import RateLimitExceededError
from accounts.web.parsers import clear_unseen_values
from ai import SearchBudgetError
from config.middleware.unhandled_refusals import TEXT_TOO_COSTLY
from scenarios.models import ContextUnavailableError


class BodyTooLargeError(APIException):
    status_code = 413
    default_code = "too_large"
    default_detail = gettext_lazy("The request body is too large.")


class TooManyRequestsError(APIException):
    """Error 429 for a request above a rate limit. DRF sends `wait` as `Retry-After`."""

    status_code = 429
    default_code = "throttled"

    def __init__(self, error: RateLimitExceededError) -> None:
        super().__init__(str(error))
        self.wait = error.retry_after
        self.extra = {"retry_after": error.retry_after}


class StorageUnavailableError(APIException):
    """Error 503 for a row whose file cannot be read."""

    status_code = 503
    default_code = "storage_unavailable"
    default_detail = gettext_lazy(
        "The evaluator context can’t be read right now. Nothing was changed. Try again in a moment."
    )
    extra: ClassVar = {"retryable": True}


def api_exception_handler(exc: Exception, context: dict[str, Any]) -> Response | None:
    """Return DRF's error response in one shape: `detail` for people, `code` for programs, and any extra fields."""
    exc = _to_drf_exception(exc)
    response = exception_handler(exc, context)
    if response is None:
        return None
    detail = response.data.get("detail") if isinstance(response.data, dict) else None
    if isinstance(detail, ErrorDetail):
        response.data["code"] = detail.code
    else:
        response.data = {"detail": _first_message(response.data), "code": "invalid", "fields": response.data}
    response.data |= getattr(exc, "extra", {})
    response.data = _replace_surrogates(response.data)
    return response


def _to_drf_exception(exc: Exception) -> Exception:
    """Convert errors of models, services, storage, and Django's request parsing to DRF exceptions."""
    if isinstance(exc, Http404):
        return NotFound()  # the message of Django's shortcuts names the model, in English
    if isinstance(exc, DjangoValidationError):
        return ValidationError(get_error_detail(exc))
    if isinstance(exc, RequestDataTooBig):
        return BodyTooLargeError()
    if isinstance(exc, ContextUnavailableError):
        return StorageUnavailableError()
    if isinstance(exc, RateLimitExceededError):
        return TooManyRequestsError(exc)
    if isinstance(exc, SearchBudgetError):
        return ParseError(TEXT_TOO_COSTLY, "text_too_costly")
    return ParseError(_("The request is malformed.")) if isinstance(exc, SuspiciousOperation) else exc


def error_body(detail: str, code: str) -> dict[str, Any]:
    """Return the body of an error that arises outside the API's views, such as in ASGI middleware."""
    return {"detail": detail, "code": code}


def _first_message(errors: Any) -> str:
    """Return the first error of a form, prefixed with its field name."""
    if isinstance(errors, dict):
        field, errors = next(iter(errors.items()))
        return _first_message(errors) if field == "non_field_errors" else f"{field}: {_first_message(errors)}"
    return _first_message(errors[0]) if isinstance(errors, list) else str(errors)


def _replace_surrogates(data: Any) -> Any:
    """Replace lone surrogates, which cannot be encoded. A response may quote them from the request."""
    if isinstance(data, dict):
        return {_replace_surrogates(name): _replace_surrogates(value) for name, value in data.items()}
    if isinstance(data, list):
        return [_replace_surrogates(value) for value in data]
    return data.encode(errors="replace").decode() if isinstance(data, str) else data


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
