from typing import Any

from django.db.models.signals import post_save
from django.dispatch import receiver

from accounts.models import Organization
from scenarios.models import Category, Skill

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
