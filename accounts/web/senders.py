"""Identification of a request's sender from the credentials alone, before the body is read."""

from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest, parse_cookie

from accounts.integrations.service_tokens import find_usable_token
from accounts.models import User


@dataclass(frozen=True)
class Credentials:
    """Credentials of a request: a session key or a service token. Without credentials, both are empty."""

    session_key: str = ""
    token: str = ""


def read_credentials(cookies: str, authorization: str) -> Credentials:
    """Return the credentials in the headers `Cookie` and `Authorization`."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return Credentials(token=token.strip())
    return Credentials(session_key=parse_cookie(cookies).get(settings.SESSION_COOKIE_NAME, ""))


def find_sender(credentials: Credentials) -> User | None:
    """Return the active user whom the credentials belong to, or None."""
    if credentials.token:
        token = find_usable_token(credentials.token)
        return token.acts_as if token else None
    if not credentials.session_key:
        return None
    request = HttpRequest()
    request.session = SessionStore(credentials.session_key)
    user = get_user(request)
    return user if isinstance(user, User) and user.is_active else None
