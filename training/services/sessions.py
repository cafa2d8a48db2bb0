"""End of practice sessions. Their start is in `session_start`."""

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext_noop

from accounts.integrations.webhooks import queue_event
from accounts.models import WebhookEvent
from training.models import EndReason, Session, SessionQuerySet
from training.services.assignments import update_completion
from training.services.webhook_payloads import session_payload
from training.signals import session_ended

STOPPED_REASON = gettext_noop("The counselor stopped this session, which is always OK.")
# The attempt's number is free again for the next session.
_STOPPED_FIELDS = {"is_gradable": False, "not_gradable_reason": STOPPED_REASON, "attempt": None}


@transaction.atomic
def end_session(
    session: Session,
    reason: EndReason,
    status: str = Session.Status.COMPLETED,
    among: SessionQuerySet | None = None,
) -> bool:
    """End a live session, if it is one of `among`, and announce it. Return False if it had already ended.

    The conditional UPDATE is the lock: a hang-up, a sweep, and a lost socket can race here.
    """
    live = Session.objects.live() if among is None else among
    ended = live.filter(pk=session.pk).update(
        status=status,
        ended_at=timezone.now(),
        end_reason=reason,
        revision=F("revision") + 1,
        **(_STOPPED_FIELDS if reason == EndReason.STOPPED else {}),
    )
    if not ended:
        return False
    session.refresh_from_db()
    session_ended.send(sender=Session, session=session)
    if session.kind != Session.Kind.TRIAL:
        queue_event(session.organization_id, WebhookEvent.SESSION_COMPLETED, session_payload(session))
    if session.was_stopped:
        # No grading follows, and an earlier attempt may have passed while this one kept the assignment open.
        update_completion(session)
    return True


def stop_session(session: Session) -> bool:
    """Stop a session for its counselor, without a reason. It is not graded and does not count as an attempt.

    Return False if it had already ended.
    """
    return end_session(session, EndReason.STOPPED)


def end_by_supervisor(session: Session) -> bool:
    """End another person's live session. Return False if it had already ended."""
    return end_session(session, EndReason.SUPERVISOR)


def sweep_sessions() -> int:
    """End abandoned sessions: calls without a heartbeat, and idle chats. Return the number of ended sessions."""
    now = timezone.now()
    silent = Session.objects.without_heartbeat_since(
        calls_before=now - timedelta(seconds=settings.HEARTBEAT_LOST_AFTER),
        lines_before=now - timedelta(seconds=settings.LINE_KEPT_FOR),
        chats_before=now - timedelta(seconds=settings.CHAT_IDLE_AFTER),
    )
    return sum(_end_abandoned(session, silent) for session in list(silent))


def _end_abandoned(session: Session, silent: SessionQuerySet) -> bool:
    """End a session unless someone has returned to it. Grading closes its open turns."""
    reason = EndReason.LINE_LOST if session.is_phone else EndReason.IDLE
    return end_session(session, reason, Session.Status.ABANDONED, among=silent)
