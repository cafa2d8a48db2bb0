import random
from collections.abc import Mapping
from datetime import timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from accounts.models import Event, User
from accounts.services.webhooks import announce
from scenarios.models import ContextUnavailable, Mode, Scenario
from scenarios.services.versions import snapshot
from training import tasks
from training.models import Assignment, EndReason, Session, SessionQuerySet
from training.services import assignments
from training.services.facts import facts_of
from training.services.refusals import SessionRefused
from training.signals import session_ended

STOPPED = "it was stopped, which is always all right"
RACES = 50  # starts that may come first, one after another, before it is somebody's turn to try again


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
    version = snapshot(scenario, _evaluator_context(scenario)) if scenario else None
    facts = {
        "organization_id": user.organization_id,
        "counselor": user,
        "kind": kind,
        "mode": mode,
        "scenario": scenario,
        "scenario_version": version,
        "assignment": assignment,
        "focus": focus,
    }
    for _ in range(RACES):
        slot = _free_slot(user, same) if mode == Mode.PHONE else None
        try:
            with transaction.atomic():
                session = _open(facts, assignment, slot)
        except IntegrityError:
            # The constraints are the locks: this start raced with another one, or a call is under way.
            standing = _what_stands_in_the_way(user, same)
            if standing:
                return standing, False
        else:
            return session, True
    raise SessionRefused("try_again", "Many calls are starting just now. Please try again.")


def _open(facts: Mapping[str, object], assignment: Assignment | None, slot: int | None) -> Session:
    attempt = assignments.begin(assignment) if assignment else None
    # It may have been cancelled since the page was opened.
    if assignment and attempt is None:
        raise SessionRefused("assignment_closed", "This assignment is not open any more.")
    session: Session = Session.objects.create(**facts, attempt=attempt, slot=slot)
    # Robust: a broker that is away loses nothing, the sweep finds the greeting.
    transaction.on_commit(lambda: tasks.prepare_greeting.delay(str(session.pk)), robust=True)
    return session


def _free_slot(user: User, same: SessionQuerySet | None) -> int:
    """One of the organization's lines that is free; any of them, so that two starts rarely choose the same."""
    live = Session.objects.live().filter(organization_id=user.organization_id, mode=Mode.PHONE)
    taken = list(live.values_list("slot", flat=True))
    free = set(range(1, user.organization.call_slots + 1)) - set(taken)
    # There may be calls beyond the number, from before it was lowered.
    if not free or len(taken) >= user.organization.call_slots:
        # Who has a call already is told of that instead.
        _what_stands_in_the_way(user, same)
        raise SessionRefused(
            "organization_full",
            "All practice lines of your center are in use. Try again when somebody has finished; a supervisor can ask "
            "for more lines.",
        )
    return random.choice(sorted(free))


def _evaluator_context(scenario: Scenario) -> str:
    try:
        return scenario.evaluator_context
    except ContextUnavailable as error:
        raise SessionRefused("try_again", "This scenario cannot be read just now. Please try again.") from error


def _what_stands_in_the_way(user: User, same: SessionQuerySet | None) -> Session | None:
    """The live one that was wanted, a refusal where another call is live, None where it was only a race."""
    live = same.live().first() if same is not None else None
    if live:
        return live
    call = Session.objects.held_by(user).live().filter(mode=Mode.PHONE).first()
    if call:
        raise SessionRefused("call_live", "You have another call under way. End it first.", call.pk)
    return None


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
    if session.kind != Session.Kind.TRIAL:
        announce(session.organization_id, Event.SESSION_COMPLETED, facts_of(session))
    return True


def stop_session(session: Session) -> bool:
    """The counselor has had enough: no grade, no attempt, no question why. False if it was already over."""
    with transaction.atomic():
        live = Session.objects.live().filter(pk=session.pk)
        live.update(is_gradable=False, not_gradable_reason=STOPPED)
        return end_session(session, EndReason.STOPPED)


def end_by_supervisor(session: Session) -> bool:
    """End somebody else's live session. Return False if it was already over."""
    return end_session(session, EndReason.SUPERVISOR)


def sweep_sessions() -> int:
    """End what nobody is in any more: calls without a heartbeat, chats long idle. Return how many."""
    now = timezone.now()
    silent = Session.objects.silent_since(
        calls_before=now - timedelta(seconds=settings.HEARTBEAT_LOST_AFTER),
        lines_before=now - timedelta(seconds=settings.LINE_KEPT_FOR),
        chats_before=now - timedelta(seconds=settings.CHAT_IDLE_AFTER),
    )
    return sum(_abandon(session, silent) for session in list(silent))


def _abandon(session: Session, silent: SessionQuerySet) -> bool:
    """End it, unless somebody has come back meanwhile. Grading settles what was left open of its last turns."""
    reason = EndReason.LINE_LOST if session.is_phone else EndReason.IDLE
    return end_session(session, reason, Session.Status.ABANDONED, among=silent)
