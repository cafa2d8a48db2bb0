"""Admission to a call. Every refusal happens before the socket is accepted and names its reason."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from recordings.audio.live_recording import LiveRecording
from recordings.audio.microphone_clock import SAMPLE_RATE
from recordings.audio.spool import SpoolWriter
from recordings.audio.spool_buffer import SpoolBuffer
from recordings.services.epochs import epoch_offset_samples, record_consent, start_recording
from recordings.services.spools import create_uploader
from training.models import CallTicket, Session
from training.openai_caller import caller_instructions
from training.services import call_tickets
from training.services.call_leases import CallLease, acquire_call, is_call_held
from training.services.call_tickets import VerifiedTicket
from training.services.turns import close_open_turns
from training.transcript import TurnSource
from voicegateway.browser.protocol import SUBPROTOCOL
from voicegateway.browser.rate_limit import count_words
from voicegateway.conversation.call_config import TIMINGS_BY_PATIENCE, CallConfig

TICKET_PREFIX = "ticket."


class AdmissionRefusedError(Exception):
    """Refusal of a call. `reason` is one word for the page and the log."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class AdmittedCall:
    """Admitted call, which this gateway now holds."""

    session: Session
    lease: CallLease
    config: CallConfig
    recording: LiveRecording | None  # None if the call is not recorded
    start_sample: int  # samples since the start of the recording, or of an unrecorded conversation

    @property
    def spool(self) -> SpoolWriter | None:
        return self.recording.spool if self.recording else None

    @property
    def epoch(self) -> int:
        return self.lease.epoch


def check_origin(headers: dict[bytes, bytes]) -> None:
    """Raise AdmissionRefusedError unless the full origin is one of ours.

    A page on another site must not be able to open a call with the counselor's ticket.
    """
    if headers.get(b"origin", b"").decode("latin-1") not in settings.WEB_ORIGINS:
        raise AdmissionRefusedError("bad_origin")


def ticket_from_subprotocols(subprotocols: list[str]) -> str:
    """Return the ticket among the subprotocols. Raise AdmissionRefusedError if there is not exactly one."""
    tickets = [name.removeprefix(TICKET_PREFIX) for name in subprotocols if name.startswith(TICKET_PREFIX)]
    if SUBPROTOCOL not in subprotocols or len(tickets) != 1:
        raise AdmissionRefusedError("bad_ticket")
    return tickets[0]


