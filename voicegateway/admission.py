"""Who is let into a call. Every refusal comes before the socket is accepted, and names its reason."""

from dataclasses import dataclass
from urllib.parse import parse_qs
from uuid import UUID

from django.conf import settings

from recordings.microphone import RATE
from recordings.services.epochs import agree_to_recording, begin_recording, epoch_begins_at
from recordings.services.leftovers import shipper_for
from recordings.shipping import Recorded
from recordings.spool import Spool
from training.models import CallTicket, Session, TranscriptTurn
from training.openai_caller import caller_instructions
from training.services.lines import Held, is_in_use, take_line
from training.services.tickets import spend_ticket
from training.services.turns import settle_turns
from voicegateway.briefing import PATIENCE, Briefing, Role, Source, Turn
from voicegateway.wire import SUBPROTOCOL

TICKET = "ticket."


class Refused(Exception):
    """Not let in. `reason` is one word for the page and the log."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Admitted:
    """A call that this gateway holds now."""

    session: Session
    held: Held
    briefing: Briefing
    recorded: Recorded | None
    begins_at: int  # samples since the recording, or an unrecorded conversation, began

    @property
    def spool(self) -> Spool | None:
        return self.recorded.spool if self.recorded else None

    @property
    def epoch(self) -> int:
        return self.held.epoch


def check_origin(headers: dict[bytes, bytes]) -> None:
    """Full origins only: a page of another site must not reach a call with the counselor's ticket."""
    if headers.get(b"origin", b"").decode("latin-1") not in settings.WEB_ORIGINS:
        raise Refused("bad_origin")


def ticket_among(subprotocols: list[str]) -> str:
    tickets = [name.removeprefix(TICKET) for name in subprotocols if name.startswith(TICKET)]
    if SUBPROTOCOL not in subprotocols or len(tickets) != 1:
        raise Refused("bad_ticket")
    return tickets[0]


def open_with(session_id: UUID, ticket: str) -> CallTicket:
    """Spend the ticket. Raises Refused."""
    spent = spend_ticket(ticket, session_id)
    if spent is None or not spent.is_still_good:
        raise Refused("bad_ticket")
    if not spent.session.is_live or not spent.session.is_phone:
        raise Refused("session_over")
    return spent


def is_held_still(ticket: CallTicket) -> bool:
    """Whether the epoch that this ticket displaces has not let go of the line yet."""
    ticket.session.refresh_from_db(fields=["epoch", "is_held", "heartbeat_at"])
    return ticket.session.epoch == ticket.displaces and is_in_use(ticket.session)


def admit(ticket: CallTicket, query: bytes) -> Admitted:
    """Hold the call that the spent ticket is for. Raises Refused."""
    session = ticket.session
    is_recorded = wants_recording(query)
    if session.assignment and session.assignment.require_recording:
        if declines_recording(query):
            raise Refused("recording_required")  # nobody is recorded against their word
        is_recorded = True
    epoch = take_line(session, ticket.displaces)
    if epoch is None:
        raise Refused("in_use")
    session.refresh_from_db()
    settle_turns(session)
    recorded = None
    if is_recorded:
        agree_to_recording(session, consent_in(query))
        recorded = Recorded(begin_recording(session, epoch), shipper_for(session, epoch))
    briefing = brief(session, is_recorded)
    begins_at = epoch_begins_at(session, epoch) if recorded else said_until(briefing)
    return Admitted(session, Held(session.pk, epoch, ticket.pk), briefing, recorded, begins_at)


def said_until(briefing: Briefing) -> int:
    """In samples: without a recording, time goes on where the last words ended."""
    return max((turn.end_ms for turn in briefing.history), default=0) * RATE // 1000


def wants_recording(query: bytes) -> bool:
    """Only the exact word."""
    return parse_qs(query.decode("latin-1")).get("record") == ["true"]


def declines_recording(query: bytes) -> bool:
    return parse_qs(query.decode("latin-1")).get("record") == ["false"]


def consent_in(query: bytes) -> str:
    """The version of the words that the page showed before the call; empty where it showed words of its own."""
    return parse_qs(query.decode("latin-1")).get("consent", [""])[0]


def brief(session: Session, is_recorded: bool) -> Briefing:
    """All that the call is told. Nothing of what is assessed is among it."""
    history = [as_heard(turn) for turn in session.transcript() if turn.is_final]
    return Briefing(
        session_id=str(session.pk),
        instructions=caller_instructions(session),
        model=settings.REALTIME_MODEL,
        voice=settings.REALTIME_VOICE,
        transcribe_model=settings.TRANSCRIBE_MODEL,
        greeting=None if session.greeting_status == Session.Greeting.PENDING else session.greeting,
        patience=PATIENCE[session.patience],
        caller_opens_after=0.0 if session.caller_opens else settings.CALLER_OPENS_AFTER,
        history=history,
        revision=session.revision,
        epoch=session.epoch,
        resumed=session.epoch > 1,
        recording=is_recorded,
    )


def as_heard(turn: TranscriptTurn) -> Turn:
    return Turn(
        revision=turn.revision,
        item=turn.item,
        after=turn.after or None,
        role=Role(turn.role),
        text_generated=turn.text_generated,
        text_heard=turn.text_heard,
        final=turn.is_final,
        start_ms=turn.start_ms or 0,
        end_ms=turn.end_ms or 0,
        source=Source(turn.source),
        interrupted=turn.is_interrupted,
    )


def ready_greeting(session_id: UUID) -> str | None:
    """The caller's prepared first line; None while it is still to come, empty when there will be none."""
    session = Session.objects.only("greeting", "greeting_status").get(pk=session_id)
    return None if session.greeting_status == Session.Greeting.PENDING else session.greeting
