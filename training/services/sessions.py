from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, Max, Q
from django.utils import timezone

from accounts.models import User
from scenarios.models import ContextUnavailable, Mode, Scenario
from scenarios.services.versions import snapshot
from training import tasks
from training.models import Assignment, AssignmentQuerySet, EndReason, Session, SessionQuerySet
from training.services.refusals import SessionRefused
from training.signals import session_ended


def start_assignment(assignment: Assignment) -> tuple[Session, bool]:
    """Begin the next attempt of an assignment; its live session again, with False, when there is one."""
    live = assignment.sessions.live().first()
    if live:
        return live, False
    if not assignment.is_open:
        raise SessionRefused("assignment_closed", f"This assignment is {assignment.get_status_display()}.")
    return _begin(
        assignment.counselor,
        Session.Kind.ASSIGNMENT,
        assignment.scenario.mode,
        scenario=assignment.scenario,
        assignment=assignment,
        same=Session.objects.filter(assignment=assignment),
    )


def start_free_practice(
    user: User, mode: str, scenario: Scenario | None = None, focus: str = ""
) -> tuple[Session, bool]:
    """Begin practice that nobody assigned, with a scenario of the library or with what the counselor asks for."""
    if scenario and scenario.mode != mode:
        raise SessionRefused("wrong_mode", f"This scenario is played as a {scenario.get_mode_display().lower()}.")
    return _begin(user, Session.Kind.FREE_PRACTICE, mode, scenario=scenario, focus=focus)


def may_try(user: User) -> bool:
    """Whoever may change scenarios may play any of the organization, drafts and one-time ones too."""
    return user.has_perm("scenarios.change_scenario")


def start_trial(user: User, scenario: Scenario, mode: str) -> tuple[Session, bool]:
    """Play a scenario in either mode, whatever it is written for; the live trial of it again, with False.

    It counts for nobody. Who asks must have been let through by `may_try`.
    """
    same = Session.objects.held_by(user).trials_of(scenario, mode)
    live = same.live().first()
    return (live, False) if live else _begin(user, Session.Kind.TRIAL, mode, scenario=scenario, same=same)


def _begin(
    user: User,
    kind: Session.Kind,
    mode: str,
    scenario: Scenario | None = None,
    assignment: Assignment | None = None,
    focus: str = "",
    same: SessionQuerySet | None = None,
) -> tuple[Session, bool]:
    """Begin a session. Where a start that came at once has begun one of `same`, that one with False."""
    context = _evaluator_context(scenario) if scenario else ""
    try:
        with transaction.atomic():
            session = Session.objects.create(
                organization_id=user.organization_id,
                counselor=user,
                kind=kind,
                mode=mode,
                scenario=scenario,
                scenario_version=snapshot(scenario, context) if scenario else None,
                assignment=assignment,
                attempt=_next_attempt(assignment) if assignment else None,
                focus=focus,
            )
            # It may have been cancelled since the page was opened.
            if assignment and not Assignment.objects.open().filter(pk=assignment.pk).update(
                status=Assignment.Status.IN_PROGRESS
            ):
                raise SessionRefused("assignment_closed", "This assignment is not open any more.")
            # Robust: a broker that is away loses nothing, the sweep finds the greeting.
            transaction.on_commit(lambda: tasks.prepare_greeting.delay(str(session.pk)), robust=True)
    except IntegrityError:
        # The constraints are the locks: this start raced with another one, or a call is under way.
        return _what_stands_in_the_way(user, same), False
    return session, True


def _evaluator_context(scenario: Scenario) -> str:
    try:
        return scenario.evaluator_context
    except ContextUnavailable as error:
        raise SessionRefused("try_again", "This scenario cannot be read just now. Please try again.") from error


def _next_attempt(assignment: Assignment) -> int:
    last = assignment.sessions.aggregate(last=Max("attempt"))["last"]
    return (last or 0) + 1


def _what_stands_in_the_way(user: User, same: SessionQuerySet | None) -> Session:
    live = same.live().first() if same is not None else None
    if live:
        return live
    call = Session.objects.held_by(user).live().filter(mode=Mode.PHONE).first()
    if call:
        raise SessionRefused("call_live", "You have another call under way. End it first.", call.pk)
    raise SessionRefused("try_again", "Two starts came at once. Please try again.")


@transaction.atomic
def end_session(
    session: Session,
    reason: EndReason,
    status: str = Session.Status.COMPLETED,
    among: SessionQuerySet | None = None,
) -> bool:
    """End a live session, if it is one of `among`, and announce it. Return False if it was already over.

    The conditional UPDATE is the lock: a hang-up, a sweep and a lost socket can race here.
    """
    live = Session.objects.live() if among is None else among
    ended = live.filter(pk=session.pk).update(
        status=status, ended_at=timezone.now(), end_reason=reason, revision=F("revision") + 1
    )
    if not ended:
        return False
    session.refresh_from_db()
    session_ended.send(sender=Session, session=session)
    return True


