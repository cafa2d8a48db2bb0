"""Checks of email addresses that are entered for other people. Addresses are unique across all organizations."""

import hashlib

from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from accounts.models import Organization, User
from accounts.services.account_notices import AccountNotice
from accounts.services.credentials import queue_notice

NOTICE_EVERY = 3600  # seconds between notices to the owner of one address


def check_new_address(organization: Organization, email: str, person: User | None = None) -> None:
    """Raise ValidationError if `person`, or a new person of `organization`, can’t have this address.

    The error does not reveal people in other organizations: a reserved address raises the same one. If the address
    belongs to such a person, that person gets a notice.
    """
    email = User.objects.normalize_email(email)
    others = User.objects.filter(email=email).exclude(pk=person.pk if person else None)
    owner = others.first()
    if owner is None and not User.is_reserved_address(email):
        return
    if owner is not None and owner.organization_id == organization.pk:
        raise ValidationError(_("Someone in your organization already has this address."))
    if owner is not None:
        _tell_owner(email)
    raise unusable_address_error()


def unusable_address_error() -> ValidationError:
    """Return the error that says nothing about people in other organizations."""
    return ValidationError(_("This address can’t be used here. Ask the person for another one."))


def _tell_owner(email: str) -> None:
    """Queue a notice now. The request fails, so there is no commit to wait for."""
    digest = hashlib.sha256(email.encode()).hexdigest()
    if cache.add(f"address-notice:{digest}", True, NOTICE_EVERY):
        queue_notice(email, AccountNotice.EMAIL_TAKEN)
