"""Middleware that shows a page for a rate limit that no view has handled."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.deprecation import MiddlewareMixin

from accounts.services.rate_limits import RateLimitExceededError


class RateLimitPageMiddleware(MiddlewareMixin):
    """Middleware that answers 429 with the limit's own words and `Retry-After`.

    Views that have a form show the words beside it, and API views answer JSON. This page is for all others.
    """

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, RateLimitExceededError):
            return None
        response = render(request, "429.html", {"message": str(exception)}, status=429)
        response["Retry-After"] = str(exception.retry_after)
        return response
