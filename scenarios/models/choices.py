"""Choices for scenarios."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Mode(models.TextChoices):
    PHONE = "phone", _("Phone")
    CHAT = "chat", _("Chat")


class Difficulty(models.TextChoices):
    BEGINNER = "beginner", _("Beginner")
    INTERMEDIATE = "intermediate", _("Intermediate")
    ADVANCED = "advanced", _("Advanced")
    EXPERT = "expert", _("Expert")


class Patience(models.TextChoices):
    """Length of silence that the caller tolerates on the phone."""

    PATIENT = "patient", _("Patient (tolerates long silences)")
    NORMAL = "normal", _("Normal")
    BRISK = "brisk", _("Brisk (speaks up quickly)")


class Opener(models.TextChoices):
    CALLER = "caller", _("Caller")
    COUNSELOR = "counselor", _("Counselor")
