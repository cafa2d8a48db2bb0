"""Import jobs and their rows."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from accounts.models import Account, LeasedModel, LeaseQuerySet, Organization, User


class ImportJobQuerySet(LeaseQuerySet["ImportJob"]):
    def for_user(self, user: User) -> ImportJobQuerySet:
        """Limit to the organization's imports. Users without permission see none: imports contain prompts."""
        is_allowed = user.has_perm("scenarios.view_importjob")
        return self.filter(organization_id=user.organization_id) if is_allowed else self.none()

    def under_way(self) -> ImportJobQuerySet:
        return self.filter(status__in=[ImportJob.Status.QUEUED, ImportJob.Status.RUNNING])

    def not_started(self) -> ImportJobQuerySet:
        return self.filter(status__in=[ImportJob.Status.CHECKING, ImportJob.Status.CHECKED])


class ImportJob(LeasedModel):
    """A pack of scenarios being imported: checked on upload, written by a worker."""

    class Status(models.TextChoices):
        CHECKING = "checking", _("Checking")
        CHECKED = "checked", _("Ready to import")
        FORGOTTEN = "forgotten", _("Being deleted")
        QUEUED = "queued", _("Waiting to start")
        RUNNING = "running", _("Importing")
        COMPLETED = "completed", _("Completed")
        FAILED = "failed", _("Failed")

    class ImportSource(models.TextChoices):
        PAGE = "page", _("Import page")
        API = "api", _("API")
        COMMAND = "command", _("Command line")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="imports")
    created_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, related_name="+", verbose_name=_("uploaded by")
    )
    source = models.CharField(_("source"), max_length=10, choices=ImportSource.choices)
    filename = models.CharField(_("file name"), max_length=255, blank=True)
    sha256 = models.CharField(max_length=64)
    idempotency_key = models.CharField(max_length=255, blank=True)
    account = models.ForeignKey(
        Account,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("account"),
        help_text=_("The account of rows that don’t name one."),
    )
    may_update = models.BooleanField(default=False)
    creates_categories = models.BooleanField(default=False)
    is_partial = models.BooleanField(default=False, help_text=_("Valid rows are imported even if others are invalid."))
    status = models.CharField(_("status"), max_length=20, choices=Status.choices, default=Status.CHECKING)
    failure = models.CharField(max_length=500, blank=True)
    ignored_columns = models.JSONField(default=list)
    new_categories = models.JSONField(default=list, help_text=_("Names of the categories that this import adds."))
    total = models.PositiveIntegerField(_("rows"), default=0, help_text=_("Number of rows in the file."))
    invalid = models.PositiveIntegerField(
        _("invalid"), default=0, help_text=_("Number of rows that can’t be imported.")
    )
    to_write = models.PositiveIntegerField(default=0, help_text=_("Number of rows that are new or changed."))
    written = models.PositiveIntegerField(
        _("done"), default=0, help_text=_("Number of new or changed rows that are done.")
    )
    # Empty until the import is started. Attempts are counted from the last time that rows were written.
    available_at = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    finished_at = models.DateTimeField(null=True)

    objects = ImportJobQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        verbose_name = _("import")
        verbose_name_plural = _("imports")
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "idempotency_key"],
                condition=~Q(idempotency_key=""),
                name="one_import_per_idempotency_key",
            )
        ]

    def __str__(self) -> str:
        unnamed = ngettext("%(count)s scenario", "%(count)s scenarios", self.total) % {"count": self.total}
        return self.filename or unnamed

    @property
    def failure_text(self) -> str:
        """The reason for the failure in the reader's language. It is stored in English."""
        return gettext(self.failure)

    @property
    def is_under_way(self) -> bool:
        return self.status in {self.Status.QUEUED, self.Status.RUNNING}

    @property
    def is_finished(self) -> bool:
        return self.status in {self.Status.COMPLETED, self.Status.FAILED}


class ImportRowQuerySet(models.QuerySet["ImportRow"]):
    def for_user(self, user: User) -> ImportRowQuerySet:
        return self.filter(job__in=ImportJob.objects.for_user(user))

    def unwritten(self) -> ImportRowQuerySet:
        """Limit to rows that are checked and not yet written."""
        return self.filter(outcome__in=[ImportRow.Outcome.NEW, ImportRow.Outcome.CHANGED])

    def titles(self, outcome: str) -> list[str]:
        return list(self.filter(outcome=outcome).order_by("number").values_list("title", flat=True))


class ImportRow(models.Model):
    """One scenario of a pack, with its problems and outcome. A created scenario has the row's id."""

    class Outcome(models.TextChoices):
        NEW = "new", _("New")
        CHANGED = "changed", _("Will be updated")
        DUPLICATE = "duplicate", _("Already exists")
        INVALID = "invalid", _("Invalid")
        CREATED = "created", _("Created")
        UPDATED = "updated", _("Updated")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    job = models.ForeignKey(ImportJob, on_delete=models.CASCADE, related_name="rows")
    number = models.PositiveIntegerField()
    line = models.PositiveIntegerField()
    title = models.CharField(max_length=255, blank=True)
    outcome = models.CharField(max_length=10, choices=Outcome.choices)
    values = models.JSONField(default=dict, help_text="The values to write. Emptied once they are written.")
    problems = models.JSONField(default=list, help_text="Field, message, line, and column of each problem.")

    objects = ImportRowQuerySet.as_manager()

    class Meta:
        ordering = ["job", "number"]
        verbose_name = _("import row")
        verbose_name_plural = _("import rows")
        constraints = [models.UniqueConstraint(fields=["job", "number"], name="import_row_once")]

    def __str__(self) -> str:
        return f"{self.number}: {self.title}"
