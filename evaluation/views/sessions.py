"""Pages for the dashboard and the practice history."""

from dataclasses import dataclass
from typing import Any, cast

from django.contrib.auth.decorators import login_required
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_safe

from accounts.web.countless_paginator import get_countless_page
from accounts.web.requests import AuthenticatedRequest
from evaluation.filter_forms import HistoryFilterForm
from evaluation.models import Evaluation
from evaluation.reports.center_setup import build_center_setup
from evaluation.services.feedback_requests import can_request_feedback, may_request_feedback
from evaluation.views.first_visit import build_first_visit
from evaluation.views.session_table import render_session_table
from evaluation.views.staff_today import StaffToday
from evaluation.views.today import build_counselor_today
from training.models import Session

RECENT_ON_TODAY = 4
PER_PAGE = 25


@dataclass(frozen=True)
class ListedSession:
    """A session in a list."""

    session: Session
    newest: Evaluation | None  # its newest evaluation
    may_request_feedback: bool
    is_hidden: bool = False  # graded, but the user may not see the results yet


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Show the welcome page to everyone who is not logged in, and the next thing to do to the rest."""
    if not request.user.is_authenticated:
        return render(request, "welcome.html")
    return dashboard(cast(AuthenticatedRequest, request))


@login_required
def dashboard(request: AuthenticatedRequest) -> HttpResponse:
    """Show what to do next: a counselor's Today, or that of the other roles."""
    recent = [_build_listed_session(request, session) for session in _visible_sessions(request)[:RECENT_ON_TODAY]]
    if request.user.is_counselor:
        today = build_counselor_today(request.user)
        context: dict[str, object] = {"today": today, "recent": recent, "first_visit": build_first_visit(request)}
        return render(request, "evaluation/today.html", context)
    staff = {"today": StaffToday(request.user), "recent": recent, "center_setup": build_center_setup(request.user)}
    return render(request, "evaluation/staff_today.html", staff)


@login_required
@require_GET
def history(request: AuthenticatedRequest) -> HttpResponse:
    """List past practice, newest first, filtered by words, mode, kind, and result."""
    if not request.user.is_counselor:
        return render_session_table(request, _visible_sessions(request), _build_listed_session)
    form = HistoryFilterForm(request.user, request.GET)
    page = get_countless_page(form.filter_rows(_visible_sessions(request)), PER_PAGE, request.GET.get("page"))
    page.object_list = [_build_listed_session(request, session) for session in page.object_list]
    return render(request, "evaluation/history.html", {"form": form, "page": page})


def _visible_sessions(request: AuthenticatedRequest) -> Any:
    newest_first = Prefetch("evaluations", Evaluation.objects.order_by("-version"), to_attr="versions")
    visible = Session.objects.for_user(request.user).without_warm_ups()
    return visible.select_related("scenario_version", "counselor").prefetch_related(newest_first)


def _build_listed_session(request: AuthenticatedRequest, session: Any) -> ListedSession:
    """Return a session from `_visible_sessions` with its newest evaluation."""
    newest = session.versions[0] if session.versions else None
    if newest:
        newest.session = session
    is_over = not session.is_live and not session.was_stopped
    may_request = is_over and can_request_feedback(newest) and may_request_feedback(session, request.user)
    return ListedSession(session, newest, may_request, newest is not None and newest.is_hidden_from(request.user))
