"""Leases on calls. Every admitted socket begins an epoch, and the session's row stores the current one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_noop

from training.models import CallTicket, EndReason, Session, TranscriptTurn
from training.services.sessions import end_session

CALLER_UNREACHED_REASON = gettext_noop("The caller could not be reached.")


@dataclass(frozen=True)
class CallLease:
    """A call that a gateway holds, with the ticket that admitted its socket."""

    session_id: UUID
    epoch: int
    ticket_id: UUID


def is_call_held(session: Session) -> bool:
    """Return whether a socket holds the call now. A holder that has missed three heartbeats counts as dead."""
    return session.is_held and session.heartbeat_at >= _stale_before()


def _stale_before() -> datetime:
    return timezone.now() - timedelta(seconds=3 * settings.HEARTBEAT_EVERY)


def acquire_call(session: Session, displaces: int | None = None) -> int | None:
    """Acquire the call for a gateway. Return its new epoch, or None if the call is over or held by a socket.

    A holder in the epoch `displaces` does not count: it loses the call.
    """
    with transaction.atomic():
        free = Q(is_held=False) | Q(heartbeat_at__lt=_stale_before())
        if displaces is not None:
            free |= Q(epoch=displaces)
        taken = (
            Session.objects.live()
            .filter(free, pk=session.pk)
            .update(is_held=True, epoch=F("epoch") + 1, heartbeat_at=timezone.now())
        )
        return Session.objects.values_list("epoch", flat=True).get(pk=session.pk) if taken else None


def renew_leases(held: Sequence[CallLease]) -> dict[UUID, str]:
    """Record a heartbeat for these calls. Return the lost calls, each with the reason for the gateway to end it.

    The number of queries does not grow with the number of calls.
    """
    if not held:
        return {}
    rows = Session.objects.in_bulk([one.session_id for one in held])
    tickets = CallTicket.objects.select_related("counselor").in_bulk([one.ticket_id for one in held])
    lost = {one.session_id: _loss_reason(one, rows.get(one.session_id), tickets.get(one.ticket_id)) for one in held}
    ours: dict[int, list[UUID]] = {}
    for one in held:
        if not lost[one.session_id]:
            ours.setdefault(one.epoch, []).append(one.session_id)
    mine = Q(pk=None)
    for epoch, session_ids in ours.items():
        mine |= Q(epoch=epoch, pk__in=session_ids)
    with transaction.atomic():
        still_ours = Session.objects.live().filter(mine, is_held=True).locked().values_list("pk", flat=True)
        Session.objects.filter(pk__in=list(still_ours)).update(heartbeat_at=timezone.now())
    return {session_id: reason for session_id, reason in lost.items() if reason}


def _loss_reason(held: CallLease, session: Session | None, ticket: CallTicket | None) -> str:
    """Return the reason why the lease is lost, or an empty string if it is still valid."""
    if session is None or not session.is_live:
        is_by_supervisor = session is not None and session.end_reason == EndReason.SUPERVISOR
        return EndReason.SUPERVISOR.value if is_by_supervisor else EndReason.ENDED_ELSEWHERE.value
    if session.epoch != held.epoch or not session.is_held:
        return EndReason.REPLACED.value
    return "" if ticket is not None and ticket.is_valid else "logged_out"


def release_call(session_id: UUID, epoch: int) -> bool:
    """Release a call whose turns are all saved. The grace period for reconnecting, LINE_KEPT_FOR, begins now.

    Return False if another epoch has taken the call.
    """
    mine = Session.objects.filter(pk=session_id, epoch=epoch)
    return bool(mine.update(is_held=False, heartbeat_at=timezone.now()))


def expire_call(session_id: UUID, epoch: int) -> bool:
    """End a released call that no one resumed. Return False if someone did, or if it is already over."""
    waiting = Session.objects.live().filter(pk=session_id, epoch=epoch, is_held=False)
    session = waiting.first()
    return session is not None and end_session(session, EndReason.LINE_LOST, Session.Status.ABANDONED, among=waiting)


@transaction.atomic
def finish_call(
    session: Session, epoch: int, reason: EndReason, status: str, not_gradable_reason: str = "", detail: str = ""
) -> None:
    """Release and end a call whose turns are all saved, in one step, so that grading never finds it still held.

    If `epoch` no longer holds the call, do nothing: another epoch continues it. A failed call is graded if both
    speakers were heard. Otherwise it is not gradable, because the counselor is not to blame.
    """
    if not release_call(session.pk, epoch):
        return
    if not not_gradable_reason and status == Session.Status.FAILED and not _has_both_speakers(session):
        not_gradable_reason = CALLER_UNREACHED_REASON
    changes: dict[str, object] = {"end_detail": detail[:100]}
    if not_gradable_reason:
        changes |= {"is_gradable": False, "not_gradable_reason": not_gradable_reason}
    Session.objects.live().filter(pk=session.pk).update(**changes)
    end_session(session, reason, status)


def _has_both_speakers(session: Session) -> bool:
    return session.turns.by_caller().exists() and session.turns.filter(role=TranscriptTurn.Role.COUNSELOR).exists()
