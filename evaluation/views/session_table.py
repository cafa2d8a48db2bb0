"""Table of conversations for staff, filtered by date, status, scenario, and person."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.web.countless_paginator import get_countless_page
from accounts.web.filter_links import FilterLink, build_filter_links, build_sort_link
from accounts.web.requests import AuthenticatedRequest
from evaluation.filter_forms import SessionTableForm
from scenarios.models import Scenario

PER_PAGE = 25
MAX_SUGGESTED = 200  # names and titles offered while typing


def render_session_table(request: AuthenticatedRequest, rows: Any, build_row: Callable[..., Any]) -> HttpResponse:
    """Show a page of `rows`, which the user may read. `build_row` turns a session into a row of the list."""
    form = SessionTableForm(request.user, request.GET)
    page = get_countless_page(form.filter_rows(rows), PER_PAGE, request.GET.get("page"))
    page.object_list = [build_row(request, session) for session in page.object_list]
    context = {
        "form": form,
        "page": page,
        "statuses": build_filter_links(request.GET, "status", form.fields["status"].choices),  # type: ignore[attr-defined]
        "days": _day_links(request),
        "by_start": build_sort_link(request.GET, "-started", "started", "-started"),
        "by_score": build_sort_link(request.GET, "score", "-score", "-started"),
        "people": _suggested_people(request.user),
        "titles": Scenario.objects.for_user(request.user).library().values_list("title", flat=True)[:MAX_SUGGESTED],
    }
    return render(request, "evaluation/session_table.html", context)


def _day_links(request: AuthenticatedRequest) -> list[FilterLink]:
    """Return links for common spans that end today."""
    today = timezone.localdate()
    spans = {_("Today"): 0, _("7 days"): 6, _("30 days"): 29}
    choices = [(str(today - timedelta(days=days)), label) for label, days in spans.items()]
    return build_filter_links(request.GET, "from", [("", _("Any time")), *choices])


def _suggested_people(user: User) -> list[User]:
    if not user.has_perm("accounts.view_user"):
        return []
    return list(User.objects.for_user(user).counselors().by_name()[:MAX_SUGGESTED])
