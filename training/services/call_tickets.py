"""Functions that issue, verify, redeem, and revoke call tickets."""

import math
import time
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.utils import timezone

from accounts.services.rate_limits import UsageKind, spend
from training.models import CallTicket, Session
from training.signals import call_check_requested

# A dot, because the ticket travels as a WebSocket subprotocol, which cannot contain a colon.
_SEPARATOR = "."
_signer = Signer(sep=_SEPARATOR, salt="call-ticket")


class VerifiedTicket(NamedTuple):
    """Ticket with a valid signature, session, and expiry time. It may still be spent or revoked."""

    id: UUID
    expires_at: int  # seconds since the epoch


def issue_ticket(session: Session, login: str = "", displaces: int | None = None) -> tuple[CallTicket, str]:
    """Issue a ticket for the counselor's own socket. Return it with the signed text for the page.

    `login` is the key of the web session that requests it. The ticket becomes invalid when that session logs out.
    Raise RateLimitExceededError above the rate limit.
    """
    spend(UsageKind.TICKETS, session.counselor)
    ticket = CallTicket.objects.create(
        organization_id=session.organization_id,
        session=session,
        counselor_id=session.counselor_id,
        login=login,
        auth_hash=session.counselor.get_session_auth_hash() if login else "",
        displaces=displaces,
        expires_at=timezone.now() + timedelta(seconds=settings.TICKET_LIFETIME),
    )
    parts = (ticket.pk.hex, session.pk.hex, str(math.ceil(ticket.expires_at.timestamp())))
    return ticket, _signer.sign(_SEPARATOR.join(parts))


def verify_ticket(signed: str, session_id: UUID, now: float | None = None) -> VerifiedTicket | None:
    """Check a ticket without the database. Return None if it is forged, expired, or for another session."""
    try:
        ticket, session, expires_at = _signer.unsign(signed).split(_SEPARATOR)
        verified = VerifiedTicket(UUID(ticket), int(expires_at))
    except (BadSignature, ValueError):
        return None
    is_expired = verified.expires_at <= (time.time() if now is None else now)
    return None if is_expired or session != session_id.hex else verified


def redeem_ticket(signed: str, session_id: UUID) -> CallTicket | None:
    """Spend the ticket and return it. Return None if it is forged, spent, revoked, expired, or for another session.

    Tickets of people who were deactivated, or whose password has changed since, are also refused. The conditional
    UPDATE makes a ticket single use.
    """
    verified = verify_ticket(signed, session_id)
    if verified is None:
        return None
    now = timezone.now()
    redeemable = CallTicket.objects.filter(
        pk=verified.id, session_id=session_id, spent_at=None, revoked_at=None, expires_at__gt=now
    )
    if not redeemable.update(spent_at=now):
        return None
    related = ("counselor", "session__scenario_version", "session__assignment")
    ticket = CallTicket.objects.select_related(*related).get(pk=verified.id)
    return ticket if ticket.is_valid else None


def revoke_tickets(login: str) -> None:
    """Revoke the tickets of a login session that has ended, and request a check of the calls that used them."""
    issued = CallTicket.objects.filter(login=login, revoked_at=None)
    calls = set(issued.filter(session__status=Session.Status.ACTIVE).values_list("session_id", flat=True))
    issued.update(revoked_at=timezone.now())
    for session_id in calls:
        call_check_requested.send(sender=CallTicket, session_id=session_id)
