"""Changes to login credentials: notices about them, and changes of one's own address."""

import hashlib
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from django.core import signing
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models.signals import post_save
from django.dispatch import receiver
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts import tasks
from accounts.models import User
from accounts.services.account_notices import AccountNotice, send_account_notice
from accounts.services.email_sender import absolute_url
from accounts.services.emails import Button, Email, send_email
from accounts.services.task_queue import queue_task

LINK_LIFETIME = 24 * 3600  # seconds
_SALT = "email-change"


@receiver(post_save, sender=User)
def announce_changes(instance: User, **kwargs: Any) -> None:
    """Notify a person of a new password, and their old address of a new one, however it was changed.

    Libraries, the admin, and the API all save people, so this listens to the model itself.
    """
    changes = instance.credential_changes
    if changes.old_email:
        transaction.on_commit(partial(queue_notice, changes.old_email, AccountNotice.EMAIL_CHANGED), robust=True)
    if changes.has_new_password:
        address = changes.old_email or instance.email
        transaction.on_commit(partial(queue_notice, address, AccountNotice.PASSWORD_CHANGED), robust=True)


def queue_notice(address: str, notice: AccountNotice) -> None:
    """Queue a notice, or send it at once if the broker is down, so that no change goes unnoticed."""
    if not queue_task(tasks.send_account_notice, address, notice.value):
        send_account_notice(address, notice.value)


@dataclass(frozen=True)
class EmailChange:
    """A requested change of a person's own address."""

    user: User
    email: str


def request_email_change(user: User, email: str) -> None:
    """Send a link to the new address, which is used only after the link has been opened.

    If another account uses the address, send a notice instead of the link, so that the response and its timing are the
    same.
    """
    email = User.objects.normalize_email(email)
    if User.objects.filter(email=email).exclude(pk=user.pk).exists():
        send_account_notice(email, AccountNotice.EMAIL_TAKEN)
        return
    token = signing.dumps([str(user.pk), email, _state_of(user)], salt=_SALT)
    confirmation = Email(
        subject=_("Confirm your new address"),
        paragraphs=(_("Confirm that you want to log in to Steadyline with this address. The link works for one day."),),
        button=Button(_("Confirm address"), absolute_url(reverse("accounts:email_confirm", args=[token]))),
        closing=(_("If you didn’t ask for this, you don’t need to do anything."),),
    )
    send_email(confirmation, email, user.organization.name)


def read_email_change(token: str) -> EmailChange | None:
    """Return the change that a link requests, or None if the link is forged, expired, or no longer valid."""
    try:
        pk, email, state = signing.loads(token, salt=_SALT, max_age=LINK_LIFETIME)
    except (signing.BadSignature, ValueError):
        return None
    user = User.objects.filter(pk=UUID(pk), is_active=True).first()
    return EmailChange(user, email) if user is not None and _state_of(user) == state else None


def confirm_email_change(change: EmailChange) -> None:
    """Change the address. Raise ValidationError if another account has taken it since."""
    change.user.email = change.email
    try:
        with transaction.atomic():
            change.user.save(update_fields=["email"])
    except IntegrityError as error:
        raise ValidationError(_("This address can’t be used. Nothing was changed.")) from error


def _state_of(user: User) -> str:
    """Return a digest that changes with the address and the password, so that a link works at most once."""
    return hashlib.sha256(f"{user.email}\0{user.password}".encode()).hexdigest()[:32]
