"""Organizations, accounts, and people that the options of a command name."""

from django.core.management.base import CommandError
from django.utils.translation import gettext as _

from accounts.models import Account, Organization, User
from scenarios.models import fold_text
from scenarios.services.import_matching import AccountLookup


def find_organization(text: str) -> Organization:
    found = list(Organization.objects.all())
    if text:
        found = [
            organization
            for organization in found
            if text.strip() == str(organization.pk) or fold_text(text) == fold_text(organization.name)
        ]
    if len(found) == 1:
        return found[0]
    names = {"name": text, "names": ", ".join(f"“{organization.name}”" for organization in Organization.objects.all())}
    if not names["names"]:
        raise CommandError(_("There are no organizations yet."))
    if text:
        raise CommandError(_("There is no organization “%(name)s”. Available: %(names)s.") % names)
    raise CommandError(_("Choose an organization with --organization. Available: %(names)s.") % names)


def find_account(text: str | None, organization: Organization) -> Account | None:
    if not text:
        return None
    account = AccountLookup(organization.accounts.all()).find(text)
    if account is None:
        names = {
            "organization": organization.name,
            "name": text,
            "names": ", ".join(str(account) for account in organization.accounts.all()),
        }
        if not names["names"]:
            raise CommandError(_("%(organization)s has no accounts.") % names)
        raise CommandError(_("%(organization)s has no account “%(name)s”. Available: %(names)s.") % names)
    return account


def find_author(email: str | None, organization: Organization) -> User | None:
    if not email:
        return None
    person = User.objects.filter(organization=organization, email=User.objects.normalize_email(email)).first()
    if person is None:
        message = _("No one in %(organization)s has the email address “%(email)s”.")
        raise CommandError(message % {"organization": organization.name, "email": email})
    return person
