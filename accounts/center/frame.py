"""Frame of the center's pages: its name, a line of facts, and the tabs that the reader may open."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Account, User
from accounts.web.requests import AuthenticatedRequest


@dataclass(frozen=True)
class Tab:
    """A tab of the center. It is current on every page whose URL begins with its own."""

    label: str
    url: str
    is_current: bool


def render_center(
    request: AuthenticatedRequest, template: str, context: Mapping[str, object], status: int = 200
) -> HttpResponse:
    """Render a page of the center in its frame."""
    frame = {"center": request.user.organization, "facts": _list_facts(request.user), "tabs": list_tabs(request)}
    return render(request, template, {**frame, **context}, status=status)


def list_tabs(request: HttpRequest) -> list[Tab]:
    tabs = [
        (_("People"), "accounts:people", "accounts.view_user"),
        (_("Cohorts"), "accounts:cohort_list", "accounts.view_cohort"),
        (_("Integrations"), "accounts:integrations", "accounts.view_webhook"),
        (_("Settings"), "accounts:center", "accounts.change_organization"),
    ]
    allowed = [(label, reverse(name)) for label, name, permission in tabs if request.user.has_perm(permission)]
    current = max((url for _label, url in allowed if request.path.startswith(url)), key=len, default="")
    return [Tab(label, url, url == current) for label, url in allowed]


def _list_facts(user: User) -> list[str]:
    """Return the numbers of people with each common role, and of accounts."""
    roles = {role: Count("pk", filter=Q(role=role)) for role in (User.Role.COUNSELOR, User.Role.SUPERVISOR)}
    people = User.objects.for_user(user).filter(is_active=True).aggregate(**{str(role): n for role, n in roles.items()})
    counselors, supervisors = people[User.Role.COUNSELOR], people[User.Role.SUPERVISOR]
    accounts = Account.objects.for_user(user).count()
    return [
        ngettext("%(count)d counselor", "%(count)d counselors", counselors) % {"count": counselors},
        ngettext("%(count)d supervisor", "%(count)d supervisors", supervisors) % {"count": supervisors},
        ngettext("%(count)d account", "%(count)d accounts", accounts) % {"count": accounts},
    ]
