"""Assignments of scenarios to counselors."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import date
from typing import Any, TypedDict, cast

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization, User
from scenarios.models import Scenario


class AssignmentTerms(TypedDict, total=False):
    """Fields of an assignment that do not depend on its counselor or scenario."""

    due_date: date | None
    notes: str
    require_recording: bool
    pass_mark: int | None
    attempts_allowed: int | None


TERM_FIELDS = tuple(AssignmentTerms.__annotations__)


def pick_terms(fields: Mapping[str, Any]) -> AssignmentTerms:
    """Return the terms in `fields`, which may contain other values too."""
    return cast(AssignmentTerms, {name: fields[name] for name in TERM_FIELDS if name in fields})


class AssignmentQuerySet(models.QuerySet["Assignment"]):
    def for_user(self, user: User) -> AssignmentQuerySet:
        """Limit to the user's own assignments, or to the organization's if permitted."""
        rows = self.filter(organization_id=user.organization_id)
        return rows if user.has_perm("training.view_assignment") else rows.filter(counselor_id=user.pk)

    def open(self) -> AssignmentQuerySet:
        return self.filter(status__in=Assignment.OPEN)

    def with_names(self) -> AssignmentQuerySet:
        """Select the related rows that a list shows."""
        return self.select_related("scenario", "counselor", "assigned_by")

    def overdue(self) -> AssignmentQuerySet:
        return self.open().filter(due_date__lt=timezone.localdate())

    def due_by(self, day: date) -> AssignmentQuerySet:
        """Limit to open assignments that are not overdue and due by that day, inclusive."""
        return self.open().filter(due_date__range=(timezone.localdate(), day))

    def failed(self) -> AssignmentQuerySet:
        """Limit to assignments completed below their pass mark: every allowed attempt is used up."""
        return self.filter(status=Assignment.Status.COMPLETED, score__lt=F("pass_mark"))

    def declined(self) -> AssignmentQuerySet:
        return self.filter(declined_at__isnull=False)

    def in_state(self, state: str) -> AssignmentQuerySet:
        """Limit to a status or to one of the states `open`, `overdue`, `failed`, and `declined`."""
        named = {"open": self.open, "overdue": self.overdue, "failed": self.failed, "declined": self.declined}
        return named[state]() if state in named else self.filter(status=state)

    def matching(self, text: str) -> AssignmentQuerySet:
        """Limit to assignments whose counselor or scenario title matches the text."""
        people = User.objects.matching(text)
        return self.filter(Q(counselor__in=people) | Q(scenario__title__icontains=text))

    def soonest_due_first(self) -> AssignmentQuerySet:
        return self.order_by(F("due_date").asc(nulls_last=True), "created_at")


class Assignment(models.Model):
    """A scenario assigned to a counselor. Feedback completes it. It cannot be completed manually.

    Only `training.services.assignments` changes its status.
    """

    class Status(models.TextChoices):
        PENDING = "pending", _("Pending")
        IN_PROGRESS = "in_progress", _("In progress")
        COMPLETED = "completed", _("Completed")
        CANCELLED = "cancelled", _("Canceled")

    OPEN = (Status.PENDING, Status.IN_PROGRESS)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="assignments", verbose_name=_("organization")
    )
    counselor = models.ForeignKey(
        User, on_delete=models.PROTECT, related_name="assignments", verbose_name=_("counselor")
    )
    scenario = models.ForeignKey(
        Scenario, on_delete=models.PROTECT, related_name="assignments", verbose_name=_("scenario")
    )
    assigned_by = models.ForeignKey(
        User, on_delete=models.PROTECT, editable=False, related_name="+", verbose_name=_("assigned by")
    )
    due_date = models.DateField(_("due date"), null=True, blank=True)
    notes = models.TextField(_("notes"), blank=True, max_length=1000, help_text=_("The counselor sees these notes."))
    require_recording = models.BooleanField(_("require recording"), default=False)
    pass_mark = models.PositiveSmallIntegerField(
        _("pass mark"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(100)],
        help_text=_("Score that completes the assignment. Leave blank to accept any score."),
    )
    attempts_allowed = models.PositiveSmallIntegerField(
        _("attempts allowed"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(20)],
        help_text=_("Number of graded attempts to reach the pass mark. Leave blank for no limit."),
    )
    status = models.CharField(
        _("status"), max_length=20, choices=Status.choices, default=Status.PENDING, editable=False
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    completed_at = models.DateTimeField(_("completed at"), null=True, editable=False)
    score = models.PositiveSmallIntegerField(
        _("score"), null=True, editable=False, help_text=_("Score of the best attempt since the last reset.")
    )
    reset_after = models.PositiveIntegerField(
        _("reset after"), default=0, editable=False, help_text=_("Attempts up to this number don’t count.")
    )
    declined_at = models.DateTimeField(
        _("declined at"), null=True, editable=False, help_text=_("Time when the counselor declined the topic.")
    )
    # Times of the emails to the counselor; empty until sent. Also set if the counselor does not want the email.
    announced_at = models.DateTimeField(_("announced at"), null=True, editable=False)
    reminded_at = models.DateTimeField(_("reminded at"), null=True, editable=False)

    objects = AssignmentQuerySet.as_manager()

    class Meta:
        verbose_name = _("assignment")
        verbose_name_plural = _("assignments")
        ordering = ["-created_at", "pk"]
        indexes = [
            models.Index(fields=["organization", "-created_at", "id"], name="assignment_in_order"),
            models.Index(fields=["organization", "status", "due_date"], name="assignment_due"),
            models.Index(fields=["counselor", "status"], name="assignment_of_counselor"),
            models.Index(
                fields=["organization", "-completed_at"],
                condition=Q(status="completed", score__lt=F("pass_mark")),
                name="assignment_failed",
            ),
            models.Index(
                fields=["organization", "-declined_at"],
                condition=Q(declined_at__isnull=False),
                name="assignment_declined",
            ),
            models.Index(fields=["announced_at"], condition=Q(announced_at=None), name="assignment_unannounced"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["counselor", "scenario"],
                condition=Q(status__in=["pending", "in_progress"]),
                name="one_open_assignment",
                violation_error_message=_("This counselor already has an open assignment for this scenario."),
            )
        ]

    def __str__(self) -> str:
        return gettext("%(scenario)s for %(counselor)s") % {"scenario": self.scenario, "counselor": self.counselor}

    @property
    def is_open(self) -> bool:
        return self.status in self.OPEN

    @property
    def is_overdue(self) -> bool:
        return self.is_open and self.due_date is not None and self.due_date < timezone.localdate()

    @property
    def is_declined(self) -> bool:
        return self.declined_at is not None

    @property
    def is_passed(self) -> bool | None:
        """Return whether the best attempt reaches the pass mark; None before the first grade."""
        return None if self.score is None else self.pass_mark is None or self.score >= self.pass_mark

    @property
    def is_failed(self) -> bool:
        return self.status == self.Status.COMPLETED and self.is_passed is False
