"""Assignments and all of their status changes. No other module writes an assignment's status.

    pending --start--> in progress --pass mark reached, or attempts used up--> completed
       ^                    |
       +---reset------------+        pending or in progress --cancel, decline--> cancelled

An assignment is completed by its feedback, never manually. A closed one can be assigned again. An open one
cannot be assigned twice: the partial unique index prevents it, even for concurrent requests.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import product
from typing import Any, NamedTuple, Unpack
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.integrations.webhooks import queue_event
from accounts.models import Feature, Organization, User, WebhookEvent
from accounts.services.features import require_feature
from scenarios.models import Mode, Scenario
from training.models import Assignment, AssignmentQuerySet, AssignmentTerms, Session
from training.services.webhook_payloads import assignment_payload

Status = Assignment.Status
MAX_PAIRS_PER_REQUEST = 500  # pairs of a scenario and a counselor
CHANGE_REFUSED_TEXT = gettext_lazy(
    "Nothing was changed. The assignment has a session in progress, or its status has changed."
)


class AssignmentPair(NamedTuple):
    """A counselor and a scenario."""

    counselor: User
    scenario: Scenario


@dataclass
class BulkAssignmentResult:
    """Result of a bulk assignment. Each requested pair is in exactly one list."""

    assignments: list[Assignment] = field(default_factory=list)  # newly assigned
    open: list[AssignmentPair] = field(default_factory=list)  # already open, kept as is
    completed: list[AssignmentPair] = field(default_factory=list)  # completed earlier, not assigned again


def assign(scenario: Scenario, counselor: User, by: User, **terms: Unpack[AssignmentTerms]) -> Assignment | None:
    """Assign a scenario to a counselor. Return None if they already have it open.

    Terms that are not given are the organization's defaults. Raise ValueError if the scenario or the counselor belongs
    to another organization, and FeatureOffError for a chat if the organization has turned off practice by chat.
    """
    _check_organization([scenario], [counselor], by)
    check_modes([scenario], by.organization)
    terms = default_terms(by.organization) | terms
    try:
        with transaction.atomic():
            return Assignment.objects.create(
                organization_id=by.organization_id, scenario=scenario, counselor=counselor, assigned_by=by, **terms
            )
    except IntegrityError:
        return None


@transaction.atomic
def assign_many(
    scenarios: Iterable[Scenario],
    counselors: Iterable[User],
    by: User,
    *,
    force: bool = False,
    **terms: Unpack[AssignmentTerms],
) -> BulkAssignmentResult:
    """Assign each scenario to each counselor.

    Open assignments are kept. Completed ones are assigned again only with `force`. Raise ValidationError for more than
    MAX_PAIRS_PER_REQUEST pairs, and FeatureOffError as `assign` does.
    """
    # Use a fixed order, so that concurrent requests for the same pairs wait for each other instead of deadlocking.
    by_scenario_id = {scenario.pk: scenario for scenario in sorted(scenarios, key=lambda row: row.pk)}
    by_counselor_id = {counselor.pk: counselor for counselor in sorted(counselors, key=lambda row: row.pk)}
    _check_organization(by_scenario_id.values(), by_counselor_id.values(), by)
    check_pair_count(len(by_scenario_id), len(by_counselor_id))
    check_modes(by_scenario_id.values(), by.organization)
    terms = default_terms(by.organization) | terms
    pairs = list(product(by_counselor_id, by_scenario_id))
    matching = Assignment.objects.filter(counselor__in=by_counselor_id, scenario__in=by_scenario_id)
    done = set() if force else set(matching.filter(status=Status.COMPLETED).values_list("counselor_id", "scenario_id"))
    rows = [
        Assignment(
            organization_id=by.organization_id,
            counselor_id=counselor_id,
            scenario_id=scenario_id,
            assigned_by=by,
            **terms,
        )
        for counselor_id, scenario_id in pairs
        if (counselor_id, scenario_id) not in done
    ]
    # The unique index skips the second of two rows for the same pair, even if both are in this batch.
    Assignment.objects.bulk_create(rows, ignore_conflicts=True)
    created = Assignment.objects.with_names().in_bulk([row.pk for row in rows])
    opened = {(row.counselor_id, row.scenario_id) for row in created.values()}
    still_open = set(matching.open().values_list("counselor_id", "scenario_id")) - opened
    result = BulkAssignmentResult([created[row.pk] for row in rows if row.pk in created])
    for counselor_id, scenario_id in pairs:
        pair = AssignmentPair(by_counselor_id[counselor_id], by_scenario_id[scenario_id])
        if (counselor_id, scenario_id) in still_open:
            result.open.append(pair)
        elif (counselor_id, scenario_id) in done:
            result.completed.append(pair)
    return result


def check_pair_count(scenarios: int, counselors: int) -> None:
    """Raise ValidationError for more than MAX_PAIRS_PER_REQUEST pairs, too many for a person to check."""
    pairs = scenarios * counselors
    if pairs > MAX_PAIRS_PER_REQUEST:
        raise ValidationError(
            _("You can create up to %(limit)s assignments at once. Your choices would create %(count)s.")
            % {"limit": MAX_PAIRS_PER_REQUEST, "count": f"{pairs:,}"}
        )


def check_modes(scenarios: Iterable[Scenario], organization: Organization) -> None:
    """Raise FeatureOffError if one of the scenarios is a chat and the organization has turned off practice by chat."""
    if any(scenario.mode == Mode.CHAT for scenario in scenarios):
        require_feature(organization, Feature.CHAT)


def default_terms(organization: Organization) -> AssignmentTerms:
    """Return the terms that the organization's new assignments have unless others are given."""
    return {
        "pass_mark": organization.default_pass_mark,
        "attempts_allowed": organization.default_attempts,
        "require_recording": organization.default_recording,
    }


