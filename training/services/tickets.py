from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.utils import timezone

from training.models import CallTicket, Session

# A dot, because the ticket travels as a WebSocket subprotocol, where a colon may not stand.
_signer = Signer(sep=".", salt="call-ticket")


def issue_ticket(session: Session) -> tuple[CallTicket, str]:
    """A ticket for the counselor's own socket, with the signed text that the page hands over."""
    ticket = CallTicket.objects.create(
        organization_id=session.organization_id,
        session=session,
        counselor_id=session.counselor_id,
        expires_at=timezone.now() + timedelta(seconds=settings.TICKET_LIFETIME),
    )
    return ticket, _signer.sign(ticket.pk.hex)


def spend_ticket(signed: str, session_id: UUID) -> CallTicket | None:
    """The ticket, now spent; None when it is forged, spent, too old or another session's.

    The conditional UPDATE makes it single use.
    """
    try:
        ticket_id = UUID(_signer.unsign(signed))
    except (BadSignature, ValueError):
        return None
    now = timezone.now()
    fresh = CallTicket.objects.filter(pk=ticket_id, session_id=session_id, spent_at=None, expires_at__gt=now)
    if not fresh.update(spent_at=now):
        return None
    return CallTicket.objects.select_related("session__scenario_version", "session__assignment").get(pk=ticket_id)
