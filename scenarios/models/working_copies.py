"""Working copies: unpublished edits of a scenario, kept as typed."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db import models
from django.utils.translation import gettext, pgettext
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization, User
from scenarios.models.scenarios import Scenario


class ScenarioWorkingCopyQuerySet(models.QuerySet["ScenarioWorkingCopy"]):
    def for_user(self, user: User) -> ScenarioWorkingCopyQuerySet:
        """Limit to the author's own working copies, as long as they may change scenarios."""
        is_allowed = user.has_perm("scenarios.change_scenario")
        own = self.filter(author_id=user.pk, organization_id=user.organization_id)
        return own if is_allowed else self.none()

    def of(self, scenario: Scenario) -> ScenarioWorkingCopyQuerySet:
        return self.filter(scenario=scenario)

    def unpublished(self) -> ScenarioWorkingCopyQuerySet:
        """Limit to the copies of scenarios that do not exist yet."""
        return self.filter(scenario=None)

    def abandoned(self, before: datetime) -> ScenarioWorkingCopyQuerySet:
        """Limit to copies that nobody has touched since `before`."""
        return self.filter(touched_at__lt=before)


class ScenarioWorkingCopy(models.Model):
    """One author's unpublished edits: of a scenario, or of a new one, which gets this row's id when it is published.

    The fields are kept as typed, even if they are invalid. They are validated when the copy is published.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    author = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    # If the scenario is deleted, its edits stay and can be published as a new one.
    scenario = models.ForeignKey(Scenario, on_delete=models.SET_NULL, null=True, related_name="working_copies")
    based_on = models.DateTimeField(
        null=True, help_text="Time of the scenario’s last change that the author has seen. Empty for a new scenario."
    )
    fields = models.JSONField(default=dict, help_text="Values of the form by input name, each a list of texts.")
    revision = models.PositiveIntegerField(default=1, help_text="Number of saves.")
    created_at = models.DateTimeField(auto_now_add=True)
    touched_at = models.DateTimeField(auto_now_add=True)

    objects = ScenarioWorkingCopyQuerySet.as_manager()

    class Meta:
        ordering = ["-touched_at"]
        verbose_name = _("working copy")
        verbose_name_plural = _("working copies")
        constraints = [models.UniqueConstraint(fields=["author", "scenario"], name="one_working_copy_each")]

    def __str__(self) -> str:
        return self.title

    @property
    def title(self) -> str:
        """The typed title, or a name for a scenario without one."""
        typed = (self.fields.get("title") or [""])[0].strip()
        return typed or pgettext("scenario", "Untitled")

    @property
    def summary(self) -> str:
        """Words for the list: a new scenario, or changes to one."""
        return gettext("Changes that are not published") if self.scenario_id else gettext("Not published yet")

    @property
    def is_outdated(self) -> bool:
        """Return whether the scenario was changed after the author last saw it."""
        return self.scenario is not None and self.scenario.updated_at != self.based_on
