from typing import Any

from django.db import transaction
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver

from accounts.models import Organization
from scenarios.models import Category, Scenario, Skill
from scenarios.services.contexts import remove_context_file

CATEGORIES = ["Onboarding", "Refresher", "Advanced", "Assessment"]
SKILLS = [
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
    """A new organization begins with categories and skills that it may change."""
    if created and not raw:
        Category.objects.bulk_create(Category(organization=instance, name=name) for name in CATEGORIES)
        Skill.objects.bulk_create(Skill(organization=instance, name=name) for name in SKILLS)


@receiver(post_delete, sender=Scenario)
def remove_its_context(instance: Scenario, **kwargs: Any) -> None:
    """However a scenario is deleted, its text goes with it. Its versions keep what was graded by."""
    key = instance.evaluator_context_file.name
    transaction.on_commit(lambda: remove_context_file(key or ""), robust=True)
