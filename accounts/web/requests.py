"""Typed requests and content negotiation."""

from typing import Any

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails
from rest_framework.exceptions import NotAuthenticated
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.request import Request

from accounts.models import User


class AuthenticatedRequest(HttpRequest):
    """A request that passed `login_required`."""

    user: User
    htmx: HtmxDetails


def authenticated_user(request: Request) -> User:
    """Return the signed-in user. Raise NotAuthenticated if there is none, which the API's permissions prevent."""
    if not isinstance(request.user, User):
        raise NotAuthenticated
    return request.user


class JSONOnlyNegotiation(DefaultContentNegotiation):
    """Content negotiation that always chooses JSON, so that errors are JSON even if a stream or a file is requested."""

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        return renderers[0], renderers[0].media_type
