"""Security notices by email about changed passwords and addresses. They can't be turned off."""

import logging

from django.core.mail import send_mail
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.services.email_sender import absolute_url

logger = logging.getLogger(__name__)


class AccountNotice(models.TextChoices):
    """Changes that a person is told about."""

    PASSWORD_CHANGED = "password_changed"
    EMAIL_CHANGED = "email_changed"  # sent to the old address
    EMAIL_TAKEN = "email_taken"  # someone else asked for an address that is in use; sent to that address


def _password_text() -> str:
    return _(
        """The password of your Steadyline account was changed.

If you did this, you don't need to do anything.

If you didn't, choose a new password now, and tell your administrator:
%(url)s
"""
    ) % {"url": absolute_url(reverse("account_reset_password"))}


def _email_text() -> str:
    return _(
        """The address that you use to log in to Steadyline was changed. You can no longer log in with this one.

If you or your administrator did this, you don't need to do anything.

If not, tell your administrator now, so that they can correct the address and end all access.
"""
    )


def _taken_text() -> str:
    return _(
        """Someone asked to use this address for another Steadyline account.

Your own account already uses it, so nothing was changed. You don't need to do anything.
"""
    )


def send_account_notice(address: str, notice: str) -> None:
    """Send a notice to an address. Raise OSError if the mail server fails, so that the task retries."""
    if User.is_reserved_address(address):
        return
    subjects = {
        AccountNotice.PASSWORD_CHANGED: _("Your password was changed"),
        AccountNotice.EMAIL_CHANGED: _("Your address was changed"),
        AccountNotice.EMAIL_TAKEN: _("Someone asked for your address"),
    }
    texts = {
        AccountNotice.PASSWORD_CHANGED: _password_text,
        AccountNotice.EMAIL_CHANGED: _email_text,
        AccountNotice.EMAIL_TAKEN: _taken_text,
    }
    send_mail(subjects[AccountNotice(notice)], texts[AccountNotice(notice)](), None, [address])
