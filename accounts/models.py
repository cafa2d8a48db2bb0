from __future__ import annotations

import uuid
from pathlib import PurePosixPath
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser, BaseUserManager
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q


class OrganizationQuerySet(models.QuerySet["Organization"]):
    def for_user(self, user: User) -> OrganizationQuerySet:
        """A person's own; operators see all of them."""
        return self.all() if user.is_superuser else self.filter(pk=user.organization_id)


class Organization(models.Model):
    """A crisis center: the tenant. Nothing of one is ever visible to another."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=200, unique=True)
    keeps_sources = models.BooleanField(
        "keeps complaints",
        default=False,
        help_text="A complaint from which a scenario was drafted is kept with the draft; otherwise it is deleted "
        "when the scenario is saved.",
    )
    call_slots = models.PositiveSmallIntegerField(
        "lines",
        default=25,
        validators=[MinValueValidator(1)],
        help_text="How many phone calls may be under way at once. Each costs what OpenAI asks for a call.",
    )
    recording_days = models.PositiveIntegerField(
        "recordings kept for (days)",
        null=True,
        blank=True,
        default=365,
        validators=[MinValueValidator(1)],
        help_text="Recordings are deleted so many days after the call. Empty: they are kept.",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = OrganizationQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class UserManager(BaseUserManager["User"]):
    def for_user(self, user: User) -> models.QuerySet[User]:
        """The people this person may see: a counselor only themself, everyone else their organization."""
        people = self.filter(organization_id=user.organization_id)
        return people.filter(pk=user.pk) if user.is_counselor else people

    @classmethod
    def normalize_email(cls, email: str | None) -> str:
        """Lower case throughout: a login looks for nothing else."""
        return super().normalize_email(email).lower()

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        user = self.model(email=self.normalize_email(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        """An admin of the organization named `Operators`, made when it is not there yet."""
        fields.setdefault("organization", Organization.objects.get_or_create(name="Operators")[0])
        return self.create_user(email, password, role=User.Role.ADMIN, is_superuser=True, **fields)


class User(AbstractUser):
    """A person of one organization, who logs in with an e-mail address."""

    class Role(models.TextChoices):
        COUNSELOR = "counselor"
        SUPERVISOR = "supervisor"
        TRAINER = "trainer"
        EVALUATOR = "evaluator"
        ADMIN = "admin"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="people")
    username = None  # type: ignore[assignment]
    email = models.EmailField("e-mail address", unique=True)
    external_id = models.CharField(max_length=200, blank=True)
    role = models.CharField(max_length=20, choices=Role.choices, default=Role.COUNSELOR)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects: ClassVar[UserManager] = UserManager()  # type: ignore[assignment]

    class Meta:
        ordering = ["email"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "external_id"], condition=~Q(external_id=""), name="one_person_per_external_id"
            )
        ]

    def __str__(self) -> str:
        return self.get_full_name() or self.email

    @property
    def may_end_sessions(self) -> bool:
        """Whoever is responsible for counselors may end a session of theirs."""
        return self.role in {self.Role.SUPERVISOR, self.Role.ADMIN}

    @property
    def may_comment(self) -> bool:
        """The same people say to a counselor what they think of a moment of a call."""
        return self.may_end_sessions

    @property
    def is_counselor(self) -> bool:
        return self.role == self.Role.COUNSELOR

    @property
    def is_staff(self) -> bool:
        """Who may enter the admin. What each role may do there stands in `accounts.backends`."""
        return self.is_superuser or not self.is_counselor

    @is_staff.setter
    def is_staff(self, value: bool) -> None:
        """Django's own helpers set it; here the role decides."""


class AccountQuerySet(models.QuerySet["Account"]):
    def for_user(self, user: User) -> AccountQuerySet:
        """A person's organization works across all its accounts."""
        return self.filter(organization_id=user.organization_id)

    def with_procedures(self) -> AccountQuerySet:
        """With the document in force, `is_preparing`: whether one is on its way, and the newest one's status."""
        documents = ProcedureDocument.objects.filter(account=models.OuterRef("pk"))
        newest = documents.newest_first().values("status")[:1]
        return self.select_related("procedures").annotate(
            is_preparing=models.Exists(documents.processing()), newest_status=models.Subquery(newest)
        )


