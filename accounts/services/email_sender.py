"""Email notifications to people about their own practice. Each kind can be turned off. Conversations are not quoted."""

import logging
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from smtplib import SMTPRecipientsRefused
from typing import TypeVar

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.services.emails import Email, send_email

Row = TypeVar("Row")

SWEEP_SECONDS = 120.0  # well below the time limit of tasks

logger = logging.getLogger(__name__)


def send_notification(person: User, email: Email, *, is_wanted: bool) -> bool:
    """Send an email to a person who wants it. Return False if it could not be sent and the next sweep must retry.

    Record the notification only after this call. If the process crashes in between, it is sent twice rather than never.
    """
    if not is_wanted or not person.has_mailbox:
        return True
    center = person.organization.name
    reason = _("You get this email because you have an account at %(center)s.") % {"center": center}
    settings_url = absolute_url(reverse("accounts:email_notifications"))
    try:
        send_email(replace(email, reason=reason, settings_url=settings_url), person.email, center)
    except SMTPRecipientsRefused:
        # A retry would be refused too.
        logger.warning("Email refused", extra={"user_id": person.pk})
    except OSError:
        logger.exception("Email not sent", extra={"user_id": person.pk})
        return False
    return True


def until_time_is_up(rows: Iterable[Row]) -> Iterator[Row]:
    """Yield rows for up to `SWEEP_SECONDS`, even if the mail server is slow. The next sweep continues."""
    ends_at = time.monotonic() + SWEEP_SECONDS
    for row in rows:
        if time.monotonic() > ends_at:
            return
        yield row


def absolute_url(path: str) -> str:
    """Return the public URL of a path."""
    return f"{settings.WEB_ORIGINS[0]}{path}"
