"""Middleware that activates the time zone of the user's organization."""

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone
from django.utils.deprecation import MiddlewareMixin

from accounts.models import User


class TimeZoneMiddleware(MiddlewareMixin):
    """Activate the time zone for each request of a logged-in person. Service tokens activate theirs when checked."""

    def process_request(self, request: HttpRequest) -> None:
        timezone.deactivate()
        # Without a cookie there is no session, and looking for one would add a `Vary` header to every response.
        if settings.SESSION_COOKIE_NAME in request.COOKIES and isinstance(user := request.user, User):
            timezone.activate(user.organization.zone)

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        timezone.deactivate()
        return response
