"""Middleware that shows a page for a refusal of a service that no view has handled."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.deprecation import MiddlewareMixin
from django.utils.translation import gettext_lazy as _

from accounts.services.features import FeatureOffError
from accounts.services.rate_limits import RateLimitExceededError
from ai import SearchBudgetError

TEXT_TOO_COSTLY = _(
    "The text could not be searched in reasonable time. Nothing was changed, and everything you saved is kept. "
    "Remove long repetitions from the text, then try again."
)


class UnhandledRefusalMiddleware(MiddlewareMixin):
    """Middleware that answers 429 for rate limits, 403 for features that are off, and 400 for texts beyond the budget.

    Views that have a form show the words beside it, and API views answer JSON. This page is for all others.
    """

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if isinstance(exception, RateLimitExceededError):
            response = render(request, "429.html", {"message": str(exception)}, status=429)
            response["Retry-After"] = str(exception.retry_after)
            return response
        if isinstance(exception, FeatureOffError):
            return render(request, "feature_off.html", {"message": str(exception)}, status=403)
        if isinstance(exception, SearchBudgetError):
            return render(request, "text_too_costly.html", {"message": TEXT_TOO_COSTLY}, status=400)
        return None
