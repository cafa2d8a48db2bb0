"""Start of practice sessions: assigned, free, trials, and warm-up calls."""

import random
from collections.abc import Mapping
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts.models import Feature, User
from accounts.services.features import FeatureOffError, require_feature
from accounts.services.rate_limits import UsageKind, spend
from accounts.services.task_queue import queue_on_commit
from scenarios.models import ContextUnavailableError, Mode, Scenario, ScenarioVersion, ScenarioWorkingCopy
from scenarios.services.copy_trials import NotPlayableError, find_snapshot, snapshot_copy
from scenarios.services.versions import snapshot_scenario
from training import tasks
from training.models import Assignment, Session, SessionQuerySet
from training.services import assignments
from training.services.errors import SessionRefusedError

TrialSource = Scenario | ScenarioWorkingCopy

WARM_UP_GREETING = "Hi, this is Theo. I'm fine, I'm only calling so you can try out the line. How do I sound?"
WARM_UP_REASON = gettext_noop("A warm-up call is never graded.")
MAX_START_RETRIES = 50  # races that a start may lose to other starts before it gives up


def start_assignment(assignment: Assignment) -> tuple[Session, bool]:
    """Start the next attempt of an assignment. Return (session, True), or (live session, False) if there is one.

    Raise SessionRefusedError if the assignment is closed.
    """
    live = assignment.sessions.live().first()
    if live:
        return live, False
    if not assignment.is_open:
        raise _assignment_closed()
    return _start_session(
        assignment.counselor,
        Session.Kind.ASSIGNMENT,
        assignment.scenario.mode,
        scenario=assignment.scenario,
        assignment=assignment,
        same=Session.objects.filter(assignment=assignment),
    )


def check_free_practice(user: User, mode: str) -> None:
    """Raise FeatureOffError if the user's organization has turned off free practice, or chats for a chat."""
    require_feature(user.organization, Feature.FREE_PRACTICE)
    if mode == Mode.CHAT:
        require_feature(user.organization, Feature.CHAT)


def can_practice_freely(user: User, mode: str) -> bool:
    try:
        check_free_practice(user, mode)
    except FeatureOffError:
        return False
    return True


def start_free_practice(
    user: User, mode: str, scenario: Scenario | None = None, focus: str = ""
) -> tuple[Session, bool]:
    """Start practice without an assignment, with a library scenario or the counselor's own focus.

    Raise SessionRefusedError if the scenario has another mode, and FeatureOffError as `check_free_practice` does.
    """
    check_free_practice(user, mode)
    if scenario and scenario.mode != mode:
        is_call = scenario.mode == Mode.PHONE
        raise SessionRefusedError(
            "wrong_mode", _("This scenario is a phone call.") if is_call else _("This scenario is a chat.")
        )
    return _start_session(user, Session.Kind.FREE_PRACTICE, mode, scenario=scenario, focus=focus)


def _assignment_closed() -> SessionRefusedError:
    return SessionRefusedError("assignment_closed", _("This assignment is no longer open."))


def can_start_trial(user: User) -> bool:
    """Return whether the user may try any scenario of the organization. This needs permission to change scenarios."""
    return user.has_perm("scenarios.change_scenario")


def find_trial_source(user: User, pk: UUID) -> TrialSource | None:
    """Return the scenario with this id, or the user's own working copy of one."""
    own = ScenarioWorkingCopy.objects.for_user(user).select_related("scenario")
    return Scenario.objects.for_user(user).filter(pk=pk).first() or own.filter(pk=pk).first()


def start_trial(user: User, source: TrialSource, mode: str) -> tuple[Session, bool]:
    """Start a trial of a scenario, or of a working copy as it stands, in either mode.

    Return (session, True), or (live trial, False) if there is one. A trial counts toward nothing. Check the user with
    `can_start_trial` first. Raise SessionRefusedError if the working copy does not describe a caller.
    """
    same = Session.objects.for_counselor(user).trials_of(source, mode)
    version = None
    if isinstance(source, ScenarioWorkingCopy):
        version = _snapshot_copy(source, user)
        same = same.filter(scenario_version=version)
    live = same.live().first()
    if live:
        return live, False
    scenario = source if isinstance(source, Scenario) else None
    return _start_session(user, Session.Kind.TRIAL, mode, scenario=scenario, same=same, version=version)


def find_live_trial(user: User, source: TrialSource, mode: str) -> Session | None:
    """Return the user's live trial of the scenario, or of the working copy as it stands."""
    same = Session.objects.for_counselor(user).live().trials_of(source, mode)
    if isinstance(source, ScenarioWorkingCopy):
        same = same.filter(scenario_version=find_snapshot(source, user))
    return same.first()


