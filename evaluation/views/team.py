"""Pages for supervisors: team progress, live sessions, graded feedback, and flags."""

from typing import TextIO
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.core.paginator import Paginator
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_POST, require_safe

from accounts.web.countless_paginator import get_countless_page
from accounts.web.downloads import SPREADSHEET_ENCODING, stream_download
from accounts.web.filter_links import build_filter_links
from accounts.web.requests import AuthenticatedRequest
from accounts.web.spreadsheets import write_safe_rows
from evaluation.filter_forms import EvaluationFilterForm, FlagFilterForm, TeamFilterForm
from evaluation.forms import FlagHandlingForm, first_error
from evaluation.models import Evaluation, Flag, FlagHandling, Tally
from evaluation.reports.attention import live_sessions
from evaluation.reports.plots import Sparkline
from evaluation.reports.progress import list_skill_progress, plot_scores
from evaluation.reports.team import export_rows, list_scenarios
from evaluation.reports.team_people import count_practiced_this_week, list_people, list_weeks
from evaluation.services.flags import handle_flag

PER_PAGE = 25
_HANDLED_MESSAGES = {
    FlagHandling.PENDING: _("Flag reopened."),
    FlagHandling.REVIEWED: _("Flag marked as reviewed."),
    FlagHandling.DISMISSED: _("Flag dismissed."),
}

_requires_evaluation_viewer = permission_required("evaluation.view_evaluation", raise_exception=True)
_requires_follower = permission_required("training.follow_session", raise_exception=True)
_requires_team_exporter = permission_required(
    ["training.view_assignment", "training.export_session"], raise_exception=True
)
_requires_team_viewer = permission_required("training.view_assignment", raise_exception=True)


@login_required
@_requires_follower
@require_GET
def live_session_list(request: AuthenticatedRequest) -> HttpResponse:
    """List the sessions in progress. The page polls for changes."""
    return render(request, "evaluation/live_sessions.html", {"sessions": live_sessions(request.user)})


@login_required
@_requires_team_viewer
@require_GET
def team(request: AuthenticatedRequest) -> HttpResponse:
    """Show people, skills, scenarios, and weeks, filtered by name, cohort, and time span."""
    form = TeamFilterForm(request.user, request.GET)
    people, weeks = form.counselors(), form.weeks
    page = Paginator(people.by_name(), PER_PAGE).get_page(request.GET.get("page"))
    tallies = form.filter_tallies(Tally.objects.for_user(request.user))
    overall, skills = plot_scores(tallies, weeks), list_skill_progress(tallies, weeks)
    context = {
        "form": form,
        "page": page,
        "rows": list_people(request.user, list(page.object_list), weeks),
        "practiced": count_practiced_this_week(request.user, people),
        "shows": build_filter_links(request.GET, "show", form.fields["show"].choices),  # type: ignore[attr-defined]
        "overall": overall,
        "line": Sparkline([point.percent for point in overall.points]),
        "skills": sorted(skills, key=lambda skill: skill.percent),
        "week_rows": list_weeks(overall, skills),
        "week_columns": [skill.name for skill in skills],
        "scenarios": list_scenarios(request.user, weeks),
    }
    return render(request, "evaluation/team.html", context)


@login_required
@_requires_team_exporter
@require_safe
def team_export(request: AuthenticatedRequest) -> HttpResponseBase:
    """Export every conversation in the time span as CSV, including free practice."""
    form = TeamFilterForm(request.user, request.GET)
    people = form.counselors() if form.is_filtered else None
    headers = {
        "Content-Type": "text/csv; charset=utf-8",
        "Content-Disposition": 'attachment; filename="steadyline-practice.csv"',
        "Cache-Control": "private, no-store",
    }

    if request.method == "HEAD":
        return HttpResponse(headers=headers)

    def write(text: TextIO) -> None:
        write_safe_rows(export_rows(request.user, people, form.weeks), text)

    return stream_download(write, SPREADSHEET_ENCODING, headers)


@login_required
@_requires_evaluation_viewer
@require_GET
def evaluation_list(request: AuthenticatedRequest) -> HttpResponse:
    """List graded feedback, newest first, for people who read and correct it."""
    form = EvaluationFilterForm(request.user, request.GET)
    rows = form.filter_rows(Evaluation.objects.shown_to(request.user).graded())
    rows = rows.select_related("session__counselor", "session__scenario_version").order_by("-completed_at", "-pk")
    page = get_countless_page(rows, PER_PAGE, request.GET.get("page"))
    context = {
        "form": form,
        "page": page,
        "states": build_filter_links(request.GET, "state", form.fields["state"].choices),  # type: ignore[attr-defined]
        "grades": build_filter_links(request.GET, "grade", form.fields["grade"].choices),  # type: ignore[attr-defined]
    }
    return render(request, "evaluation/evaluation_list.html", context)


@login_required
@permission_required("evaluation.view_flag", raise_exception=True)
@require_GET
def flag_list(request: AuthenticatedRequest) -> HttpResponse:
    """List pending flags, or handled ones with their outcome."""
    form = FlagFilterForm(request.GET)
    rows = form.filter_rows(Flag.objects.for_user(request.user)).select_related(
        "session__counselor", "session__scenario_version", "handled_by"
    )
    page = get_countless_page(rows, PER_PAGE, request.GET.get("page"))
    handlings, severities = form.fields["handling"].choices, form.fields["severity"].choices  # type: ignore[attr-defined]
    context = {
        "page": page,
        "handlings": build_filter_links(request.GET, "handling", handlings, FlagHandling.PENDING),
        "severities": build_filter_links(request.GET, "severity", severities),
        "is_filtered": bool(request.GET),
    }
    return render(request, "evaluation/flag_list.html", context)


@login_required
@permission_required("evaluation.change_flag", raise_exception=True)
@require_POST
def flag_handle(request: AuthenticatedRequest, pk: UUID) -> HttpResponse:
    """Record a supervisor's handling of a flag."""
    flag, form = get_object_or_404(Flag.objects.for_user(request.user), public_id=pk), FlagHandlingForm(request.POST)
    if form.is_valid():
        handle_flag(flag, request.user, form.cleaned_data["handling"], form.cleaned_data["note"])
        messages.success(request, str(_HANDLED_MESSAGES[form.cleaned_data["handling"]]))
    else:
        messages.error(request, first_error(form))
    return redirect("evaluation:flag_list")
