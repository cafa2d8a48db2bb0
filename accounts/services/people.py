"""People whom another system knows by an id of its own."""

from uuid import uuid4

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction

from accounts.models import Organization, User

NOWHERE = "people.invalid"  # addresses that no mail can reach, for people of whom only an id is known


def counselor_of(
    organization: Organization, external_id: str, email: str = "", first_name: str = "", last_name: str = ""
) -> User:
    """The counselor with this id of another system, made on first use; what is known of them already is not changed.

    Raises ValidationError where the id is somebody's who is no counselor, or the address another person's.
    """
    known = User.objects.filter(organization=organization, external_id=external_id).first()
    if known is None:
        known = _taken_over(organization, external_id, email) or _made(
            organization, external_id, email, first_name, last_name
        )
    if not known.is_counselor or not known.is_active:
        raise ValidationError({"external_id": f"“{external_id}” is not an active counselor here."})
    return known


def _taken_over(organization: Organization, external_id: str, email: str) -> User | None:
    """Somebody who is here by their address and has no id yet is the one who is meant."""
    there = User.objects.filter(email=User.objects.normalize_email(email)).first() if email else None
    if there is None:
        return None
    if there.organization_id != organization.pk or there.external_id:
        raise ValidationError({"email": "This address belongs to another person."})
    there.external_id = external_id
    there.save(update_fields=["external_id"])
    return there


def _made(organization: Organization, external_id: str, email: str, first_name: str, last_name: str) -> User:
    if email:
        validate_email(email)
    try:
        with transaction.atomic():
            return User.objects.create_user(
                email or f"{uuid4()}@{NOWHERE}",
                organization=organization,
                external_id=external_id,
                first_name=first_name,
                last_name=last_name,
            )
    except IntegrityError:  # asked for twice at once: the other one has made it
        return User.objects.get(organization=organization, external_id=external_id)


def has_mailbox(user: User) -> bool:
    return user.is_active and not user.email.endswith(f"@{NOWHERE}")
