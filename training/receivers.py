"""Receivers of Django's authentication signals."""

from typing import Any

from django.contrib.auth.signals import user_logged_out
from django.dispatch import receiver
from django.http import HttpRequest

from training.services.call_tickets import revoke_tickets


@receiver(user_logged_out)
def revoke_tickets_on_logout(request: HttpRequest | None, **kwargs: Any) -> None:
    """Revoke the call tickets of the login session that ends."""
    key = request.session.session_key if request is not None and hasattr(request, "session") else None
    if key:
        revoke_tickets(key)
