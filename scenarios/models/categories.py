"""Categories and skills that an organization sorts its scenarios by."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization, User

NAME_LIMIT = 100  # characters of a category or skill name


class NamedQuerySet(models.QuerySet[Any]):
    def for_user(self, user: User) -> NamedQuerySet:
        return self.filter(organization_id=user.organization_id)


class Category(models.Model):
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="categories")
    name = models.CharField(_("name"), max_length=NAME_LIMIT)

    objects = NamedQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        verbose_name = _("category")
        verbose_name_plural = _("categories")
        constraints = [models.UniqueConstraint(fields=["organization", "name"], name="category_once")]

    def __str__(self) -> str:
        return self.name


class Skill(models.Model):
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="skills")
    name = models.CharField(_("name"), max_length=NAME_LIMIT)

    objects = NamedQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        verbose_name = _("skill")
        verbose_name_plural = _("skills")
        constraints = [models.UniqueConstraint(fields=["organization", "name"], name="skill_once")]

    def __str__(self) -> str:
        return self.name