def complete_assignment(session: Session) -> None:
    """Feedback is there: the assignment of this session is done. A reset one waits for its next attempt."""
    if session.assignment_id:
        in_progress = Assignment.objects.filter(status=Assignment.Status.IN_PROGRESS)
        in_progress.filter(pk=session.assignment_id).exclude(sessions__attempt__gt=session.attempt).update(
            status=Assignment.Status.COMPLETED, completed_at=timezone.now()
        )


def reset_assignment(assignment: Assignment) -> bool:
    """Back to pending. False when it is not in progress or a session of it is live."""
    in_progress = _without_live_session(assignment).filter(status=Assignment.Status.IN_PROGRESS)
    return bool(in_progress.update(status=Assignment.Status.PENDING))


def cancel_assignment(assignment: Assignment) -> bool:
    """Cancel an open assignment. False when it is not open or a session of it is live."""
    return bool(_without_live_session(assignment).open().update(status=Assignment.Status.CANCELLED))


def _without_live_session(assignment: Assignment) -> AssignmentQuerySet:
    return Assignment.objects.filter(pk=assignment.pk).exclude(sessions__in=Session.objects.live())


def assign(scenario: Scenario, counselor: User, by: User, **fields: object) -> Assignment | None:
    """Give a scenario to a counselor of the same organization; None when they already have it open."""
    if not scenario.organization_id == counselor.organization_id == by.organization_id:
        raise ValueError("A scenario is assigned within its organization.")
    try:
        with transaction.atomic():
            return Assignment.objects.create(
                organization_id=by.organization_id, scenario=scenario, counselor=counselor, assigned_by=by, **fields
            )
    except IntegrityError:
        return None


def sweep_sessions() -> int:
    """End what nobody is in any more: calls without a heartbeat, chats long idle. Return how many."""
    now = timezone.now()
    silent = Session.objects.silent_since(
        calls_before=now - timedelta(seconds=settings.HEARTBEAT_LOST_AFTER),
        chats_before=now - timedelta(seconds=settings.CHAT_IDLE_AFTER),
    )
    return sum(_abandon(session, silent) for session in list(silent))


def _abandon(session: Session, silent: SessionQuerySet) -> bool:
    """End it, unless somebody has come back meanwhile. Grading settles what was left open of its last turns."""
    reason = EndReason.LINE_LOST if session.is_phone else EndReason.IDLE
    return end_session(session, reason, Session.Status.ABANDONED, among=silent)


def is_in_use(session: Session) -> bool:
    """Whether a socket holds the call now. A holder that has missed three heartbeats is dead, whatever the row says."""
    return session.is_held and session.heartbeat_at >= _stale_since()


def _stale_since() -> datetime:
    return timezone.now() - timedelta(seconds=3 * settings.HEARTBEAT_EVERY)


def take_line(session: Session) -> int | None:
    """Hold the call for a gateway; its new epoch, or None when it is over or another socket holds it."""
    with transaction.atomic():
        taken = (
            Session.objects.live()
            .filter(Q(is_held=False) | Q(heartbeat_at__lt=_stale_since()), pk=session.pk)
            .update(is_held=True, epoch=F("epoch") + 1, heartbeat_at=timezone.now())
        )
        return Session.objects.values_list("epoch", flat=True).get(pk=session.pk) if taken else None


def beat(session_id: UUID, epoch: int) -> bool:
    """Say that this epoch still holds the call. False when the call is over or another epoch has it."""
    mine = Session.objects.live().filter(pk=session_id, epoch=epoch, is_held=True)
    return bool(mine.update(heartbeat_at=timezone.now()))


def let_go(session_id: UUID, epoch: int) -> bool:
    """Everything this epoch heard is saved. False when another epoch has taken the line meanwhile."""
    return bool(Session.objects.filter(pk=session_id, epoch=epoch).update(is_held=False))


@transaction.atomic
def put_down(session: Session, epoch: int, reason: EndReason, status: str) -> None:
    """The call is over and all of it is saved: in one step, so that grading finds nobody holding it.

    An epoch that has lost the line ends nothing: the call goes on with another.
    """
    if not let_go(session.pk, epoch):
        return
    if status == Session.Status.FAILED and not session.turns.by_caller().exists():
        # Not the counselor's to fail.
        Session.objects.filter(pk=session.pk).update(
            is_gradable=False, not_gradable_reason="The caller could not be reached."
        )
    end_session(session, reason, status)
