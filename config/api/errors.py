"""Error responses of the REST API in one shape."""

from typing import Any, ClassVar

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.core.exceptions import ValidationError as DjangoValidationError
from django.http import Http404
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework.exceptions import APIException, ErrorDetail, NotFound, ParseError, ValidationError
from rest_framework.fields import get_error_detail
from rest_framework.response import Response
from rest_framework.views import exception_handler

from accounts.services.features import FeatureOffError
from accounts.services.rate_limits import RateLimitExceededError
from accounts.web.error_bodies import WHOLE_BODY, error_body, flatten_errors
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


class FeatureOffAPIError(APIException):
    """Error 403 for a feature that the center has turned off."""

    status_code = 403
    default_code = "feature_off"

    def __init__(self, error: FeatureOffError) -> None:
        super().__init__(str(error))
        self.extra = {"feature": error.feature.key}


class StorageUnavailableError(APIException):
    """Error 503 for a row whose file cannot be read."""

    status_code = 503
    default_code = "storage_unavailable"
    default_detail = gettext_lazy(
        "The evaluator context can’t be read right now. Nothing was changed. Try again in a moment."
    )
    extra: ClassVar = {"retryable": True}


def api_exception_handler(exc: Exception, context: dict[str, Any]) -> Response | None:
    """Return DRF's error response with the body that all errors have, and any extra fields."""
    exc = _to_drf_exception(exc)
    response = exception_handler(exc, context)
    if response is None:
        return None
    detail = response.data.get("detail") if isinstance(response.data, dict) else None
    if isinstance(detail, ErrorDetail):
        body = error_body(detail, detail.code or "error")
    else:
        fields = flatten_errors(response.data)
        body = error_body(_first_message(fields), "invalid", fields)
    response.data = _replace_surrogates(body | getattr(exc, "extra", {}))
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
    if isinstance(exc, FeatureOffError):
        return FeatureOffAPIError(exc)
    if isinstance(exc, SearchBudgetError):
        return ParseError(TEXT_TOO_COSTLY, "text_too_costly")
    return ParseError(_("The request is malformed.")) if isinstance(exc, SuspiciousOperation) else exc


def _first_message(fields: dict[str, list[str]]) -> str:
    """Return the first error of a form, prefixed with its field name."""
    field, messages = next(iter(fields.items()), (WHOLE_BODY, [""]))
    return messages[0] if field == WHOLE_BODY else f"{field}: {messages[0]}"


def _replace_surrogates(data: Any) -> Any:
    """Replace lone surrogates, which cannot be encoded. A response may quote them from the request."""
    if isinstance(data, dict):
        return {_replace_surrogates(name): _replace_surrogates(value) for name, value in data.items()}
    if isinstance(data, list):
        return [_replace_surrogates(value) for value in data]
    return data.encode(errors="replace").decode() if isinstance(data, str) else data
