"""People: counselors identified by an external id, cohorts, and the end of a person's access."""

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.models import Cohort, Organization, ServiceToken, User
from accounts.services.addresses import check_new_address, unusable_address_error


def get_or_create_counselor(
    organization: Organization, external_id: str, email: str = "", first_name: str = "", last_name: str = ""
) -> User:
    """Return the counselor with this external id, creating one on first use. Existing details are not changed.

    Raise ValidationError if the id belongs to someone who is not an active counselor, or the email to another person.
    """
    user = User.objects.filter(organization=organization, external_id=external_id).first()
    if user is None:
        user = _adopt_existing_user(organization, external_id, email) or _create_counselor(
            organization, external_id, email, first_name, last_name
        )
    if not user.is_counselor or not user.is_active:
        message = _("“%(external_id)s” is not an active counselor in your organization.")
        raise ValidationError({"external_id": message % {"external_id": external_id}})
    return user


def _adopt_existing_user(organization: Organization, external_id: str, email: str) -> User | None:
    """Give the external id to the user with this email and return that user, or None if the organization has none.

    Raise ValidationError if that user has another id.
    """
    own = User.objects.filter(organization=organization)
    user = own.filter(email=User.objects.normalize_email(email)).first() if email else None
    if user is None:
        return None
    if user.external_id:
        raise ValidationError({"email": _("Someone in your organization has this address and a different ID.")})
    user.external_id = external_id
    user.save(update_fields=["external_id"])
    return user


def _create_counselor(
    organization: Organization, external_id: str, email: str, first_name: str, last_name: str
) -> User:
    if email:
        validate_email(email)
        try:
            check_new_address(organization, email)
        except ValidationError as error:
            raise ValidationError({"email": error.messages}) from error
    try:
        with transaction.atomic():
            return User.objects.create_user(
                email or f"{uuid4()}@{User.UNREACHABLE_DOMAIN}",
                organization=organization,
                external_id=external_id,
                first_name=first_name,
                last_name=last_name,
            )
    except IntegrityError:  # a concurrent request has created the same person, or taken the address
        created = User.objects.filter(organization=organization, external_id=external_id).first()
        if created is None:
            raise ValidationError({"email": unusable_address_error().messages}) from None
        return created


@transaction.atomic
def create_cohort(organization: Organization, counselors: Sequence[User], **fields: Any) -> Cohort:
    """Create a cohort of these counselors. `fields` are other model fields, such as `name`."""
    cohort = Cohort.objects.create(organization=organization, **fields)
    cohort.counselors.set(counselors)
    return cohort


@transaction.atomic
def update_cohort(cohort: Cohort, counselors: Sequence[User] | None, **fields: Any) -> None:
    """Change the given fields and, unless `counselors` is None, replace the members."""
    if fields:
        Cohort.objects.filter(pk=cohort.pk).update(**fields)
        cohort.refresh_from_db()
    if counselors is not None:
        cohort.counselors.set(counselors)


def list_tokens_issued_by(person: User) -> list[ServiceToken]:
    """Return the tokens that work only while this person, who issued them, is active."""
    return list(ServiceToken.objects.issued_by(person).order_by("name"))


def deactivate_person(person: User) -> None:
    """End a person's access. Their next request logs them out, and the tokens that they issued stop working."""
    person.is_active = False
    person.save(update_fields=["is_active"])


def reactivate_person(person: User) -> None:
    """Give a person's access back, and that of the tokens that they issued."""
    person.is_active = True
    person.save(update_fields=["is_active"])
