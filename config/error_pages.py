"""Responses to errors that no view has handled: pages for browsers, and the API's error bodies for the rest."""

import sys

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.views import defaults

from config.middleware.refusals import (
    BAD_REQUEST,
    DATABASE_UNAVAILABLE,
    FORBIDDEN,
    NOT_FOUND,
    SERVER_ERROR,
    Refusal,
)


def answer_bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _answer_in_json(BAD_REQUEST) if _is_api(request) else defaults.bad_request(request, exception)


def answer_permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _answer_in_json(FORBIDDEN) if _is_api(request) else defaults.permission_denied(request, exception)


def answer_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Return 404, also for an address of the API that no route matches, such as one with a malformed id."""
    return _answer_in_json(NOT_FOUND) if _is_api(request) else defaults.page_not_found(request, exception)


def answer_server_error(request: HttpRequest) -> HttpResponse:
    """Return 503 if the database is unreachable or all its connections are taken, otherwise 500.

    Django calls this while it handles the exception, in views and in middleware.
    """
    is_lost = isinstance(sys.exc_info()[1], OperationalError | InterfaceError)
    if _is_api(request) or (is_lost and "text/html" not in request.headers.get("Accept", "")):
        return _answer_in_json(DATABASE_UNAVAILABLE if is_lost else SERVER_ERROR)
    if not is_lost:
        return defaults.server_error(request)
    refusal = DATABASE_UNAVAILABLE
    return HttpResponse(refusal.page, status=refusal.status, headers=refusal.headers)


def _is_api(request: HttpRequest) -> bool:
    return request.path.startswith("/api/")


def _answer_in_json(refusal: Refusal) -> HttpResponse:
    return HttpResponse(refusal.json, status=refusal.status, content_type="application/json", headers=refusal.headers)
