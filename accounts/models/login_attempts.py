"""Failed logins, counted per account and per address."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class LoginAttempt(models.Model):
    """A login that failed or is in progress. The row is deleted once the login succeeds or no longer counts."""

    # Digest of the email address that was entered. There may be no such account.
    account = models.CharField(max_length=64)
    address = models.CharField(max_length=64)
    attempted_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("login attempt")
        verbose_name_plural = _("login attempts")
        indexes = [
            models.Index(fields=["account", "attempted_at"], name="login_attempt_account"),
            models.Index(fields=["address", "attempted_at"], name="login_attempt_address"),
            models.Index(fields=["attempted_at"], name="login_attempt_age"),
        ]

    def __str__(self) -> str:
        return f"{self.address} {self.attempted_at:%Y-%m-%d %H:%M:%S}"
