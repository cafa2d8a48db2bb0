"""Response to an exception that no view handled."""

import sys

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.views.defaults import server_error

from config.middleware.refusals import DATABASE_UNAVAILABLE


def answer_server_error(request: HttpRequest) -> HttpResponse:
    """Return 503 if the database is unreachable or all its connections are taken, otherwise 500.

    Django calls this while it handles the exception, in views and in middleware.
    """
    if not isinstance(sys.exc_info()[1], OperationalError | InterfaceError):
        return server_error(request)
    refusal = DATABASE_UNAVAILABLE
    is_page = "text/html" in request.headers.get("Accept", "") and not request.path.startswith("/api/")
    body, kind = (refusal.page, "text/html; charset=utf-8") if is_page else (refusal.json, "application/json")
    return HttpResponse(body, status=refusal.status, content_type=kind, headers=refusal.headers)
