from typing import Any

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails
from rest_framework.exceptions import NotAuthenticated
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.request import Request

from accounts.models import User


class SignedInRequest(HttpRequest):
    """A request that `login_required` let through."""

    user: User
    htmx: HtmxDetails


def person(request: Request) -> User:
    """Who asks. The API's permissions let nobody through who is not signed in."""
    if not isinstance(request.user, User):
        raise NotAuthenticated
    return request.user


class AnyAccept(DefaultContentNegotiation):
    """Answer in JSON whatever is accepted: an error is JSON even to who asked for a stream or a file."""

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        return renderers[0], renderers[0].media_type
