"""One-time scenarios, which are created for specific counselors."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, Unpack

from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts.models import User
from scenarios.models import Scenario, Skill
from scenarios.services.scenarios import create_scenario
from training.models import Assignment, AssignmentTerms
from training.services.assignments import check_modes, default_terms


def check_due_date(due_date: date | None) -> None:
    """Raise ValidationError if the day is in the past."""
    if due_date and due_date < timezone.localdate():
        raise ValidationError(
            _("%(date)s is in the past. Choose today or a later date.") % {"date": date_format(due_date, "F j, Y")}
        )


def create_one_time(
    author: User,
    fields: Mapping[str, Any],
    evaluator_context: str,
    skills: Iterable[Skill],
    counselors: Iterable[User],
    **terms: Unpack[AssignmentTerms],
) -> tuple[Scenario, list[Assignment]]:
    """Create a scenario for these counselors and assign it: all or nothing, including its file.

    Raise ValidationError with the invalid fields, ValueError if a counselor belongs to another organization, and
    FeatureOffError as `assign_new_scenario` does.
    """
    people = list(counselors)
    if any(counselor.organization_id != author.organization_id for counselor in people):
        raise ValueError("The counselors must belong to the author's organization.")
    check_due_date(terms.get("due_date"))

    def assign(scenario: Scenario) -> list[Assignment]:
        return assign_new_scenario(scenario, people, author, **terms)

    fields = {**fields, "is_one_time": True}
    scenario, assignments = create_scenario(
        author.organization, author, fields, evaluator_context, skills, within=assign
    )
    return scenario, assignments or []


def assign_new_scenario(
    scenario: Scenario, counselors: Iterable[User], by: User, **terms: Unpack[AssignmentTerms]
) -> list[Assignment]:
    """Assign a new scenario to counselors of its organization, once each.

    Terms that are not given are the organization's defaults. Raise FeatureOffError for a chat if the organization has
    turned off practice by chat.
    """
    people = dict.fromkeys(counselors)
    if people:
        check_modes([scenario], by.organization)
    terms = default_terms(by.organization) | terms
    return Assignment.objects.bulk_create(
        Assignment(
            organization_id=scenario.organization_id, scenario=scenario, counselor=counselor, assigned_by=by, **terms
        )
        for counselor in people
    )
