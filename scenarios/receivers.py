"""Signal receivers for new organizations and deleted scenarios."""

from typing import Any

from django.db import transaction
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver

from accounts.models import Organization
from scenarios.models import Category, Scenario, Skill
from scenarios.services.evaluator_contexts import remove_superseded_context

DEFAULT_CATEGORIES = ["Onboarding", "Refresher", "Advanced", "Assessment"]
DEFAULT_SKILLS = [
    "Active listening",
    "Rapport building",
    "De-escalation",
    "Risk assessment",
    "Safety planning",
    "Self-harm assessment",
    "Substance assessment",
    "Domestic violence assessment",
    "Grief support",
    "Anxiety support",
    "Medication support",
    "Resource linkage",
    "Call routing",
    "Boundary setting",
    "Termination",
]


@receiver(post_save, sender=Organization)
def seed_organization(instance: Organization, created: bool, raw: bool = False, **kwargs: Any) -> None:
    """Create the default categories and skills of a new organization, which can change them."""
    if created and not raw:
        Category.objects.bulk_create(Category(organization=instance, name=name) for name in DEFAULT_CATEGORIES)
        Skill.objects.bulk_create(Skill(organization=instance, name=name) for name in DEFAULT_SKILLS)


@receiver(post_delete, sender=Scenario)
def remove_context_of_deleted_scenario(instance: Scenario, **kwargs: Any) -> None:
    """Delete the context file of a deleted scenario after the commit. Versions keep their own copy of the text."""
    key = instance.evaluator_context_file.name
    transaction.on_commit(lambda: remove_superseded_context(key or ""), robust=True)
