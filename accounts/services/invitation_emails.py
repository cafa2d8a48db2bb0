"""Emails that invite people, each with a link that works once."""

import hashlib
import logging
import secrets
from datetime import timedelta
from smtplib import SMTPRecipientsRefused
from uuid import UUID

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Invitation, User
from accounts.services.email_sender import absolute_url, until_time_is_up
from accounts.services.emails import Button, Email, send_email

logger = logging.getLogger(__name__)

LIFETIME = timedelta(hours=72)  # of a link, from the moment its email is sent
TASK_TAKES = timedelta(minutes=10)  # longer than all retries of the task that sends an email


def hash_secret(secret: str) -> str:
    """Return the plain SHA-256: the secret has 256 random bits, so it cannot be guessed."""
    return hashlib.sha256(secret.encode()).hexdigest()


def send_invitation(invitation_id: UUID | str) -> None:
    """Send the email of an invitation that waits for it. Raise OSError if the mail server fails.

    The link's secret is made here, so it is never in the task queue. A retry makes a new one.
    """
    invitation = (
        Invitation.objects.unsent().select_related("organization", "invited_by").filter(pk=invitation_id).first()
    )
    if invitation is None:
        return
    secret = secrets.token_urlsafe(32)
    moment = timezone.now()
    # The conditional UPDATE is the lock: of two workers, only one replaces the digest that both have read.
    same = Invitation.objects.unsent().filter(pk=invitation.pk, digest=invitation.digest)
    if not same.update(digest=hash_secret(secret)):
        return
    _send_email(invitation, secret)
    sent = Invitation.objects.filter(pk=invitation.pk, digest=hash_secret(secret))
    sent.update(sent_at=moment, expires_at=moment + LIFETIME)


def _send_email(invitation: Invitation, secret: str) -> None:
    """Send the link. If the address has an account elsewhere, its owner gets an explanation instead of a link."""
    center = invitation.organization.name
    is_taken = User.objects.filter(email=invitation.email).exists()
    email = _taken_email(invitation, center) if is_taken else _invitation_email(invitation, center, secret)
    try:
        send_email(email, invitation.email, center)
    except SMTPRecipientsRefused:
        # A retry would be refused too.
        logger.warning("Invitation refused", extra={"invitation_id": invitation.pk})


def _invitation_email(invitation: Invitation, center: str, secret: str) -> Email:
    hours = int(LIFETIME.total_seconds() // 3600)
    invites = _(
        "%(person)s invites you to practice with %(center)s on Steadyline, a line where every caller is simulated."
    )
    works = ngettext("The link works once, for %(hours)s hour.", "The link works once, for %(hours)s hours.", hours)
    return Email(
        subject=_subject(center),
        paragraphs=(
            invites % {"person": invitation.invited_by, "center": center},
            _("Every caller on this line is simulated. Set your name and your own password to begin."),
        ),
        button=Button(_("Accept the invitation"), absolute_url(reverse("accounts:invitation_accept", args=[secret]))),
        closing=(works % {"hours": hours}, _("If you didn’t expect this, you don’t need to do anything.")),
    )


def _taken_email(invitation: Invitation, center: str) -> Email:
    invites = _("%(person)s invites you to practice with %(center)s on Steadyline.")
    taken = _("This address already has a Steadyline account, so it can’t be used for a second one.")
    unchanged = _("Nothing about your account was changed, and %(center)s doesn’t know about it.")
    another = _("To join %(center)s as well, ask them to invite you at another address.")
    return Email(
        subject=_subject(center),
        paragraphs=(
            invites % {"person": invitation.invited_by, "center": center},
            f"{taken} {unchanged % {'center': center}} {another % {'center': center}}",
            _("If you didn’t expect this, you don’t need to do anything."),
        ),
    )


def _subject(center: str) -> str:
    return _("%(center)s invites you to practice on Steadyline") % {"center": center}


def send_waiting_invitations(min_age: timedelta = TASK_TAKES) -> int:
    """Send emails that were never queued, because the broker was down, or whose task has given up.

    Only invitations that were queued `min_age` ago are tried, so that no task sends another link at the same time.
    Return the number of tries. After the lifetime of a link, an unsent invitation is no longer tried.
    """
    tried = 0
    queued_before = timezone.now() - min_age
    waiting = Invitation.objects.unsent().filter(expires_at__lte=queued_before + LIFETIME).order_by("created_at")
    for pk in until_time_is_up(waiting.values_list("pk", flat=True)):
        try:
            send_invitation(pk)
        except OSError:
            logger.exception("Invitation not sent", extra={"invitation_id": pk})
        tried += 1
    return tried