class Account(models.Model):
    """A client whose line the organization answers: a state line, an insurer."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="accounts")
    name = models.CharField(max_length=200)
    number = models.CharField(max_length=20, blank=True)
    recording_days = models.PositiveIntegerField(
        "recordings kept for (days)",
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="For calls of this account's scenarios. Empty: as long as the organization says.",
    )
    vector_store_id = models.CharField(max_length=100, blank=True, editable=False)
    # The document that counts. It moves only to one that is ready, in the transaction that makes it so.
    procedures = models.ForeignKey(
        "ProcedureDocument", on_delete=models.SET_NULL, null=True, blank=True, editable=False, related_name="+"
    )

    objects = AccountQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "number"], condition=~Q(number=""), name="account_number_once_per_organization"
            )
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.number})" if self.number else self.name


def procedure_key(document: ProcedureDocument, filename: str) -> str:
    """A key without names: the uploaded name is only ever text."""
    return f"procedures/{document.account_id}/{document.pk}{PurePosixPath(filename).suffix.lower()}"


class ProcedureDocumentQuerySet(models.QuerySet["ProcedureDocument"]):
    def for_user(self, user: User) -> ProcedureDocumentQuerySet:
        return self.filter(organization_id=user.organization_id)

    def lost(self, before: Any) -> ProcedureDocumentQuerySet:
        """Uploads that no worker has touched since `before`."""
        return self.filter(status=ProcedureDocument.Status.PROCESSING, touched_at__lt=before)

    def processing(self) -> ProcedureDocumentQuerySet:
        return self.filter(status=ProcedureDocument.Status.PROCESSING)

    def newest_first(self) -> ProcedureDocumentQuerySet:
        return self.order_by("-uploaded_at", "-pk")

    def delete(self) -> tuple[int, dict[str, int]]:
        raise models.ProtectedError("Procedure history is never deleted.", set(self))


class ProcedureDocument(models.Model):
    """One upload of an account's procedures. Rows are never deleted or rewritten; only their status moves."""

    class Status(models.TextChoices):
        PROCESSING = "processing"
        READY = "ready"
        FAILED = "failed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="documents")
    file = models.FileField(upload_to=procedure_key, max_length=200)
    filename = models.CharField(max_length=200)
    size = models.PositiveIntegerField(help_text="bytes")
    sha256 = models.CharField(max_length=64)
    uploaded_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    uploaded_at = models.DateTimeField(auto_now_add=True)
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.PROCESSING)
    failure = models.CharField(max_length=500, blank=True)
    warning = models.CharField(max_length=500, blank=True, help_text="what a person should look at before trusting it")
    instructions = models.JSONField(
        default=list, editable=False, help_text="[{page, text}]: what speaks to a machine that reads it, not to people"
    )
    page_count = models.PositiveIntegerField(null=True, help_text="empty until it is taken apart here")
    vector_store_id = models.CharField(max_length=100, blank=True, editable=False)
    openai_file_id = models.CharField(max_length=100, blank=True)
    replaced = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    attempts = models.PositiveSmallIntegerField(default=0)
    is_claimed = models.BooleanField(default=False, editable=False)
    touched_at = models.DateTimeField(auto_now_add=True)

    objects = ProcedureDocumentQuerySet.as_manager()

    class Meta:
        ordering = ["-uploaded_at"]
        get_latest_by = "uploaded_at"

    def __str__(self) -> str:
        return self.filename

    @property
    def has_pages(self) -> bool:
        """A PDF has; a plain text is one piece."""
        return PurePosixPath(self.filename).suffix.lower() == ".pdf"

    @property
    def is_processing(self) -> bool:
        return self.status == self.Status.PROCESSING

    @property
    def has_failed(self) -> bool:
        return self.status == self.Status.FAILED

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        raise models.ProtectedError("Procedure history is never deleted.", {self})


class ProcedurePageQuerySet(models.QuerySet["ProcedurePage"]):
    def for_user(self, user: User) -> ProcedurePageQuerySet:
        return self.filter(organization_id=user.organization_id)


class ProcedurePage(models.Model):
    """The letters and digits of a page, in small, to look cited words up in; a plain text is one page, number 1."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    document = models.ForeignKey(ProcedureDocument, on_delete=models.CASCADE, related_name="pages")
    number = models.PositiveIntegerField()
    letters = models.TextField(blank=True)

    objects = ProcedurePageQuerySet.as_manager()

    class Meta:
        ordering = ["document", "number"]
        constraints = [models.UniqueConstraint(fields=["document", "number"], name="procedure_page_once")]

    def __str__(self) -> str:
        return f"page {self.number}"


class ProcedureSectionQuerySet(models.QuerySet["ProcedureSection"]):
    def for_user(self, user: User) -> ProcedureSectionQuerySet:
        return self.filter(organization_id=user.organization_id)

    def in_force(self, account: Account) -> ProcedureSectionQuerySet:
        """The sections of the document that counts."""
        return self.filter(document__account=account, document_id=account.procedures_id)


class ProcedureSection(models.Model):
    """A numbered heading of a document, with what stands under it."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    document = models.ForeignKey(ProcedureDocument, on_delete=models.CASCADE, related_name="sections")
    position = models.PositiveIntegerField()
    number = models.CharField(max_length=30)
    title = models.CharField(max_length=200)
    text = models.TextField(blank=True)
    letters = models.TextField(blank=True)
    page = models.PositiveIntegerField(null=True, help_text="where it begins, from 1; empty in a text without pages")
    last_page = models.PositiveIntegerField(null=True)

    objects = ProcedureSectionQuerySet.as_manager()

    class Meta:
        ordering = ["document", "position"]
        constraints = [models.UniqueConstraint(fields=["document", "number"], name="procedure_section_once")]

    def __str__(self) -> str:
        return f"{self.number} {self.title}"
