"""Service tokens of external systems. A token's scopes limit its permissions."""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import uuid4

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.request import Request

from accounts.integrations.scopes import Scope, required_scope
from accounts.models import ServiceToken, User

TOKEN_PREFIX = "slt_"  # makes a leaked token recognizable
_LAST_USED_PRECISION = timedelta(minutes=1)  # update `last_used_at` at most this often, not on every request


@transaction.atomic
def issue_service_token(
    by: User, name: str, scopes: Sequence[str], expires_at: datetime | None = None
) -> tuple[ServiceToken, str]:
    """Issue a token. Return it with its secret, which is not stored and cannot be shown again.

    Raise ValidationError if a scope is unknown or none is given.
    """
    if unknown := [scope for scope in scopes if scope not in Scope.values]:
        message = _("“%(scope)s” is not a scope. Choose from %(scopes)s.")
        raise ValidationError({"scopes": message % {"scope": unknown[0], "scopes": ", ".join(Scope.values)}})
    if not scopes:
        raise ValidationError({"scopes": _("Choose at least one scope.")})
    secret = TOKEN_PREFIX + secrets.token_urlsafe(32)
    acts_as = User.objects.create_user(
        f"{uuid4()}@{User.SERVICE_DOMAIN}", organization=by.organization, role=User.Role.SERVICE, last_name=name[:150]
    )
    token = ServiceToken.objects.create(
        organization=by.organization,
        name=name,
        scopes=sorted(set(scopes)),
        digest=_hash_secret(secret),
        hint=secret[:9],
        acts_as=acts_as,
        created_by=by,
        expires_at=expires_at,
    )
    return token, secret


def revoke_service_token(token: ServiceToken) -> bool:
    """Revoke a token, so that it is no longer accepted. Return False if it was already revoked."""
    now = timezone.now()
    return bool(ServiceToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=now))


def find_usable_token(secret: str) -> ServiceToken | None:
    """Return the usable token with this secret, with its user and organization loaded, or None."""
    usable = ServiceToken.objects.usable().select_related("acts_as__organization")
    return usable.filter(digest=_hash_secret(secret)).first()


def _hash_secret(secret: str) -> str:
    """Return the plain SHA-256: the secret has 256 random bits, so it cannot be guessed."""
    return hashlib.sha256(secret.encode()).hexdigest()


class ServiceTokenAuthentication(BaseAuthentication):
    """Authentication by `Authorization: Bearer slt_…`, limited to the token's scopes."""

    def authenticate(self, request: Request) -> tuple[User, ServiceToken] | None:
        words = get_authorization_header(request).split()
        if not words or words[0].lower() != b"bearer":
            return None
        secret = words[1].decode(errors="replace") if len(words) == 2 else ""
        token = find_usable_token(secret)
        if token is None:
            raise AuthenticationFailed(_("This token is unknown, revoked, or expired."))
        _check_scope(request, token)
        _record_use(token)
        timezone.activate(token.acts_as.organization.zone)
        return token.acts_as, token

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


def _check_scope(request: Request, token: ServiceToken) -> None:
    required = required_scope(request.parser_context["view"], request.method)
    if required is None:
        raise PermissionDenied(_("Service tokens can’t be used here."))
    if required not in token.scopes:
        raise PermissionDenied(_("This token needs the scope %(scope)s.") % {"scope": required})


def _record_use(token: ServiceToken) -> None:
    now = timezone.now()
    if token.last_used_at is None or token.last_used_at < now - _LAST_USED_PRECISION:
        ServiceToken.objects.filter(pk=token.pk).update(last_used_at=now)