def _snapshot_copy(copy: ScenarioWorkingCopy, user: User) -> ScenarioVersion:
    try:
        return snapshot_copy(copy, user)
    except NotPlayableError as error:
        raise SessionRefusedError("not_playable", str(error)) from error


def start_warm_up(user: User) -> tuple[Session, bool]:
    """Start a two-minute call with a friendly caller. Return (session, True), or (live warm-up, False) if there is one.

    A warm-up is never graded, recorded, or listed, but it counts toward the rate limit of sessions.
    """
    same = Session.objects.warm_ups_of(user)
    live = same.live().first()
    return (live, False) if live else _start_session(user, Session.Kind.TRIAL, Mode.PHONE, same=same)


def _start_session(
    user: User,
    kind: Session.Kind,
    mode: str,
    scenario: Scenario | None = None,
    assignment: Assignment | None = None,
    focus: str = "",
    same: SessionQuerySet | None = None,
    version: ScenarioVersion | None = None,
) -> tuple[Session, bool]:
    """Start a session. If a concurrent start has already created an equivalent one, in `same`, return (it, False)."""
    if scenario:
        version = snapshot_scenario(scenario, _evaluator_context(scenario))
    fields = {
        "organization_id": user.organization_id,
        "counselor": user,
        "kind": kind,
        "mode": mode,
        "scenario": scenario,
        "scenario_version": version,
        "assignment": assignment,
        "focus": focus,
    }
    for _attempt in range(MAX_START_RETRIES):
        slot = _choose_free_slot(user, same) if mode == Mode.PHONE else None
        try:
            with transaction.atomic():
                session = _create_session(user, fields, assignment, slot)
        except IntegrityError:
            # The constraints are the locks: another start won the race, or the user has a live call.
            existing = _find_conflict(user, same)
            if existing:
                return existing, False
        else:
            return session, True
    raise SessionRefusedError("try_again", _("Many sessions are starting right now. Try again."))


def _create_session(
    user: User, fields: Mapping[str, object], assignment: Assignment | None, slot: int | None
) -> Session:
    """Create the session and queue its greeting on commit.

    Raise SessionRefusedError if the assignment is closed, and RateLimitExceededError.
    """
    attempt = assignments.start_attempt(assignment) if assignment else None
    # The assignment may have been canceled since the page was opened.
    if assignment and attempt is None:
        raise _assignment_closed()
    spend(UsageKind.SESSIONS, user)
    session = Session(**fields, attempt=attempt, slot=slot)
    if session.is_warm_up:
        session.greeting, session.greeting_status = WARM_UP_GREETING, Session.Greeting.READY
        session.is_gradable, session.not_gradable_reason = False, WARM_UP_REASON
    session.save(force_insert=True)
    if session.greeting_status == Session.Greeting.READY:
        return session
    # `robust`: if the broker is down, nothing is lost, because the sweep queues the greeting again.
    queue_on_commit(tasks.prepare_greeting, str(session.pk))
    return session


def _choose_free_slot(user: User, same: SessionQuerySet | None) -> int:
    """Return a random free line of the organization, so that concurrent starts rarely choose the same one."""
    live = Session.objects.live().filter(organization_id=user.organization_id, mode=Mode.PHONE)
    taken = list(live.values_list("slot", flat=True))
    free = set(range(1, user.organization.call_slots + 1)) - set(taken)
    # Calls that started before the number of lines was lowered may use higher numbers, so count all calls as well.
    if not free or len(taken) >= user.organization.call_slots:
        # If the user already has a live call, that is the more useful error, so raise it instead.
        _find_conflict(user, same)
        raise SessionRefusedError(
            "organization_full",
            _(
                "All of your center’s practice lines are in use. Try again later. If this happens often, a supervisor "
                "can request more lines."
            ),
        )
    return random.choice(sorted(free))


def _evaluator_context(scenario: Scenario) -> str:
    try:
        return scenario.evaluator_context
    except ContextUnavailableError as error:
        raise SessionRefusedError("try_again", _("This scenario could not be loaded. Try again.")) from error


def _find_conflict(user: User, same: SessionQuerySet | None) -> Session | None:
    """Return the live session of `same`, or None if there was only a race.

    Raise SessionRefusedError if the user has another live call.
    """
    live = same.live().first() if same is not None else None
    if live:
        return live
    call = Session.objects.for_counselor(user).live().filter(mode=Mode.PHONE).first()
    if call:
        raise SessionRefusedError("call_live", _("You’re already in another call. End that call first."), call.pk)
    return None
