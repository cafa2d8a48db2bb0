"""Choices on the page that assigns practice: what is chosen so far, and what can be chosen next."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Cohort, User, UserQuerySet
from accounts.web.identifiers import is_uuid
from accounts.web.requests import AuthenticatedRequest
from scenarios.models import Scenario, ScenarioQuerySet
from training.models import Assignment

MAX_SEARCH_RESULTS = 12
RECENT_SCENARIOS, RECENT_ASSIGNMENTS = 5, 200  # scenarios shown first, and the assignments that they are taken from


@dataclass(frozen=True)
class DueDay:
    """A due date that one press chooses."""

    label: str
    day: date | None


@dataclass(frozen=True)
class AssignmentSelection:
    """Choices so far on the assignment page, and the results of both searches."""

    counselors: UserQuerySet
    scenarios: ScenarioQuerySet
    cohorts: Collection[Cohort]  # all that can be chosen
    chosen_cohorts: Collection[str]  # ids
    counselor_query: str
    scenario_query: str
    found_counselors: Sequence[User]
    found_scenarios: Sequence[Scenario]
    due_days: Sequence[DueDay]


def read_selection(request: AuthenticatedRequest, sent: QueryDict) -> AssignmentSelection:
    people = User.objects.for_user(request.user).counselors()
    scenarios = Scenario.objects.for_user(request.user).filter(is_active=True)
    return AssignmentSelection(
        counselors=people.filter(pk__in=_valid_ids(sent, "counselors")).by_name(),
        scenarios=scenarios.filter(pk__in=_valid_ids(sent, "scenarios")),
        cohorts=Cohort.objects.for_user(request.user).with_size(),
        chosen_cohorts=_valid_ids(sent, "cohorts"),
        counselor_query=sent.get("find_counselors", ""),
        scenario_query=sent.get("find_scenarios", ""),
        found_counselors=search_counselors(request, sent),
        found_scenarios=search_scenarios(request, sent),
        due_days=_due_days(),
    )


def search_counselors(request: AuthenticatedRequest, sent: QueryDict) -> list[User]:
    """Return up to MAX_SEARCH_RESULTS + 1 counselors not chosen yet, by name. The extra one shows that there are more.

    Without a text, these are the first ones of all.
    """
    text = sent.get("find_counselors", "").strip()
    people = User.objects.for_user(request.user).counselors().exclude(pk__in=_valid_ids(sent, "counselors"))
    return list(people.matching(text).by_name()[: MAX_SEARCH_RESULTS + 1])


def search_scenarios(request: AuthenticatedRequest, sent: QueryDict) -> list[Scenario]:
    """Return up to MAX_SEARCH_RESULTS + 1 scenarios not chosen yet. Without a text, those assigned last come first."""
    text = sent.get("find_scenarios", "").strip()
    scenarios = Scenario.objects.for_user(request.user).library().filter(is_active=True)
    rest = scenarios.in_modes_of(request.user.organization).exclude(pk__in=_valid_ids(sent, "scenarios"))
    if text:
        return list(rest.filter(title__icontains=text)[: MAX_SEARCH_RESULTS + 1])
    recent = _recently_assigned(request.user, rest)
    others = rest.exclude(pk__in=[one.pk for one in recent]).order_by("title")
    return recent + list(others[: MAX_SEARCH_RESULTS + 1 - len(recent)])


def _recently_assigned(user: User, scenarios: Any) -> list[Scenario]:
    """Return the scenarios that were assigned last, the latest first, marked with `is_recent`."""
    newest = Assignment.objects.for_user(user).order_by("-created_at", "pk")
    ids = list(dict.fromkeys(newest.values_list("scenario", flat=True)[:RECENT_ASSIGNMENTS]))
    found = scenarios.in_bulk(ids[: 2 * RECENT_SCENARIOS])
    recent = [found[pk] for pk in ids if pk in found][:RECENT_SCENARIOS]
    for one in recent:
        one.is_recent = True
    return recent


def _valid_ids(sent: QueryDict, name: str) -> list[str]:
    """Return the submitted values that are well-formed ids."""
    return [one for one in sent.getlist(name) if is_uuid(one)]


def _due_days() -> list[DueDay]:
    today = timezone.localdate()
    return [
        DueDay(_("No due date"), None),
        DueDay(_("In a week"), today + timedelta(days=7)),
        DueDay(_("In two weeks"), today + timedelta(days=14)),
        DueDay(_("In four weeks"), today + timedelta(days=28)),
    ]
