import logging
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from ai import AIUnavailable
from scenarios.models import Mode
from training import openai_caller, tasks
from training.models import Session, TranscriptTurn
from training.services.refusals import SessionRefused
from training.services.turns import write_turn

logger = logging.getLogger(__name__)


# What stands in for a first line that could not be written: somebody is there, and nothing is given away.
FIXED_LINES = {Mode.PHONE: "Hello? Is somebody there?", Mode.CHAT: "hi, is somebody there?"}


def prepare_greeting(session_id: UUID) -> None:
    """Ask for the caller's first line and store it, once however often this is called; in a chat it is turn 1."""
    if not _claim(session_id):
        return
    session = Session.objects.select_related("scenario_version").get(pk=session_id)
    try:
        line = openai_caller.opening_line(session)
    except AIUnavailable as error:
        logger.warning("No greeting: %s", error.code, extra={"session_id": session_id})
        line = FIXED_LINES[Mode(session.mode)]
    _store(session, line)


def _claim(session_id: UUID) -> bool:
    """The conditional UPDATE is the lock; a claim older than the deadline belongs to a worker that is gone."""
    pending = Session.objects.live().filter(pk=session_id, greeting_status=Session.Greeting.PENDING)
    exhausted = pending.filter(greeting_attempts__gte=settings.TASK_ATTEMPTS, greeting_touched_at__lt=_lost_before())
    if given_up := exhausted.first():
        _store(given_up, FIXED_LINES[Mode(given_up.mode)])
        return False
    claimable = pending.filter(Q(greeting_attempts=0) | Q(greeting_touched_at__lt=_lost_before()))
    return bool(claimable.update(greeting_attempts=F("greeting_attempts") + 1, greeting_touched_at=timezone.now()))


def _store(session: Session, line: str) -> None:
    with transaction.atomic():
        filled = Session.objects.filter(pk=session.pk, greeting_status=Session.Greeting.PENDING).update(
            greeting=line, greeting_status=Session.Greeting.READY
        )
        # A counselor who began without waiting is not answered by a line that belongs before theirs.
        if filled and session.caller_opens and not session.is_phone and not session.turns.exists():
            try:
                write_turn(session, TranscriptTurn.Role.CALLER, line)
            except SessionRefused:
                logger.info("The chat ended before its greeting", extra={"session_id": session.pk})


def sweep_greetings() -> int:
    """Queue again the greetings whose task was lost. Return how many."""
    lost = list(Session.objects.with_lost_greeting(_lost_before()).values_list("pk", flat=True))
    for session_id in lost:
        # Gone before the next sweep: where workers are behind, sweeps must not pile up on them.
        tasks.prepare_greeting.apply_async((str(session_id),), expires=settings.SWEEP_EVERY)
    return len(lost)


def _lost_before() -> datetime:
    return timezone.now() - timedelta(seconds=settings.GREETING_LOST_AFTER)