def _check_organization(scenarios: Iterable[Scenario], counselors: Iterable[User], by: User) -> None:
    owners = {scenario.organization_id for scenario in scenarios} | {person.organization_id for person in counselors}
    if owners - {by.organization_id}:
        raise ValueError("Scenarios and counselors must belong to the organization of the person who assigns them.")


def start_attempt(assignment: Assignment) -> int | None:
    """Start an attempt and return its number, or None if the assignment is no longer open."""
    if not Assignment.objects.open().filter(pk=assignment.pk).update(status=Status.IN_PROGRESS):
        return None
    last = assignment.sessions.aggregate(last=Max("attempt"))["last"]
    return (last or 0) + 1


@transaction.atomic
def record_score(session: Session, score: int) -> None:
    """Save the score that counts, after feedback is released to the counselor or a reviewer changes the score."""
    Session.objects.filter(pk=session.pk).update(score=score)
    session.score = score
    update_completion(session)


@transaction.atomic
def update_completion(session: Session) -> None:
    """Complete the assignment if a score since its last reset is high enough or no attempts are left."""
    if session.assignment_id is None:
        return
    # The lock lets two attempts that are graded concurrently see each other. SQLite's IMMEDIATE does the same.
    assignment = Assignment.objects.select_for_update().get(pk=session.assignment_id)
    counting = assignment.sessions.filter(attempt__gt=assignment.reset_after)
    scores = [score for score in counting.values_list("score", flat=True) if score is not None]
    former_score, assignment.score = assignment.score, max(scores, default=None)
    Assignment.objects.filter(pk=assignment.pk).update(score=assignment.score)
    used_up = assignment.attempts_allowed is not None and len(scores) >= assignment.attempts_allowed
    # Do not complete while another attempt is live: it may get a better score.
    if scores and (assignment.is_passed or used_up) and not counting.live().exists():
        in_progress = Assignment.objects.filter(pk=assignment.pk, status=Status.IN_PROGRESS)
        if in_progress.update(status=Status.COMPLETED, completed_at=timezone.now()):
            queue_event(assignment.organization_id, WebhookEvent.ASSIGNMENT_COMPLETED, assignment_payload(assignment))
            return
    # A reviewer has changed a score that other systems already know.
    if assignment.status == Status.COMPLETED and assignment.score != former_score:
        queue_event(assignment.organization_id, WebhookEvent.ASSIGNMENT_COMPLETED, assignment_payload(assignment))


@transaction.atomic
def reset_assignment(assignment: Assignment) -> bool:
    """Reset an assignment to pending. Its attempts so far no longer count.

    Return False if it is not in progress or has a live session.
    """
    last = assignment.sessions.aggregate(last=Max("attempt"))["last"] or 0
    in_progress = _without_live_session(assignment).filter(status=Status.IN_PROGRESS)
    return bool(in_progress.update(status=Status.PENDING, score=None, reset_after=last))


def cancel_assignment(assignment: Assignment) -> bool:
    """Cancel an open assignment. Return False if it is not open or has a live session."""
    return bool(_without_live_session(assignment).open().update(status=Status.CANCELLED))


def change_due_date(assignment: Assignment, day: date | None) -> bool:
    """Change the due date of an open assignment, and remind its counselor anew. Return False if it is not open."""
    return bool(Assignment.objects.open().filter(pk=assignment.pk).update(due_date=day, reminded_at=None))


def decline_assignment(assignment: Assignment) -> bool:
    """Decline an open assignment for its counselor, without a reason or a penalty.

    Return False in the same cases as `cancel_assignment`.
    """
    return bool(_without_live_session(assignment).open().update(status=Status.CANCELLED, declined_at=timezone.now()))


def _without_live_session(assignment: Assignment) -> AssignmentQuerySet:
    return Assignment.objects.filter(pk=assignment.pk).exclude(sessions__in=Session.objects.live())


def resolve_ids(ids: Sequence[UUID], rows: dict[UUID, Any]) -> list[Any]:
    """Return the rows in the order of their ids. Raise ValidationError that names each unknown id."""
    unknown = [pk for pk in ids if pk not in rows]
    if unknown:
        raise ValidationError([_("Unknown ID: %(id)s.") % {"id": pk} for pk in unknown])
    return [rows[pk] for pk in ids]
