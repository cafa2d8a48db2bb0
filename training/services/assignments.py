"""How an assignment gets from one status to another: all of it stands here, and nowhere else is a status written.

    pending --begin--> in progress --graded, and good enough or no attempt left--> completed
       ^                    |
       +---reset------------+        pending or in progress --cancel, decline--> cancelled

Feedback completes an assignment, never a hand. A finished one can be given again; an open one cannot be given twice:
the partial unique index decides that, whoever asks at the same moment.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any, NamedTuple
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils import timezone

from accounts.models import Event, User
from accounts.services.webhooks import announce
from scenarios.models import Scenario
from training.models import Assignment, AssignmentQuerySet, Session
from training.services.facts import assignment_facts

Status = Assignment.Status
MOST_AT_ONCE = 500  # pairs of a scenario and a counselor


class Pair(NamedTuple):
    counselor: User
    scenario: Scenario


@dataclass
class Given:
    """What became of the pairs that were asked for: each stands in exactly one of these."""

    assignments: list[Assignment] = field(default_factory=list)
    open: list[Pair] = field(default_factory=list)
    completed: list[Pair] = field(default_factory=list)


def assign(scenario: Scenario, counselor: User, by: User, **fields: object) -> Assignment | None:
    """Give a scenario to a counselor of the same organization; None when they already have it open."""
    _check_organization([scenario], [counselor], by)
    try:
        with transaction.atomic():
            return Assignment.objects.create(
                organization_id=by.organization_id, scenario=scenario, counselor=counselor, assigned_by=by, **fields
            )
    except IntegrityError:
        return None


@transaction.atomic
def assign_many(
    scenarios: Iterable[Scenario], counselors: Iterable[User], by: User, *, force: bool = False, **fields: Any
) -> Given:
    """Give each of these scenarios to each of these counselors.

    Who has one open already keeps it. Who has completed one is given it again with `force` only. Raises ValidationError
    where it would be more than MOST_AT_ONCE pairs.
    """
    # In one order for everybody, so that two who assign the same at once wait for each other and do not lock up.
    wanted = {scenario.pk: scenario for scenario in sorted(scenarios, key=lambda row: row.pk)}
    people = {counselor.pk: counselor for counselor in sorted(counselors, key=lambda row: row.pk)}
    _check_organization(wanted.values(), people.values(), by)
    check_pairs(len(wanted), len(people))
    pairs = list(product(people, wanted))
    before = Assignment.objects.filter(counselor__in=people, scenario__in=wanted)
    done = set() if force else set(before.filter(status=Status.COMPLETED).values_list("counselor_id", "scenario_id"))
    rows = [
        Assignment(organization_id=by.organization_id, counselor_id=who, scenario_id=what, assigned_by=by, **fields)
        for who, what in pairs
        if (who, what) not in done
    ]
    # The index decides: of two rows for one pair the second is left out, also when both are written now.
    Assignment.objects.bulk_create(rows, ignore_conflicts=True)
    made = Assignment.objects.with_people().in_bulk([row.pk for row in rows])
    opened = {(row.counselor_id, row.scenario_id) for row in made.values()}
    still_open = set(before.open().values_list("counselor_id", "scenario_id")) - opened
    given = Given([made[row.pk] for row in rows if row.pk in made])
    for who, what in pairs:
        pair = Pair(people[who], wanted[what])
        if (who, what) in still_open:
            given.open.append(pair)
        elif (who, what) in done:
            given.completed.append(pair)
    return given


def check_pairs(scenarios: int, counselors: int) -> None:
    """Raises ValidationError for more than can be looked over."""
    pairs = scenarios * counselors
    if pairs > MOST_AT_ONCE:
        raise ValidationError(
            f"{scenarios:,} scenarios for {counselors:,} counselors are {pairs:,} assignments; "
            f"at most {MOST_AT_ONCE} are given at once. Choose fewer."
        )


def _check_organization(scenarios: Iterable[Scenario], counselors: Iterable[User], by: User) -> None:
    owners = {scenario.organization_id for scenario in scenarios} | {person.organization_id for person in counselors}
    if owners - {by.organization_id}:
        raise ValueError("A scenario is assigned within its organization.")


def begin(assignment: Assignment) -> int | None:
    """An attempt begins: its number, or None when the assignment is not open (any more)."""
    if not Assignment.objects.open().filter(pk=assignment.pk).update(status=Status.IN_PROGRESS):
        return None
    last = assignment.sessions.aggregate(last=Max("attempt"))["last"]
    return (last or 0) + 1


@transaction.atomic
def count_result(session: Session, score: int) -> None:
    """Feedback is there for its counselor to read, or a person has changed it: the score that counts."""
    Session.objects.filter(pk=session.pk).update(score=score)
    session.score = score
    settle(session)


@transaction.atomic
def settle(session: Session) -> None:
    """Complete the assignment of a session if what was graded since its reset is enough, or no attempt is left."""
    if session.assignment_id is None:
        return
    # The lock lets two attempts that are graded at once see each other (SQLite's IMMEDIATE does the same).
    assignment = Assignment.objects.select_for_update().get(pk=session.assignment_id)
    counting = assignment.sessions.filter(attempt__gt=assignment.reset_after)
    scores = [score for score in counting.values_list("score", flat=True) if score is not None]
    assignment.score = max(scores, default=None)
    Assignment.objects.filter(pk=assignment.pk).update(score=assignment.score)
    used_up = assignment.attempts_allowed is not None and len(scores) >= assignment.attempts_allowed
    # Another attempt is under way: it may still be the better one.
    if scores and (assignment.is_passed or used_up) and not counting.live().exists():
        in_progress = Assignment.objects.filter(pk=assignment.pk, status=Status.IN_PROGRESS)
        if in_progress.update(status=Status.COMPLETED, completed_at=timezone.now()):
            announce(assignment.organization_id, Event.ASSIGNMENT_COMPLETED, assignment_facts(assignment))


@transaction.atomic
def reset(assignment: Assignment) -> bool:
    """Back to pending; its attempts so far do not count. False when it is not in progress or a session is live."""
    last = assignment.sessions.aggregate(last=Max("attempt"))["last"] or 0
    in_progress = _without_live_session(assignment).filter(status=Status.IN_PROGRESS)
    return bool(in_progress.update(status=Status.PENDING, score=None, reset_after=last))


def cancel(assignment: Assignment) -> bool:
    """Take an open assignment back. False when it is not open or a session of it is live."""
    return bool(_without_live_session(assignment).open().update(status=Status.CANCELLED))


def decline(assignment: Assignment) -> bool:
    """Its counselor would rather not take this topic: no reason is asked, and it is no fault. False as for `cancel`."""
    return bool(_without_live_session(assignment).open().update(status=Status.CANCELLED, declined_at=timezone.now()))


def _without_live_session(assignment: Assignment) -> AssignmentQuerySet:
    return Assignment.objects.filter(pk=assignment.pk).exclude(sessions__in=Session.objects.live())


def named(ids: Sequence[UUID], rows: dict[UUID, Any], what: str) -> list[Any]:
    """Rows in the order of their ids. Raises ValidationError that names each id of nothing."""
    unknown = [pk for pk in ids if pk not in rows]
    if unknown:
        raise ValidationError([f"There is no {what} {pk}." for pk in unknown])
    return [rows[pk] for pk in ids]
