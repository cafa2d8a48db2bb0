"""Accounts, their procedure documents, and the pages and sections of each document."""

from __future__ import annotations

import uuid
from pathlib import PurePosixPath
from typing import Any

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models.leases import LeasedModel, LeaseQuerySet
from accounts.models.organizations import Organization
from accounts.models.people import User


class AccountQuerySet(models.QuerySet["Account"]):
    def for_user(self, user: User) -> AccountQuerySet:
        """Limit to the organization's accounts. Users who may not view accounts see none.

        Everyone else sees all of them, because people work across accounts.
        """
        is_allowed = user.has_perm("accounts.view_account")
        return self.filter(organization_id=user.organization_id) if is_allowed else self.none()

    def with_procedures(self) -> AccountQuerySet:
        """Add the active document, `is_preparing` (True while a document is processed), and `newest_status`."""
        documents = ProcedureDocument.objects.filter(account=models.OuterRef("pk"))
        newest = documents.newest_first().values("status")[:1]
        return self.select_related("procedures").annotate(
            is_preparing=models.Exists(documents.processing()), newest_status=models.Subquery(newest)
        )


class Account(models.Model):
    """A client whose line the organization answers, such as a state line or an insurer."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="accounts", verbose_name=_("organization")
    )
    name = models.CharField(_("name"), max_length=200)
    number = models.CharField(_("number"), max_length=20, blank=True)
    recording_days = models.PositiveIntegerField(
        _("recording retention (days)"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("For calls with this account’s scenarios. Leave blank to use your organization’s setting."),
    )
    vector_store_id = models.CharField(max_length=100, blank=True, editable=False)
    # The active document. It is replaced only by a ready one, in the transaction that marks the new one as ready.
    procedures = models.ForeignKey(
        "ProcedureDocument",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name=_("procedures"),
    )

    objects = AccountQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        verbose_name = _("account")
        verbose_name_plural = _("accounts")
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "number"],
                condition=~Q(number=""),
                name="account_number_once_per_organization",
                violation_error_message=_("Another account already has this number."),
            )
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.number})" if self.number else self.name

    @property
    def openai_file_ids(self) -> list[str]:
        """IDs of the account's files at OpenAI, newest first."""
        return [document.openai_file_id for document in self.documents.all() if document.openai_file_id]


def procedure_key(document: ProcedureDocument, filename: str) -> str:
    """Return a storage key made of ids. The uploaded filename is stored only as text."""
    return f"procedures/{document.account_id}/{document.pk}{PurePosixPath(filename).suffix.lower()}"


class ProcedureDocumentQuerySet(LeaseQuerySet["ProcedureDocument"]):
    def for_user(self, user: User) -> ProcedureDocumentQuerySet:
        """Limit to the documents of the accounts that the user may view."""
        return self.filter(account__in=Account.objects.for_user(user))

    def processing(self) -> ProcedureDocumentQuerySet:
        return self.filter(status=ProcedureDocument.Status.PROCESSING)

    def newest_first(self) -> ProcedureDocumentQuerySet:
        return self.order_by("-uploaded_at", "-pk")

    def delete(self) -> tuple[int, dict[str, int]]:
        raise models.ProtectedError("Procedure history is never deleted.", set(self))


