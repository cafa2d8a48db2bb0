"""One-time scenarios, which are created for certain counselors."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from django.core.exceptions import ValidationError
from django.utils import timezone

from accounts.models import User
from scenarios.models import Scenario, Skill
from scenarios.services.scenarios import create_scenario
from training.models import Assignment


def check_due_date(due_date: date | None) -> None:
    """Raise ValidationError if the day is over."""
    if due_date and due_date < timezone.localdate():
        raise ValidationError(f"{due_date:%B} {due_date.day}, {due_date.year} is over; choose today or a later day.")


def create_one_time(
    author: User,
    fields: Mapping[str, Any],
    evaluator_context: str,
    skills: Iterable[Skill],
    counselors: Iterable[User],
    *,
    due_date: date | None = None,
    **terms: Any,
) -> tuple[Scenario, list[Assignment]]:
    """Create a scenario for these counselors and assign it: all or nothing, including its file.

    Raise ValidationError with the invalid fields, and ValueError if a counselor belongs to another organization.
    """
    people = list(counselors)
    if any(counselor.organization_id != author.organization_id for counselor in people):
        raise ValueError("A scenario is assigned within its organization.")
    check_due_date(due_date)

    def given(scenario: Scenario) -> list[Assignment]:
        return assign_new_scenario(scenario, people, author, due_date=due_date, **terms)

    fields = {**fields, "is_one_time": True}
    scenario, made = create_scenario(author.organization, author, fields, evaluator_context, skills, within=given)
    return scenario, made or []


def assign_new_scenario(scenario: Scenario, counselors: Iterable[User], by: User, **typed: Any) -> list[Assignment]:
    """Assign a scenario that nobody has yet to counselors of its organization, once each."""
    return Assignment.objects.bulk_create(
        Assignment(
            organization_id=scenario.organization_id, scenario=scenario, counselor=counselor, assigned_by=by, **typed
        )
        for counselor in dict.fromkeys(counselors)
    )
