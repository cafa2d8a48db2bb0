from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, TypeVar

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import ProtectedError
from django.utils import timezone

from accounts.models import Organization, User
from scenarios.models import MAX_SKILLS, Scenario, Skill
from scenarios.services.contexts import check_context, new_context, point_at_context

T = TypeVar("T")


class ScenarioInUse(Exception):
    """Others stand on this scenario. `assignments` says how many; the text what can be done instead."""

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
    """Write a scenario whole, or nothing of it. What `within` does with it happens in the same transaction.

    Raises ValidationError with the fields that are wrong.
    """
    scenario = Scenario(organization=organization, created_by=by, **fields)
    text, chosen = check_context(evaluator_context), _few(skills)
    scenario.full_clean()
    with new_context(scenario.pk, text) as key, transaction.atomic():
        scenario.evaluator_context_file = key
        scenario.save()
        scenario.skills.set(chosen)
        done = within(scenario) if within else None
    return scenario, done


def update_scenario(
    scenario: Scenario,
    fields: Mapping[str, Any],
    evaluator_context: str | None = None,
    skills: Iterable[Skill] | None = None,
) -> None:
    """Change what is named, all of it or nothing. Raises ValidationError with the fields that are wrong."""
    for name, value in fields.items():
        setattr(scenario, name, value)
    chosen = None if skills is None else _few(skills)
    text = None if evaluator_context is None else check_context(evaluator_context)
    scenario.full_clean()
    is_new_text = text is not None and text != scenario.evaluator_context
    with new_context(scenario.pk, text if text and is_new_text else "") as key, transaction.atomic():
        # The key only with its title: somebody else may be renaming it.
        scenario.save(update_fields=[*fields, *(["title_key"] if "title" in fields else []), "updated_at"])
        if is_new_text:
            point_at_context(scenario, key)
        if chosen is not None:
            scenario.skills.set(chosen)


def _few(skills: Iterable[Skill]) -> list[Skill]:
    chosen = list(skills)
    if len(chosen) > MAX_SKILLS:
        raise ValidationError({"skills": f"At most {MAX_SKILLS} skills; you chose {len(chosen)}."})
    return chosen


def delete_scenario(scenario: Scenario) -> None:
    """Delete what nobody was given. Raises ScenarioInUse: then it can be retired."""
    try:
        scenario.delete()
    except ProtectedError as error:
        count = scenario.assignments.count()
        raise ScenarioInUse(
            f"This scenario has {count} assignment{'' if count == 1 else 's'}, so it cannot be deleted. "
            "Make it inactive instead: it is offered no more, and what was done with it stays.",
            count,
        ) from error


def promote(scenario: Scenario) -> None:
    """Take a one-time scenario into the library. Whoever asks has looked whether anything personal is left."""
    scenario.is_one_time = False
    scenario.save(update_fields=["is_one_time", "updated_at"])


def demote(scenario: Scenario) -> None:
    """Take an unused scenario out of the library. Raises ScenarioInUse when people have practised with it."""
    if not demote_unused([scenario]):
        raise ScenarioInUse(
            "Counselors have been given this scenario or have practised with it, so it stays in the library. "
            "Make it inactive to offer it no more.",
            scenario.assignments.count(),
        )
    scenario.is_one_time = True


@transaction.atomic
def demote_unused(scenarios: Collection[Scenario]) -> list[Scenario]:
    """Take out of the library what nobody was given or has practised with; return that."""
    ids = [scenario.pk for scenario in scenarios]
    # The condition is part of the change: what is given to somebody at this moment stays.
    Scenario.objects.unused().filter(pk__in=ids).update(is_one_time=True, updated_at=timezone.now())
    taken = set(Scenario.objects.one_time().filter(pk__in=ids).values_list("pk", flat=True))
    return [scenario for scenario in scenarios if scenario.pk in taken]
