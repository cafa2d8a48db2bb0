"""Single-use tickets for call sockets."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization, User
from training.models.sessions import Session


class CallTicket(models.Model):
    """Permission for one socket to connect, once. The ticket itself is signed; this row makes it single-use."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="tickets")
    counselor = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    spent_at = models.DateTimeField(null=True)
    displaces = models.PositiveIntegerField(
        null=True, help_text=_("Epoch from which this socket may take over the call.")
    )
    # Login session and password hash at issue. Logging out or changing the password invalidates the ticket.
    login = models.CharField(max_length=40, blank=True)
    auth_hash = models.CharField(max_length=128, blank=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("call ticket")
        verbose_name_plural = _("call tickets")

    def __str__(self) -> str:
        return f"Ticket for session {self.session_id}"

    @property
    def is_valid(self) -> bool:
        """Return whether a socket that this ticket admitted may stay open."""
        is_same_password = not self.auth_hash or self.auth_hash == self.counselor.get_session_auth_hash()
        return self.revoked_at is None and self.counselor.is_active and is_same_password
