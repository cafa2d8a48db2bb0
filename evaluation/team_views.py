"""Where supervisors see how their people are getting on, and what needs them now."""

import csv
from typing import Any, TextIO
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.core.paginator import Paginator
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST, require_safe

from accounts.downloads import FOR_SPREADSHEETS, download_of
from accounts.http import SignedInRequest
from accounts.models import User
from accounts.open_ended import page_of
from evaluation.forms import FeedbackFilterForm, FlagFilterForm, HandlingForm, TeamForm, first_problem
from evaluation.models import Evaluation, Flag, Tally
from evaluation.services.attention import attention_for, live_sessions
from evaluation.services.progress import skills_of, whole_plot
from evaluation.services.reports import handle
from evaluation.services.team import export_rows, scenario_rows, team_rows

PER_PAGE = 25

_sees_all = permission_required("evaluation.view_evaluation", raise_exception=True)
_leads = permission_required("training.view_assignment", raise_exception=True)


@login_required
@_leads
@require_GET
def attention(request: SignedInRequest) -> HttpResponse:
    """Who and what needs a supervisor now."""
    matters = attention_for(request.user)
    context = {"matters": matters, "any_matter": any(matter.count for matter in matters.values())}
    return render(request, "evaluation/attention.html", context)


@login_required
@_leads
@require_GET
def live(request: SignedInRequest) -> HttpResponse:
    """Who is in a conversation now. The page asks again by itself."""
    template = "evaluation/_live.html" if request.htmx else "evaluation/live.html"
    return render(request, template, {"sessions": live_sessions(request.user)})


@login_required
@_leads
@require_GET
def team(request: SignedInRequest) -> HttpResponse:
    """People, skills, scenarios and weeks; narrowed by a name, a cohort and a span of time."""
    form = TeamForm(request.user, request.GET)
    people, weeks = form.people(), form.weeks
    page = Paginator(people.by_name(), PER_PAGE).get_page(request.GET.get("page"))
    tallies = form.tallies(Tally.objects.for_user(request.user))
    context: dict[str, Any] = {
        "form": form,
        "page": page,
        "rows": team_rows(list(page.object_list), weeks),
        "whole": whole_plot(tallies, weeks),
        "skills": skills_of(tallies, weeks),
        "scenarios": scenario_rows(request.user, weeks),
        "weeks": weeks,
    }
    return render(request, "evaluation/team.html", context)


@login_required
@_leads
@require_safe
def team_export(request: SignedInRequest) -> HttpResponseBase:
    """Every conversation of the span as CSV, free practice included."""
    form = TeamForm(request.user, request.GET)
    people = form.people() if form.is_narrowed else None
    headers = {
        "Content-Type": "text/csv; charset=utf-8",
        "Content-Disposition": 'attachment; filename="steadyline-practice.csv"',
        "Cache-Control": "private, no-store",
    }

    if request.method == "HEAD":
        return HttpResponse(headers=headers)

    def write(text: TextIO) -> None:
        csv.writer(text).writerows(export_rows(request.user, people, form.weeks))

    return download_of(write, FOR_SPREADSHEETS, headers)


@login_required
@_sees_all
@require_GET
def graded(request: SignedInRequest) -> HttpResponse:
    """Graded feedback, newest first, for whoever reads and corrects it."""
    form = FeedbackFilterForm(request.user, request.GET)
    rows = form.narrow(Evaluation.objects.for_user(request.user).graded())
    rows = rows.select_related("session__counselor", "session__scenario_version").order_by("-completed_at", "-pk")
    page = page_of(rows, PER_PAGE, request.GET.get("page"))
    return render(request, "evaluation/graded.html", {"form": form, "page": page})


@login_required
@permission_required("evaluation.view_flag", raise_exception=True)
@require_GET
def flags(request: SignedInRequest) -> HttpResponse:
    """Flags that wait for somebody, or what became of them."""
    form = FlagFilterForm(request.GET)
    rows = form.narrow(Flag.objects.for_user(request.user)).select_related(
        "session__counselor", "session__scenario_version", "handled_by"
    )
    page = page_of(rows, PER_PAGE, request.GET.get("page"))
    return render(request, "evaluation/flags.html", {"form": form, "page": page})


@login_required
@permission_required("evaluation.change_flag", raise_exception=True)
@require_POST
def flag_handle(request: SignedInRequest, pk: UUID) -> HttpResponse:
    flag, form = get_object_or_404(Flag.objects.for_user(request.user), public_id=pk), HandlingForm(request.POST)
    if form.is_valid():
        handle(flag, request.user, form.cleaned_data["handling"], form.cleaned_data["note"])
        messages.success(request, f"The flag is {flag.get_handling_display().lower()} now.")
    else:
        messages.error(request, first_problem(form))
    return redirect("flags")


@login_required
@_leads
@require_GET
def people_found(request: SignedInRequest) -> HttpResponse:
    """Counselors whose name begins like what is being typed, for going to one of thousands."""
    text = request.GET.get("q", "").strip()[:100]
    people = User.objects.for_user(request.user).counselors()
    found = people.matching(text).by_name()[:10] if text else []
    return render(request, "evaluation/_people_found.html", {"found": found, "text": text})
