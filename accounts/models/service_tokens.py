"""Service tokens, and stored responses to requests with an `Idempotency-Key`."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models.organizations import Organization
from accounts.models.people import User


class ServiceTokenQuerySet(models.QuerySet["ServiceToken"]):
    def for_user(self, user: User) -> ServiceTokenQuerySet:
        """Limit to the organization's tokens. Users who may not view tokens see none."""
        is_allowed = user.has_perm("accounts.view_servicetoken")
        return self.filter(organization_id=user.organization_id) if is_allowed else self.none()

    def issued_by(self, person: User) -> ServiceTokenQuerySet:
        return self.filter(created_by=person, revoked_at=None)

    def usable(self) -> ServiceTokenQuerySet:
        """Limit to tokens that are neither revoked nor expired, and whose user and issuer are both active.

        The issuer must be active because they may have kept a copy of the secret.
        """
        is_current = Q(expires_at=None) | Q(expires_at__gt=timezone.now())
        return self.filter(is_current, revoked_at=None, acts_as__is_active=True, created_by__is_active=True)


class ServiceToken(models.Model):
    """Access for an external system, limited to its scopes. The secret itself is shown once and not stored."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="service_tokens", verbose_name=_("organization")
    )
    name = models.CharField(_("name"), max_length=100, help_text=_("The system that uses this token."))
    scopes = models.JSONField(
        _("scopes"), default=list, help_text=_("What the token gives access to, such as sessions:read.")
    )
    digest = models.CharField(max_length=64, unique=True, editable=False, help_text=_("SHA-256 of the secret."))
    hint = models.CharField(
        _("starts with"),
        max_length=12,
        editable=False,
        help_text=_("The first characters of the secret, to tell tokens apart."),
    )
    acts_as = models.ForeignKey(User, on_delete=models.PROTECT, editable=False, related_name="+")
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, editable=False, related_name="+")
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    expires_at = models.DateTimeField(
        _("expires at"), null=True, blank=True, help_text=_("Leave blank for a token that never expires.")
    )
    last_used_at = models.DateTimeField(_("last used at"), null=True, editable=False)
    revoked_at = models.DateTimeField(_("revoked at"), null=True, editable=False)

    objects = ServiceTokenQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "pk"]
        verbose_name = _("service token")
        verbose_name_plural = _("service tokens")

    def __str__(self) -> str:
        return self.name


class IdempotentCall(models.Model):
    """The stored response to a POST with an `Idempotency-Key`, sent again for each retry."""

    caller = models.CharField(max_length=64, help_text=_("SHA-256 of the request’s credentials."))
    key = models.CharField(max_length=200)
    digest = models.CharField(max_length=64, help_text=_("SHA-256 of the method, URL, and body."))
    status = models.PositiveSmallIntegerField(null=True, help_text=_("Empty while the first request is in progress."))
    content_type = models.CharField(max_length=100, blank=True)
    location = models.CharField(max_length=300, blank=True)
    body = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["caller", "key"], name="idempotency_key_once")]
        indexes = [models.Index(fields=["created_at"], name="idempotent_call_age")]

    def __str__(self) -> str:
        return self.key
