"""Tokens of outside systems: what each may is named by its scopes, and nothing else is let through."""

import hashlib
import re
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.request import Request

from accounts.models import ServiceToken, User

PREFIX = "slt_"  # so that a leaked one is recognised for what it is
SCOPES = {
    "scenarios:read": "read scenarios, prompts included",
    "scenarios:write": "create, change and import scenarios",
    "assignments:read": "read who is to practise what",
    "assignments:write": "assign, change and take back; people are made on first use",
    "sessions:read": "read conversations and their words",
    "evaluations:read": "read feedback",
    "evaluations:write": "ask for feedback",
    "recordings:read": "listen to recordings",
    "people:read": "find counselors and cohorts",
    "people:write": "make cohorts and say who is in them",
    "webhooks:read": "see where events are sent",
    "webhooks:write": "say where events are sent",
}
# Which part of the API a path belongs to; whatever is not named here is closed to tokens.
_PARTS = [
    (re.compile(r"/api/sessions/[^/]+/evaluation/$"), "evaluations"),
    (re.compile(r"/api/(scenarios|assignments|sessions|evaluations|recordings|webhooks|people)/"), ""),
    (re.compile(r"/api/cohorts/"), "people"),
]
_SAFE = {"GET", "HEAD", "OPTIONS"}
_USED_EVERY = timedelta(minutes=1)  # how exactly it is noted when a token was used


@transaction.atomic
def issue_service_token(
    by: User, name: str, scopes: Sequence[str], expires_at: datetime | None = None
) -> tuple[ServiceToken, str]:
    """A token and its secret, which is shown this once. Raises ValidationError for a scope that is none."""
    if unknown := [scope for scope in scopes if scope not in SCOPES]:
        raise ValidationError({"scopes": f"There is no scope “{unknown[0]}”. There are {', '.join(SCOPES)}."})
    if not scopes:
        raise ValidationError({"scopes": "Name at least one scope."})
    secret = PREFIX + secrets.token_urlsafe(32)
    acts_as = User.objects.create_user(
        f"{uuid4()}@service.invalid", organization=by.organization, role=User.Role.SERVICE, last_name=name[:150]
    )
    token = ServiceToken.objects.create(
        organization=by.organization,
        name=name,
        scopes=sorted(set(scopes)),
        digest=_digest(secret),
        hint=secret[:9],
        acts_as=acts_as,
        created_by=by,
        expires_at=expires_at,
    )
    return token, secret


def revoke_service_token(token: ServiceToken) -> bool:
    """Nothing is let in with it any more. False if it was revoked already."""
    now = timezone.now()
    return bool(ServiceToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=now))


def _digest(secret: str) -> str:
    """Plain SHA-256: the secret has 256 random bits, so there is nothing to guess."""
    return hashlib.sha256(secret.encode()).hexdigest()


class ServiceTokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer slt_…`, for what its scopes name."""

    def authenticate(self, request: Request) -> tuple[User, ServiceToken] | None:
        words = get_authorization_header(request).split()
        if not words or words[0].lower() != b"bearer":
            return None
        secret = words[1].decode(errors="replace") if len(words) == 2 else ""
        token = ServiceToken.objects.usable().select_related("acts_as__organization").filter(digest=_digest(secret))
        found = token.first()
        if found is None:
            raise AuthenticationFailed("This token is unknown, revoked or expired.")
        _check_scope(request, found)
        _note_use(found)
        return found.acts_as, found

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


def needed_scope(method: str | None, path: str) -> str:
    """The scope that a request needs; empty where no token is let in."""
    for pattern, part in _PARTS:
        if found := pattern.match(path):
            return f"{part or found[1]}:{'read' if method in _SAFE else 'write'}"
    return ""


def _check_scope(request: Request, token: ServiceToken) -> None:
    needed = needed_scope(request.method, request.path)
    if needed not in SCOPES:
        raise PermissionDenied("This is not open to tokens of outside systems.")
    if needed not in token.scopes:
        raise PermissionDenied(f"This token lacks the scope {needed}.")


def _note_use(token: ServiceToken) -> None:
    now = timezone.now()
    if token.last_used_at is None or token.last_used_at < now - _USED_EVERY:
        ServiceToken.objects.filter(pk=token.pk).update(last_used_at=now)


def scope_choices() -> list[tuple[str, Any]]:
    return [(scope, f"{scope}: {words}") for scope, words in SCOPES.items()]