class PresentedTickets:
    """Tickets presented to this process. A ticket that is presented again is refused without the database.

    Only verified tickets are added, and each is removed after it expires, so their number is bounded.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        self._expiries: dict[UUID, int] = {}

    def __len__(self) -> int:
        return len(self._expiries)

    def __contains__(self, ticket: VerifiedTicket) -> bool:
        return ticket.id in self._expiries

    def add(self, ticket: VerifiedTicket) -> None:
        now = self.clock()
        for expired in [known for known, expires_at in self._expiries.items() if expires_at <= now]:
            del self._expiries[expired]
        self._expiries[ticket.id] = ticket.expires_at


def check_handshake(scope: Mapping[str, Any], session_id: UUID, presented: PresentedTickets) -> VerifiedTicket:
    """Check everything about a socket that needs no database, so that refusing it costs next to nothing.

    Raise AdmissionRefusedError for a foreign origin, and for a ticket that is forged, expired, or presented again.
    """
    check_origin(dict(scope["headers"]))
    ticket = call_tickets.verify_ticket(ticket_from_subprotocols(scope["subprotocols"]), session_id)
    if ticket is None or ticket in presented:
        raise AdmissionRefusedError("bad_ticket")
    return ticket


def redeem_ticket(session_id: UUID, ticket: str) -> CallTicket:
    """Redeem the single-use ticket. Raise AdmissionRefusedError if it is invalid or the session is over."""
    redeemed = call_tickets.redeem_ticket(ticket, session_id)
    if redeemed is None or not redeemed.is_valid:
        raise AdmissionRefusedError("bad_ticket")
    if not redeemed.session.is_live or not redeemed.session.is_phone:
        raise AdmissionRefusedError("session_over")
    return redeemed


def is_still_held(ticket: CallTicket) -> bool:
    """Return True while the epoch that this ticket displaces still holds the call."""
    ticket.session.refresh_from_db(fields=["epoch", "is_held", "heartbeat_at"])
    return ticket.session.epoch == ticket.displaces and is_call_held(ticket.session)


def admit_call(ticket: CallTicket, query: bytes, buffer: SpoolBuffer | None = None) -> AdmittedCall:
    """Acquire the call of a redeemed ticket.

    Raise AdmissionRefusedError if it is over or in use, or if the counselor declined a required recording.
    """
    session = ticket.session
    is_recorded = wants_recording(query) and not session.is_warm_up
    if session.assignment and session.assignment.require_recording:
        if declines_recording(query):
            raise AdmissionRefusedError("recording_required")  # never record a counselor who declined
        is_recorded = True
    epoch = acquire_call(session, ticket.displaces)
    if epoch is None:
        raise AdmissionRefusedError("in_use")
    session.refresh_from_db()
    close_open_turns(session)
    recording = None
    if is_recorded:
        record_consent(session, consent_version(query))
        recording = LiveRecording(start_recording(session, epoch, buffer), create_uploader(session, epoch))
    config = build_call_config(session, is_recorded)
    start_sample = epoch_offset_samples(session, epoch) if recording else history_end_sample(config)
    return AdmittedCall(session, CallLease(session.pk, epoch, ticket.pk), config, recording, start_sample)


def history_end_sample(config: CallConfig) -> int:
    """Return the end of the last turn in samples. An unrecorded call continues its clock from there."""
    return max((turn.end_ms or 0 for turn in config.history), default=0) * SAMPLE_RATE // 1000


def wants_recording(query: bytes) -> bool:
    """Return True only for the exact value `true`."""
    return parse_qs(query.decode("latin-1")).get("record") == ["true"]


def declines_recording(query: bytes) -> bool:
    """Return True only for the exact value `false`."""
    return parse_qs(query.decode("latin-1")).get("record") == ["false"]


def consent_version(query: bytes) -> str:
    """Return the version of the consent text shown before the call, or "" if the client showed its own text."""
    return parse_qs(query.decode("latin-1")).get("consent", [""])[0]


def build_call_config(session: Session, is_recorded: bool) -> CallConfig:
    """Build the call's configuration. It must not hold any assessment data."""
    turns = session.transcript()
    history = [turn.to_snapshot() for turn in turns if turn.is_final]
    minute_ago = timezone.now() - timedelta(minutes=1)
    typed = [turn for turn in turns if turn.source == TurnSource.TYPED and turn.created_at > minute_ago]
    return CallConfig(
        session_id=str(session.pk),
        instructions=caller_instructions(session),
        model=settings.REALTIME_MODEL,
        voice=settings.REALTIME_VOICE,
        transcribe_model=settings.TRANSCRIBE_MODEL,
        transcribe_language=session.organization.transcription_language,
        greeting=None if session.greeting_status == Session.Greeting.PENDING else session.greeting,
        patience=TIMINGS_BY_PATIENCE[session.patience],
        caller_opens_after=0.0 if session.caller_opens else settings.CALLER_OPENS_AFTER,
        history=history,
        revision=session.revision,
        epoch=session.epoch,
        is_resumed=session.epoch > 1,
        is_recorded=is_recorded,
        recent_typed_turns=len(typed),
        recent_typed_words=sum(count_words(turn.text_heard) for turn in typed),
    )


def greeting_if_ready(session_id: UUID) -> str | None:
    """Return the caller's prepared first line: None while it is being prepared, "" if there will be none."""
    session = Session.objects.only("greeting", "greeting_status").get(pk=session_id)
    return None if session.greeting_status == Session.Greeting.PENDING else session.greeting
