"""Creation, update, deletion, promotion, and demotion of scenarios."""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, TypeVar

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import ProtectedError
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Organization, User
from scenarios.models import MAX_SKILLS_PER_SCENARIO, Scenario, ScenarioQuerySet, Skill
from scenarios.services.evaluator_contexts import clean_context_text, new_context_file, replace_context_file

T = TypeVar("T")


class ScenarioInUseError(Exception):
    """A change that is refused because the scenario was assigned or practiced. `assignments` counts its assignments.

    The message says what to do instead.
    """

    def __init__(self, message: str, assignments: int = 0) -> None:
        super().__init__(message)
        self.assignments = assignments


def create_scenario(
    organization: Organization,
    by: User | None,
    fields: Mapping[str, Any],
    evaluator_context: str = "",
    skills: Iterable[Skill] = (),
    within: Callable[[Scenario], T] | None = None,
) -> tuple[Scenario, T | None]:
    """Create a scenario with its context and skills, or nothing at all. Run `within` in the same transaction.

    Raise ValidationError with the invalid fields.
    """
    scenario = Scenario(organization=organization, created_by=by, changed_by=by, **fields)
    text, chosen = clean_context_text(evaluator_context), _check_skill_count(skills)
    scenario.full_clean()
    with new_context_file(scenario.pk, text) as key, transaction.atomic():
        scenario.evaluator_context_file = key
        scenario.save()
        scenario.skills.set(chosen)
        result = within(scenario) if within else None
    return scenario, result


def update_scenario(
    scenario: Scenario,
    fields: Mapping[str, Any],
    evaluator_context: str | None = None,
    skills: Iterable[Skill] | None = None,
    by: User | None = None,
    within: Callable[[Scenario], None] | None = None,
) -> None:
    """Change the given fields, all or none. Raise ValidationError with the invalid fields.

    `within` runs in the same transaction, before anything is written. If it raises, nothing is changed.
    """
    for name, value in fields.items():
        setattr(scenario, name, value)
    chosen = None if skills is None else _check_skill_count(skills)
    text = None if evaluator_context is None else clean_context_text(evaluator_context)
    scenario.full_clean()
    is_new_text = text is not None and text != scenario.evaluator_context
    with new_context_file(scenario.pk, text if text and is_new_text else "") as key, transaction.atomic():
        if within:
            within(scenario)
        scenario.changed_by = by
        # Save the title key only with the title: another request may be renaming the scenario.
        title_key = ["title_key"] if "title" in fields else []
        scenario.save(update_fields=[*fields, *title_key, "changed_by", "updated_at"])
        if is_new_text:
            replace_context_file(scenario, key)
        if chosen is not None:
            scenario.skills.set(chosen)


def too_many_skills_message(count: int) -> str:
    """Return the error for more skills than a scenario may have."""
    return _("Choose at most %(most)s skills. You chose %(count)s.") % {"most": MAX_SKILLS_PER_SCENARIO, "count": count}


def _check_skill_count(skills: Iterable[Skill]) -> list[Skill]:
    chosen = list(skills)
    if len(chosen) > MAX_SKILLS_PER_SCENARIO:
        raise ValidationError({"skills": too_many_skills_message(len(chosen))})
    return chosen


def delete_scenario(scenario: Scenario) -> None:
    """Delete a scenario without assignments.

    Raise ScenarioInUseError if it has any; it can be made inactive instead.
    """
    try:
        scenario.delete()
    except ProtectedError as error:
        count = scenario.assignments.count()
        message = ngettext(
            "This scenario has %(count)s assignment, so it can’t be deleted. Make it inactive instead. It will no "
            "longer be offered, and past work is kept.",
            "This scenario has %(count)s assignments, so it can’t be deleted. Make it inactive instead. It will no "
            "longer be offered, and past work is kept.",
            count,
        )
        raise ScenarioInUseError(message % {"count": count}, count) from error


def promote_scenario(scenario: Scenario, by: User) -> None:
    """Add a one-time scenario to the library. Calling code must first check that no personal details are left."""
    scenario.is_one_time = False
    scenario.changed_by = by
    scenario.save(update_fields=["is_one_time", "changed_by", "updated_at"])


def demote_scenario(scenario: Scenario, by: User) -> None:
    """Remove an unused scenario from the library. Raise ScenarioInUseError if it has been assigned or practiced."""
    if not demote_unused_scenarios([scenario], by):
        raise ScenarioInUseError(
            _(
                "Counselors have been assigned this scenario or have practiced with it, so it stays in the library. "
                "To stop offering it, make it inactive."
            ),
            scenario.assignments.count(),
        )
    scenario.is_one_time = True


@transaction.atomic
def demote_unused_scenarios(scenarios: Collection[Scenario], by: User) -> list[Scenario]:
    """Remove those scenarios from the library that were never assigned or practiced, and return them."""
    ids = [scenario.pk for scenario in scenarios]
    # The condition is part of the UPDATE, so a scenario that is being assigned right now stays.
    unused = Scenario.objects.unused().filter(pk__in=ids)
    unused.update(is_one_time=True, changed_by=by, updated_at=timezone.now())
    demoted = set(Scenario.objects.one_time().filter(pk__in=ids).values_list("pk", flat=True))
    return [scenario for scenario in scenarios if scenario.pk in demoted]


def set_active(scenarios: ScenarioQuerySet, is_active: bool, by: User) -> int:
    """Offer these scenarios for practice, or stop offering them. Return how many were changed."""
    others = scenarios.filter(is_active=not is_active)
    return others.update(is_active=is_active, changed_by=by, updated_at=timezone.now())
