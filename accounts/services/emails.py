"""Emails as HTML with one button, each with a plain-text twin."""

from dataclasses import dataclass

from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils.translation import gettext as _


@dataclass(frozen=True)
class Button:
    """The one thing to do after reading an email."""

    label: str
    url: str


@dataclass(frozen=True)
class Email:
    """Content of an email, rendered twice: as HTML and as plain text."""

    subject: str
    paragraphs: tuple[str, ...]  # above the button
    items: tuple[str, ...] = ()  # a list below the paragraphs
    button: Button | None = None
    closing: tuple[str, ...] = ()  # paragraphs below the button
    reason: str = ""  # why the reader gets this email
    settings_url: str = ""  # page on which the reader chooses which emails to get, if they can choose


def send_email(email: Email, address: str, center: str = "") -> None:
    """Send an email under the center's name. Raise OSError or an SMTPException if the mail server fails."""
    context = {"email": email, "center": center or _("Steadyline")}
    text = render_to_string("accounts/email/message.txt", context)
    message = EmailMultiAlternatives(email.subject, text.strip() + "\n", None, [address])
    message.attach_alternative(render_to_string("accounts/email/message.html", context), "text/html")
    message.send()
