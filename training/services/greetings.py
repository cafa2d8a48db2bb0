"""Greetings: the caller's first line in a session."""

import logging
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from accounts.services.leases import fail_when_out_of_time, heartbeat
from ai import AIUnavailableError
from scenarios.models import Mode
from training import openai_caller
from training.models import Session, SessionQuerySet, TranscriptTurn
from training.services.errors import SessionRefusedError
from training.services.turns import write_turn

logger = logging.getLogger(__name__)


# Used if no first line could be generated. It shows that someone is there and reveals nothing.
FALLBACK_GREETINGS = {Mode.PHONE: "Hello? Is somebody there?", Mode.CHAT: "hi, is somebody there?"}


def prepare_greeting(session_id: UUID) -> None:
    """Generate and store the caller's first line. Calling this again changes nothing.

    If the caller opens a chat, the line becomes its first turn.
    """
    if not _claim(session_id):
        return
    session = Session.objects.select_related("scenario_version").get(pk=session_id)
    fallback = FALLBACK_GREETINGS[Mode(session.mode)]
    with (
        fail_when_out_of_time(lambda reason: _save_greeting(session, fallback)),
        heartbeat(lambda: _renew(session_id), settings.GREETING_LOST_AFTER),
    ):
        try:
            line = openai_caller.generate_opening(session)
        except AIUnavailableError as error:
            logger.warning("No greeting: %s", error.code, extra={"session_id": session_id})
            line = fallback
        _save_greeting(session, line)


def has_greeting(session: Session) -> bool:
    """Refresh the session, and return whether its first line is ready."""
    session.refresh_from_db()
    return session.greeting_status != Session.Greeting.PENDING


def _claim(session_id: UUID) -> bool:
    """Claim the greeting for this worker. Return False if the claim failed.

    The conditional UPDATE is the lock. A claim older than the deadline belongs to a dead worker. If no attempts are
    left, store the fallback.
    """
    pending = Session.objects.live().filter(pk=session_id, greeting_status=Session.Greeting.PENDING)
    exhausted = pending.filter(greeting_attempts__gte=settings.TASK_ATTEMPTS, greeting_touched_at__lt=_stalled_before())
    if given_up := exhausted.first():
        _save_greeting(given_up, FALLBACK_GREETINGS[Mode(given_up.mode)])
        return False
    claimable = pending.filter(Q(greeting_attempts=0) | Q(greeting_touched_at__lt=_stalled_before()))
    return bool(claimable.update(greeting_attempts=F("greeting_attempts") + 1, greeting_touched_at=timezone.now()))


def _renew(session_id: UUID) -> int:
    pending = Session.objects.live().filter(pk=session_id, greeting_status=Session.Greeting.PENDING)
    return pending.update(greeting_touched_at=timezone.now())


def _save_greeting(session: Session, line: str) -> None:
    with transaction.atomic():
        filled = Session.objects.filter(pk=session.pk, greeting_status=Session.Greeting.PENDING).update(
            greeting=line, greeting_status=Session.Greeting.READY
        )
        # If the counselor wrote first, the greeting would come too late: it belongs before their message.
        if filled and session.caller_opens and not session.is_phone and not session.turns.exists():
            try:
                write_turn(session, TranscriptTurn.Role.CALLER, line)
            except SessionRefusedError:
                logger.info("The chat ended before its greeting", extra={"session_id": session.pk})


def find_stalled_sessions(limit: int) -> SessionQuerySet:
    """Return the live sessions whose greeting no worker has prepared in time. Organizations take turns."""
    queued_before = timezone.now() - timedelta(seconds=settings.LOST_WORK_EVERY)
    waiting = Session.objects.waiting_for_greeting(_stalled_before()).filter(greeting_touched_at__lt=queued_before)
    return waiting.in_greeting_turn(limit, _stalled_before())


def find_sessions_in_turn(limit: int) -> SessionQuerySet:
    """Return the live sessions whose greeting a worker may prepare now. Organizations take turns."""
    return Session.objects.waiting_for_greeting(_stalled_before()).in_greeting_turn(limit, _stalled_before())


def _stalled_before() -> datetime:
    return timezone.now() - timedelta(seconds=settings.GREETING_LOST_AFTER)
