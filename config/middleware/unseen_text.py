"""Middleware that clears form fields of only invisible characters."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.utils.deprecation import MiddlewareMixin

from accounts.web.visible_text import clear_unseen


class UnseenTextMiddleware(MiddlewareMixin):
    """Clear fields of only zero-width and similar characters, so that every form requires visible text.

    The API does the same in its parsers (`accounts.web.parsers`), because reading its bodies here would consume them.
    """

    def process_view(self, request: HttpRequest, view: Callable[..., object], args: Any, kwargs: Any) -> None:
        if request.method != "POST" or request.path.startswith("/api/"):
            return
        if any(clear_unseen(str(value)) != value for _name, values in request.POST.lists() for value in values):
            cleaned = request.POST.copy()
            for name, values in request.POST.lists():
                cleaned.setlist(name, [clear_unseen(str(value)) for value in values])
            request.POST = cleaned  # type: ignore[assignment]
