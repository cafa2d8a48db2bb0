"""Who holds the line of a call. Every socket that is let in begins an epoch; the database says which one counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from training.models import CallTicket, EndReason, Session, TranscriptTurn
from training.services.sessions import end_session

CALLER_NOT_REACHED = "The caller could not be reached."


@dataclass(frozen=True)
class Held:
    """A call that a gateway holds, with the ticket that let its socket in."""

    session_id: UUID
    epoch: int
    ticket_id: UUID


def is_in_use(session: Session) -> bool:
    """Whether a socket holds the call now. A holder that has missed three heartbeats is dead, whatever the row says."""
    return session.is_held and session.heartbeat_at >= _stale_since()


def _stale_since() -> datetime:
    return timezone.now() - timedelta(seconds=3 * settings.HEARTBEAT_EVERY)


def take_line(session: Session, displaces: int | None = None) -> int | None:
    """Hold the call for a gateway; its new epoch, or None when it is over or a socket holds it.

    The epoch that it `displaces` may be holding it still.
    """
    with transaction.atomic():
        free = Q(is_held=False) | Q(heartbeat_at__lt=_stale_since())
        if displaces is not None:
            free |= Q(epoch=displaces)
        taken = (
            Session.objects.live()
            .filter(free, pk=session.pk)
            .update(is_held=True, epoch=F("epoch") + 1, heartbeat_at=timezone.now())
        )
        return Session.objects.values_list("epoch", flat=True).get(pk=session.pk) if taken else None


def beat(held: Sequence[Held]) -> dict[UUID, str]:
    """Say that these calls are held still. Return those that are not ours any more, and what became of them.

    As many queries for all calls of a process as for one. The words are the gateway's reasons to end.
    """
    if not held:
        return {}
    rows = Session.objects.in_bulk([one.session_id for one in held])
    tickets = CallTicket.objects.select_related("counselor").in_bulk([one.ticket_id for one in held])
    lost = {one.session_id: _loss(one, rows.get(one.session_id), tickets.get(one.ticket_id)) for one in held}
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


def _loss(held: Held, session: Session | None, ticket: CallTicket | None) -> str:
    """Empty while all is well."""
    if session is None or not session.is_live:
        is_supervisors = session is not None and session.end_reason == EndReason.SUPERVISOR
        return EndReason.SUPERVISOR.value if is_supervisors else EndReason.ENDED_ELSEWHERE.value
    if session.epoch != held.epoch or not session.is_held:
        return EndReason.REPLACED.value
    return "" if ticket is not None and ticket.is_still_good else "logged_out"


def let_go(session_id: UUID, epoch: int) -> bool:
    """Everything this epoch heard is saved, and the time for which the line is kept begins.

    False when another epoch has taken it meanwhile.
    """
    mine = Session.objects.filter(pk=session_id, epoch=epoch)
    return bool(mine.update(is_held=False, heartbeat_at=timezone.now()))


def lapse(session_id: UUID, epoch: int) -> bool:
    """Nobody came back to the line this epoch let go. False when somebody has, or it is over."""
    waiting = Session.objects.live().filter(pk=session_id, epoch=epoch, is_held=False)
    session = waiting.first()
    return session is not None and end_session(session, EndReason.LINE_LOST, Session.Status.ABANDONED, among=waiting)


@transaction.atomic
def put_down(
    session: Session, epoch: int, reason: EndReason, status: str, not_gradable: str = "", detail: str = ""
) -> None:
    """The call is over and all of it is saved: in one step, so that grading finds nobody holding it.

    An epoch that has lost the line ends nothing: the call goes on with another. What failed is graded all the same
    where both were heard; where the caller never was, it is not the counselor's to fail.
    """
    if not let_go(session.pk, epoch):
        return
    if not not_gradable and status == Session.Status.FAILED and not _were_both_heard(session):
        not_gradable = CALLER_NOT_REACHED
    facts: dict[str, object] = {"end_detail": detail[:100]}
    if not_gradable:
        facts |= {"is_gradable": False, "not_gradable_reason": not_gradable}
    Session.objects.live().filter(pk=session.pk).update(**facts)
    end_session(session, reason, status)


def _were_both_heard(session: Session) -> bool:
    return session.turns.by_caller().exists() and session.turns.filter(role=TranscriptTurn.Role.COUNSELOR).exists()
