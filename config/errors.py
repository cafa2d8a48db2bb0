from typing import Any

from rest_framework.exceptions import ErrorDetail
from rest_framework.response import Response
from rest_framework.views import exception_handler


def api_exception_handler(exc: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's answers, with the error's code beside its text, so that pages need not read prose."""
    response = exception_handler(exc, context)
    detail = getattr(exc, "detail", None)
    if response is not None and isinstance(response.data, dict) and isinstance(detail, ErrorDetail):
        response.data.setdefault("code", detail.code)
        response.data.update(getattr(exc, "extra", {}))
    return response
