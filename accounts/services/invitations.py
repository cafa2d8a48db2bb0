"""Invitations: many at once from pasted text, and the account that an invited person creates."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import tasks
from accounts.models import Invitation, User
from accounts.services.address_lists import PastedAddress, read_addresses
from accounts.services.addresses import unusable_address_error
from accounts.services.invitation_emails import LIFETIME, hash_secret
from accounts.services.rate_limits import UsageKind, spend
from accounts.services.task_queue import queue_on_commit

MAX_AT_ONCE = 100  # people


@dataclass(frozen=True)
class UninvitedEntry:
    """An entry of the pasted text that nobody was invited for, and the reason."""

    text: str
    reason: str


@dataclass(frozen=True)
class InvitationResult:
    """Outcome of one pasted list. Every entry is in one of the two lists."""

    invited: list[Invitation]
    left: list[UninvitedEntry]

    @property
    def text_left(self) -> str:
        """Return what was not used, one entry on each line, to correct and send again."""
        return "\n".join(entry.text for entry in self.left)


class InvitationClosedError(Exception):
    """Attempt to use an invitation that has expired, or was accepted or revoked."""


def invite_people(by: User, text: str, role: str) -> InvitationResult:
    """Invite everyone in a pasted text, and queue their emails.

    Raise ValidationError if there are too many, and RateLimitExceededError if today's limit is used up. Then, no one
    is invited.
    """
    entries = read_addresses(text)
    if len(entries) > MAX_AT_ONCE:
        raise ValidationError(
            _("You can invite up to %(limit)s people at once, and this is %(count)s. No one was invited.")
            % {"limit": MAX_AT_ONCE, "count": len(entries)}
        )
    usable, left = _sort_entries(by, entries)
    with transaction.atomic():
        if usable:
            spend(UsageKind.INVITATIONS, by, uses=len(usable))
        invited = _add_invitations(by, usable, role)
    added = {invitation.email for invitation in invited}
    # A double click, or a colleague at the same time, has invited them first.
    left += [UninvitedEntry(entry.text, _already_invited()) for entry in usable if entry.email not in added]
    return InvitationResult(invited, left)


def _sort_entries(by: User, entries: Sequence[PastedAddress]) -> tuple[list[PastedAddress], list[UninvitedEntry]]:
    """Return the entries to invite and the others. People of other organizations are treated like new ones."""
    emails = [entry.email for entry in entries]
    members = set(by.organization.people.filter(email__in=emails).values_list("email", flat=True))
    waiting = set(by.organization.invitations.open().filter(email__in=emails).values_list("email", flat=True))
    usable: dict[str, PastedAddress] = {}
    left = []
    for entry in entries:
        if entry.email in usable:
            reason = _("This address is in the list twice. It was invited once.")
        elif entry.email in members:
            reason = _("This person is already in your center.")
        elif entry.email in waiting:
            reason = _already_invited()
        else:
            reason = _find_address_problem(entry)
        if reason:
            left.append(UninvitedEntry(entry.text, reason))
        else:
            usable[entry.email] = entry
    return list(usable.values()), left


def _find_address_problem(entry: PastedAddress) -> str:
    if not entry.email:
        return _("This is not an email address. Add the part with “@”.")
    if User.is_reserved_address(entry.email):
        return _("This address has no mailbox.")
    if "." not in entry.email.rpartition("@")[2]:
        return _("This is not a complete email address, such as name@example.org.")
    try:
        validate_email(entry.email)
    except ValidationError:
        return _("This is not an email address. Check it for typing errors.")
    return _("This address is too long.") if len(entry.email) > 254 else ""


def _already_invited() -> str:
    return _("This person is already invited. Use “Send again” if the email got lost.")


def _add_invitations(by: User, entries: Sequence[PastedAddress], role: str) -> list[Invitation]:
    """Add invitations in order and queue their emails. Leave out people who have an open one by now."""
    expires_at = timezone.now() + LIFETIME
    rows = [
        Invitation(
            organization=by.organization,
            email=entry.email,
            name=entry.name,
            role=role,
            invited_by=by,
            expires_at=expires_at,
        )
        for entry in entries
    ]
    Invitation.objects.bulk_create(rows, ignore_conflicts=True)
    added = set(Invitation.objects.filter(pk__in=[row.pk for row in rows]).values_list("pk", flat=True))
    invited = [row for row in rows if row.pk in added]
    for row in invited:
        queue_on_commit(tasks.send_invitation, str(row.pk))
    return invited


@transaction.atomic
def resend_invitation(invitation: Invitation, by: User) -> bool:
    """Queue a new email with a new link. The earlier link stops working. Return False if the invitation is closed.

    Raise RateLimitExceededError.
    """
    fields = {"sent_at": None, "digest": None, "expires_at": timezone.now() + LIFETIME}
    if not Invitation.objects.open().filter(pk=invitation.pk).update(**fields):
        return False
    spend(UsageKind.INVITATIONS, by)
    queue_on_commit(tasks.send_invitation, str(invitation.pk))
    return True


def revoke_invitation(invitation: Invitation) -> bool:
    """Make the link useless. Return False if the invitation was already accepted or revoked."""
    return bool(Invitation.objects.open().filter(pk=invitation.pk).update(revoked_at=timezone.now()))


def find_invitation(secret: str) -> Invitation | None:
    """Return the invitation of a link, whatever its state, or None if no invitation has this link."""
    rows = Invitation.objects.select_related("organization", "invited_by")
    return rows.filter(digest=hash_secret(secret)).first()


@transaction.atomic
def accept_invitation(invitation: Invitation, first_name: str, last_name: str, password: str) -> User:
    """Create the account of an invited person, with the password that they chose.

    Raise InvitationClosedError if the link no longer works, and ValidationError if another account has the address.
    """
    rows = Invitation.objects.usable().filter(pk=invitation.pk)
    if not rows.update(accepted_at=timezone.now()):
        raise InvitationClosedError
    try:
        with transaction.atomic():
            person = User.objects.create_user(
                invitation.email,
                password,
                organization=invitation.organization,
                role=invitation.role,
                first_name=first_name,
                last_name=last_name,
            )
    except IntegrityError:
        raise unusable_address_error() from None
    Invitation.objects.filter(pk=invitation.pk).update(accepted_by=person)
    return person
