"""Limits on failed logins. They are counted in the database, because the cache may be down while people can log in."""

import hashlib
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from accounts.models import LoginAttempt


def begin_login_attempt(email: str, address: str) -> LoginAttempt | None:
    """Record an attempt before the password is checked. Return None if the account or the address has too many.

    The row is written before counting, so that parallel attempts see each other. A refused attempt is not kept:
    otherwise, someone could lock an account forever.
    """
    attempt = LoginAttempt.objects.create(account=_digest(email), address=address[:64])
    recent = LoginAttempt.objects.filter(attempted_at__gt=_window_start())
    is_allowed = (
        recent.filter(account=attempt.account).count() <= settings.LOGIN_ATTEMPTS_PER_ACCOUNT
        and recent.filter(address=attempt.address).count() <= settings.LOGIN_ATTEMPTS_PER_ADDRESS
    )
    if not is_allowed:
        forget_login_attempt(attempt)
        return None
    return attempt


def forget_login_attempt(attempt: LoginAttempt) -> None:
    """Stop counting an attempt, because it succeeded or was refused. Earlier failures still count."""
    LoginAttempt.objects.filter(pk=attempt.pk).delete()


def forget_login_attempts(email: str) -> None:
    """Stop counting the account's attempts, because its owner has set a new password."""
    LoginAttempt.objects.filter(account=_digest(email)).delete()


def delete_old_login_attempts() -> int:
    """Delete attempts that no longer count. Return the number of deleted rows."""
    return LoginAttempt.objects.filter(attempted_at__lte=_window_start()).delete()[0]


def _digest(email: str) -> str:
    return hashlib.sha256(email.strip().casefold().encode()).hexdigest()


def _window_start() -> datetime:
    return timezone.now() - timedelta(seconds=settings.LOGIN_ATTEMPTS_WINDOW)
