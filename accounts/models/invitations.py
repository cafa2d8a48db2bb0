"""Invitations of people to an organization, each with a link for one person."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models.organizations import Organization
from accounts.models.people import User


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def for_user(self, user: User) -> InvitationQuerySet:
        """Limit to the organization's invitations. Users who may not view invitations see none."""
        is_allowed = user.has_perm("accounts.view_invitation")
        return self.filter(organization_id=user.organization_id) if is_allowed else self.none()

    def open(self) -> InvitationQuerySet:
        """Limit to invitations that are neither accepted nor revoked. Their links may have expired."""
        return self.filter(accepted_at=None, revoked_at=None)

    def usable(self) -> InvitationQuerySet:
        """Limit to open invitations whose links still work."""
        return self.open().filter(expires_at__gt=timezone.now())

    def unsent(self) -> InvitationQuerySet:
        """Limit to usable invitations that no email has been sent for."""
        return self.usable().filter(sent_at=None)


class Invitation(models.Model):
    """An invitation by email. Its link works once, for 72 hours; the link's secret itself is not stored."""

    ROLES = [choice for choice in User.Role.choices if choice[0] != User.Role.SERVICE]

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="invitations", verbose_name=_("organization")
    )
    email = models.EmailField(_("email address"))
    name = models.CharField(_("name"), max_length=150, blank=True)
    role = models.CharField(_("role"), max_length=20, choices=ROLES, default=User.Role.COUNSELOR)
    invited_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", verbose_name=_("invited by"))
    # SHA-256 of the secret in the link. Empty until an email is sent; a new email gets a new secret.
    digest = models.CharField(max_length=64, unique=True, null=True, blank=True, editable=False)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    sent_at = models.DateTimeField(_("sent at"), null=True, editable=False)
    expires_at = models.DateTimeField(_("expires at"))
    accepted_at = models.DateTimeField(_("accepted at"), null=True, editable=False)
    accepted_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, editable=False, related_name="+")
    revoked_at = models.DateTimeField(_("revoked at"), null=True, editable=False)

    objects = InvitationQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "email"]
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "email"],
                condition=Q(accepted_at=None, revoked_at=None),
                name="one_open_invitation",
            )
        ]

    def __str__(self) -> str:
        return self.email

    @property
    def is_expired(self) -> bool:
        return self.expires_at <= timezone.now()

    @property
    def is_usable(self) -> bool:
        return self.accepted_at is None and self.revoked_at is None and not self.is_expired
