"""Security notices by email about changed passwords and addresses. They can't be turned off."""

from django.db import models
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.services.email_sender import absolute_url
from accounts.services.emails import Button, Email, send_email


class AccountNotice(models.TextChoices):
    """Changes that a person is told about."""

    PASSWORD_CHANGED = "password_changed"
    EMAIL_CHANGED = "email_changed"  # sent to the old address
    EMAIL_TAKEN = "email_taken"  # someone else asked for an address that is in use; sent to that address


def _password_email() -> Email:
    return Email(
        subject=_("Your password was changed"),
        paragraphs=(
            _("The password of your Steadyline account was changed."),
            _("If you did this, you don’t need to do anything."),
            _("If you didn’t, choose a new password now, and tell your administrator."),
        ),
        button=Button(_("Choose a new password"), absolute_url(reverse("account_reset_password"))),
    )


def _changed_email() -> Email:
    return Email(
        subject=_("Your address was changed"),
        paragraphs=(
            _("The address that you use to log in to Steadyline was changed. You can no longer log in with this one."),
            _("If you or your administrator did this, you don’t need to do anything."),
            _("If not, tell your administrator now, so that they can correct the address and end all access."),
        ),
    )


def _taken_email() -> Email:
    return Email(
        subject=_("Someone asked for your address"),
        paragraphs=(
            _("Someone asked to use this address for another Steadyline account."),
            _("Your own account already uses it, so nothing was changed. You don’t need to do anything."),
        ),
    )


_EMAILS = {
    AccountNotice.PASSWORD_CHANGED: _password_email,
    AccountNotice.EMAIL_CHANGED: _changed_email,
    AccountNotice.EMAIL_TAKEN: _taken_email,
}


def send_account_notice(address: str, notice: str) -> None:
    """Send a notice to an address. Raise OSError if the mail server fails, so that the task retries."""
    if not User.is_reserved_address(address):
        send_email(_EMAILS[AccountNotice(notice)](), address)
