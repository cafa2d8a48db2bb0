"""SMTP with an overall deadline, because a mail server that trickles its replies could tie up a worker."""

import smtplib
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.smtp import EmailBackend

from ai.deadlines import Deadline


class DeadlineEmailBackend(EmailBackend):
    """Django's SMTP backend, with at most `MAIL_TIMEOUT` seconds to connect and send."""

    _smtp: smtplib.SMTP | None = None

    @property
    def connection_class(self) -> Any:
        backend = self
        plain_or_tls: Any = super().connection_class

        class WatchedConnection(plain_or_tls):
            def connect(self, *args: Any, **options: Any) -> Any:
                # Set this before the constructor returns, because the constructor already waits for the greeting.
                backend._smtp = self
                return super().connect(*args, **options)

        return WatchedConnection

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Send the messages. Raise OSError if one of them is not accepted in time."""
        with Deadline(settings.MAIL_TIMEOUT).enforce(lambda: self._smtp.sock if self._smtp else None):
            return super().send_messages(email_messages)
