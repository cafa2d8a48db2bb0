"""Weekly totals of graded practice, by counselor and by scenario."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization, User
from scenarios.models import Scenario


class TallyQuerySet(models.QuerySet["Tally"]):
    def for_user(self, user: User) -> TallyQuerySet:
        """Limit to the user's own tallies, or to the organization's if permitted."""
        rows = self.filter(organization_id=user.organization_id)
        return rows if user.has_perm("evaluation.view_tally") else rows.filter(counselor_id=user.pk)

    def of_counselors(self) -> TallyQuerySet:
        return self.filter(scenario=None)

    def of_scenarios(self) -> TallyQuerySet:
        return self.filter(counselor=None)

    def skills(self) -> TallyQuerySet:
        return self.of_counselors().exclude(skill="")

    def totals(self) -> TallyQuerySet:
        return self.of_counselors().filter(skill="")


class Tally(models.Model):
    """One week's total for a counselor (in one branch of the rubric, or overall if `skill` is empty) or for a scenario.

    Plots and tables read these few rows instead of every verdict of every session. A week is recounted from its
    sessions whenever one of them is graded or a grade is changed, so the totals never drift.
    """

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    counselor = models.ForeignKey(User, on_delete=models.CASCADE, null=True, related_name="+")
    scenario = models.ForeignKey(Scenario, on_delete=models.CASCADE, null=True, related_name="+")
    week = models.DateField(help_text=_("The Monday of the week."))
    skill = models.CharField(
        max_length=30, blank=True, help_text=_("A branch of the rubric. Empty for the overall score.")
    )
    sessions = models.PositiveIntegerField(help_text=_("Graded sessions in which this applied."))
    reached = models.PositiveIntegerField(
        help_text=_("Weight of the criteria met, or the sum of the scores for the overall score.")
    )
    possible = models.PositiveIntegerField(
        help_text=_("Weight of the criteria that applied, or 100 per session for the overall score.")
    )

    objects = TallyQuerySet.as_manager()

    class Meta:
        ordering = ["week"]
        indexes = [models.Index(fields=["organization", "week"], name="tally_by_week")]
        constraints = [
            models.UniqueConstraint(fields=["counselor", "week", "skill"], name="tally_of_counselor_once"),
            models.UniqueConstraint(fields=["scenario", "week"], name="tally_of_scenario_once"),
            models.CheckConstraint(
                condition=models.Q(counselor=None, scenario__isnull=False, skill="")
                | models.Q(counselor__isnull=False, scenario=None),
                name="tally_of_one_thing",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.skill or 'score'} in the week of {self.week}"
