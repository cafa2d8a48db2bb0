"""Users and cohorts."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from django.contrib.auth.models import AbstractUser, BaseUserManager
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models.organizations import Organization


class UserQuerySet(models.QuerySet["User"]):
    def counselors(self) -> UserQuerySet:
        """Limit to active counselors, who can be given assignments."""
        return self.filter(role=User.Role.COUNSELOR, is_active=True)

    def matching(self, text: str, with_email: bool = True) -> UserQuerySet:
        """Limit to people who match each of up to five words: start of a name, part of the email, or external id.

        `with_email` is false for readers who may not see addresses, which they could otherwise guess piece by piece.
        """
        rows = self
        for word in text.split()[:5]:
            found = Q(first_name__istartswith=word) | Q(last_name__istartswith=word) | Q(external_id__iexact=word)
            rows = rows.filter(found | Q(email__icontains=word) if with_email else found)
        return rows

    def by_name(self) -> UserQuerySet:
        return self.order_by("last_name", "first_name", "email")


class UserManager(BaseUserManager["User"].from_queryset(UserQuerySet)):  # type: ignore[misc]
    def for_user(self, user: User) -> UserQuerySet:
        """Limit to the people this user may see: the whole organization with permission, otherwise only themselves."""
        people: UserQuerySet = self.filter(organization_id=user.organization_id)
        return people if user.has_perm("accounts.view_user") else people.filter(pk=user.pk)

    @classmethod
    def normalize_email(cls, email: str | None) -> str:
        """Return the whole address in lowercase, because sign-in looks up only lowercase addresses."""
        return super().normalize_email(email).lower()

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        user = self.model(email=self.normalize_email(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        """Create an admin of the organization named `Operators`, which is created if it is missing."""
        fields.setdefault("organization", Organization.objects.get_or_create(name="Operators")[0])
        return self.create_user(email, password, role=User.Role.ADMIN, is_superuser=True, **fields)


@dataclass(frozen=True)
class CredentialChanges:
    """Credentials that changed when a person was last saved."""

    old_email: str = ""  # empty if the address stayed the same
    has_new_password: bool = False


class User(AbstractUser):
    """A person in one organization, who signs in with an email address."""

    SERVICE_DOMAIN = "service.invalid"  # in the email addresses of external systems
    UNREACHABLE_DOMAIN = "people.invalid"  # in placeholder addresses of people known only by an id
    credential_changes = CredentialChanges()
    _loaded_email: str = ""

    class Role(models.TextChoices):
        COUNSELOR = "counselor", _("Counselor")
        SUPERVISOR = "supervisor", _("Supervisor")
        TRAINER = "trainer", _("Trainer")
        EVALUATOR = "evaluator", _("Evaluator")
        ADMIN = "admin", _("Admin")
        SERVICE = "service", _("External system")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="people", verbose_name=_("organization")
    )
    username = None  # type: ignore[assignment]
    email = models.EmailField(_("email address"), unique=True)
    external_id = models.CharField(
        _("external ID"), max_length=200, blank=True, help_text=_("The ID of this person in another system.")
    )
    role = models.CharField(_("role"), max_length=20, choices=Role.choices, default=Role.COUNSELOR)
    mail_assigned = models.BooleanField(_("When I get a new assignment"), default=True)
    mail_due_soon = models.BooleanField(_("When an assignment is due soon"), default=True)
    mail_feedback = models.BooleanField(_("When my feedback is ready"), default=True)
    mail_review = models.BooleanField(
        _("When feedback waits for my review, at most once a day"), default=True, db_default=True
    )
    review_mail_at = models.DateTimeField(null=True, editable=False)  # time of the last email about waiting reviews

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects: ClassVar[UserManager] = UserManager()

    class Meta:
        ordering = ["email"]
        verbose_name = _("user")
        verbose_name_plural = _("users")
        indexes = [models.Index(fields=["organization", "role", "last_name"], name="people_by_name")]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "external_id"],
                condition=~Q(external_id=""),
                name="one_person_per_external_id",
                violation_error_message=_("Another person already has this external ID."),
            )
        ]

    def __str__(self) -> str:
        return self.get_full_name() or self.email

    @classmethod
    def from_db(cls, db: str | None, field_names: Collection[str], values: Collection[Any], **kwargs: Any) -> Self:
        person = super().from_db(db, field_names, values, **kwargs)
        person._loaded_email = person.__dict__.get("email", "")
        return person

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save, and record which credentials changed, for the notices that `accounts.services.credentials` sends."""
        fields = kwargs.get("update_fields")
        is_email_saved = fields is None or "email" in fields
        has_new_email = bool(self._loaded_email) and is_email_saved and self.email != self._loaded_email
        # Django sets `_password` for a new password, but not when it only upgrades the hash at login.
        has_new_password = getattr(self, "_password", None) is not None and not self._state.adding
        self.credential_changes = CredentialChanges(self._loaded_email if has_new_email else "", has_new_password)
        super().save(*args, **kwargs)
        if is_email_saved:
            self._loaded_email = self.email

    @classmethod
    def is_reserved_address(cls, address: str) -> bool:
        """Return True if the address has no mailbox, because this system made it up."""
        return address.endswith((f"@{cls.SERVICE_DOMAIN}", f"@{cls.UNREACHABLE_DOMAIN}"))

    @property
    def has_mailbox(self) -> bool:
        """Return True if this person is active and has a real email address."""
        return self.is_active and not self.is_reserved_address(self.email)

    @property
    def may_end_sessions(self) -> bool:
        """Permission to end a counselor's session, held by those responsible for counselors."""
        return self.has_perm("training.end_session")

    @property
    def may_comment(self) -> bool:
        """Permission to comment on a moment of a counselor's call."""
        return self.has_perm("evaluation.add_comment")

    @property
    def reads_others_sessions(self) -> bool:
        """Return True if the role may read other people's sessions: all of them, or only the graded ones."""
        return self.has_perm("training.view_session") or self.has_perm("training.review_session")

    @property
    def is_counselor(self) -> bool:
        return self.role == self.Role.COUNSELOR

    @property
    def is_staff(self) -> bool:
        """Permission to enter the admin. `accounts.backends` lists what each role may do there."""
        return self.is_superuser or self.role not in {self.Role.COUNSELOR, self.Role.SERVICE}

    @is_staff.setter
    def is_staff(self, value: bool) -> None:
        """Ignore the value. Django's own functions set it, but in this project it follows from the role."""


class CohortQuerySet(models.QuerySet["Cohort"]):
    def for_user(self, user: User) -> CohortQuerySet:
        """Limit to the cohorts of the user's organization. Users who may not view cohorts see none."""
        is_allowed = user.has_perm("accounts.view_cohort")
        return self.filter(organization_id=user.organization_id) if is_allowed else self.none()

    def with_size(self) -> CohortQuerySet:
        return self.annotate(size=models.Count("counselors"))


class Cohort(models.Model):
    """A named group of counselors, such as a training class or a shift."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="cohorts", verbose_name=_("organization")
    )
    name = models.CharField(_("name"), max_length=100)
    counselors = models.ManyToManyField(User, blank=True, related_name="cohorts", verbose_name=_("counselors"))
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    objects = CohortQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        verbose_name = _("cohort")
        verbose_name_plural = _("cohorts")
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "name"],
                name="cohort_name_once",
                violation_error_message=_("A cohort with this name already exists."),
            )
        ]

    def __str__(self) -> str:
        return self.name