class ProcedureDocument(LeasedModel):
    """One upload of an account's procedures. Rows are never deleted or rewritten; only their status changes."""

    class Status(models.TextChoices):
        PROCESSING = "processing", _("Processing")
        UNCONFIRMED = "unconfirmed", _("Needs confirmation")
        READY = "ready", _("Ready")
        FAILED = "failed", _("Failed")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="documents", verbose_name=_("account"))
    file = models.FileField(_("file"), upload_to=procedure_key, max_length=200)
    filename = models.CharField(_("file name"), max_length=200)
    size = models.PositiveIntegerField(_("size"), help_text=_("In bytes."))
    sha256 = models.CharField(max_length=64)
    uploaded_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", verbose_name=_("uploaded by"))
    uploaded_at = models.DateTimeField(_("uploaded at"), auto_now_add=True)
    status = models.CharField(_("status"), max_length=20, choices=Status.choices, default=Status.PROCESSING)
    failure = models.CharField(
        _("failure"), max_length=500, blank=True, help_text=_("Why the document could not be prepared.")
    )
    warning = models.CharField(
        _("warning"), max_length=500, blank=True, help_text=_("Something to check before relying on this document.")
    )
    instructions = models.JSONField(
        default=list,
        editable=False,
        help_text=_("Text that addresses an AI system rather than people, as a list of {page, text}."),
    )
    page_count = models.PositiveIntegerField(
        _("pages"), null=True, help_text=_("Empty until the document’s text has been read.")
    )
    unread = models.JSONField(
        default=list,
        db_default=models.Value([], models.JSONField()),
        editable=False,
        help_text=_("Parts that could not be read, as a list of {kind, pages, count}."),
    )
    confirmation_note = models.CharField(
        _("confirmation"),
        max_length=500,
        blank=True,
        default="",
        db_default="",
        help_text=_("Why a person decided to use this document in spite of its warning."),
    )
    confirmed_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("confirmed by")
    )
    confirmed_at = models.DateTimeField(_("confirmed at"), null=True, blank=True)
    vector_store_id = models.CharField(max_length=100, blank=True, editable=False)
    openai_file_id = models.CharField(max_length=100, blank=True)
    replaced = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("replaced document")
    )

    objects = ProcedureDocumentQuerySet.as_manager()

    class Meta:
        ordering = ["-uploaded_at"]
        verbose_name = _("procedure document")
        verbose_name_plural = _("procedure documents")
        get_latest_by = "uploaded_at"

    def __str__(self) -> str:
        return self.filename

    @property
    def version(self) -> int:
        """Number of this upload among the account's, from 1. Each call is a query."""
        return type(self).objects.filter(account=self.account_id, uploaded_at__lte=self.uploaded_at).count()

    @property
    def has_pages(self) -> bool:
        """Return True for a PDF. Plain text is not divided into pages."""
        return PurePosixPath(self.filename).suffix.lower() == ".pdf"

    @property
    def is_processing(self) -> bool:
        return self.status == self.Status.PROCESSING

    @property
    def has_failed(self) -> bool:
        return self.status == self.Status.FAILED

    @property
    def is_unconfirmed(self) -> bool:
        """Return True if the document is not used until a person confirms it."""
        return self.status == self.Status.UNCONFIRMED

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        raise models.ProtectedError("Procedure history is never deleted.", {self})


class ProcedurePageQuerySet(models.QuerySet["ProcedurePage"]):
    def for_user(self, user: User) -> ProcedurePageQuerySet:
        return self.filter(document__in=ProcedureDocument.objects.for_user(user))


class ProcedurePage(models.Model):
    """Lowercase letters and digits of a page, searched for quoted words. Plain text is a single page, number 1."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    document = models.ForeignKey(ProcedureDocument, on_delete=models.CASCADE, related_name="pages")
    number = models.PositiveIntegerField()
    letters = models.TextField(blank=True)

    objects = ProcedurePageQuerySet.as_manager()

    class Meta:
        ordering = ["document", "number"]
        constraints = [models.UniqueConstraint(fields=["document", "number"], name="procedure_page_once")]

    def __str__(self) -> str:
        return f"Page {self.number}"


class ProcedureSectionQuerySet(models.QuerySet["ProcedureSection"]):
    def for_user(self, user: User) -> ProcedureSectionQuerySet:
        return self.filter(document__in=ProcedureDocument.objects.for_user(user))

    def active_for(self, account: Account) -> ProcedureSectionQuerySet:
        """Limit to the sections of the account's active document."""
        return self.filter(document__account=account, document_id=account.procedures_id)

    def containing(self, text: str) -> ProcedureSectionQuerySet:
        """Limit to sections with these words in their number, title, or text."""
        found = Q(number__istartswith=text) | Q(title__icontains=text) | Q(text__icontains=text)
        return self.filter(found) if text else self


class ProcedureSection(models.Model):
    """A numbered heading of a document and the text under it."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    document = models.ForeignKey(ProcedureDocument, on_delete=models.CASCADE, related_name="sections")
    position = models.PositiveIntegerField()
    number = models.CharField(max_length=30)
    title = models.CharField(max_length=200)
    text = models.TextField(blank=True)
    letters = models.TextField(blank=True)
    page = models.PositiveIntegerField(null=True, help_text=_("First page, starting at 1. Empty for plain text."))
    last_page = models.PositiveIntegerField(null=True)

    objects = ProcedureSectionQuerySet.as_manager()

    class Meta:
        ordering = ["document", "position"]
        constraints = [models.UniqueConstraint(fields=["document", "number"], name="procedure_section_once")]

    def __str__(self) -> str:
        return f"{self.number} {self.title}"
