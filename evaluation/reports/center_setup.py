"""Checklist of a new center: from its first people to the first assignment."""

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Account, User
from evaluation.reports.checklists import Checklist, ChecklistItem
from scenarios.models import Scenario
from training.models import Assignment


def build_center_setup(person: User) -> Checklist | None:
    """Return the checklist of the person's center, or None once all is done or for people who cannot set it up."""
    if person.is_counselor or not person.has_perm("training.add_assignment"):
        return None
    checklist = Checklist(
        [_people_item(person), _procedures_item(person), _scenarios_item(person), _assign_item(person)]
    )
    return None if checklist.is_complete else checklist


def _people_item(person: User) -> ChecklistItem:
    counselors = User.objects.filter(
        organization_id=person.organization_id, role=User.Role.COUNSELOR, is_active=True
    ).count()
    joined = ngettext("%(count)s counselor can log in.", "%(count)s counselors can log in.", counselors)
    may_add = person.has_perm("accounts.add_user")
    missing = (
        _("Add counselors with their email addresses.")
        if may_add
        else _("An administrator of your center adds counselors.")
    )
    return ChecklistItem(
        title=_("Invite your people"),
        text=joined % {"count": counselors} if counselors else missing,
        is_done=counselors > 0,
        action=_("Invite people"),
        url=reverse("accounts:people") if may_add else None,
        icon="user-plus",
    )


def _procedures_item(person: User) -> ChecklistItem:
    account = Account.objects.for_user(person).filter(procedures__isnull=False).first()
    return ChecklistItem(
        title=_("Add an account and its procedures"),
        text=_("%(account)s has procedures that feedback can quote.") % {"account": account}
        if account
        else _("So that feedback can quote your own pages. Upload a document, and confirm its page numbers if asked."),
        is_done=account is not None,
        action=_("Add procedures"),
        url=reverse("accounts:account_list"),
        icon="file-text",
        help=_(
            "An account is a line that you answer, with its own procedures. If page numbers are uncertain, feedback "
            "quotes a document only after you have confirmed them."
        ),
    )


def _scenarios_item(person: User) -> ChecklistItem:
    count = Scenario.objects.for_user(person).filter(is_active=True, is_one_time=False).count()
    ready = ngettext("%(count)s scenario is in the library.", "%(count)s scenarios are in the library.", count)
    return ChecklistItem(
        title=_("Bring in a scenario pack"),
        text=ready % {"count": count} if count else _("Import a file of scenarios. You see a preview first."),
        is_done=count > 0,
        action=_("Import scenarios"),
        url=reverse("scenarios:import_new"),
        icon="library",
        help=_(
            "A scenario pack is one file with many scenarios, as CSV or JSON. The import shows what it would add "
            "before anything is saved."
        ),
    )


def _assign_item(person: User) -> ChecklistItem:
    return ChecklistItem(
        title=_("Assign a first call"),
        text=_("Choose people and a scenario. Each counselor gets an email."),
        is_done=Assignment.objects.for_user(person).filter(organization_id=person.organization_id).exists(),
        action=_("Assign a call"),
        url=reverse("training:assign"),
        icon="clipboard-list",
    )
