"""Mails to people about their own practice. Each can be turned off; none holds anything of what was said."""

import logging
from smtplib import SMTPRecipientsRefused

from django.conf import settings
from django.core.mail import send_mail

from accounts.models import User
from accounts.services.people import has_mailbox

logger = logging.getLogger(__name__)

_FOOT = """
--
You can turn off this mail: {url}
"""


def notify(person: User, *, is_wanted: bool, subject: str, text: str) -> bool:
    """Write to somebody who wants it. False when no mail can be sent now: the next sweep tries again.

    Sent before the caller notes it: after a crash in between it comes twice, which is better than never.
    """
    if not is_wanted or not has_mailbox(person):
        return True
    try:
        send_mail(subject, text + _FOOT.format(url=address("/account/notices/")), None, [person.email])
    except SMTPRecipientsRefused:
        # Trying again would be refused again.
        logger.warning("Mail refused", extra={"user_id": person.pk})
    except OSError:
        logger.exception("Mail not sent", extra={"user_id": person.pk})
        return False
    return True


def address(path: str) -> str:
    return f"{settings.WEB_ORIGINS[0]}{path}"
