"""Pages on which supervisors assign practice, to one counselor or hundreds, and follow its results."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.web.confirmation import Question, ask_first, is_confirmed
from accounts.web.countless_paginator import get_countless_page
from accounts.web.filter_links import build_filter_links
from accounts.web.requests import AuthenticatedRequest
from training.forms import AssignmentFilterForm, BulkAssignForm
from training.models import Assignment
from training.services.assignments import (
    CHANGE_REFUSED_TEXT,
    assign_many,
    cancel_assignment,
    decline_assignment,
    reset_assignment,
)
from training.views.assignment_selection import read_selection, search_counselors, search_scenarios

PER_PAGE = 25

_requires_add = permission_required("training.add_assignment", raise_exception=True)
_requires_view = permission_required("training.view_assignment", raise_exception=True)


@login_required
@_requires_view
@require_GET
def assignment_list(request: AuthenticatedRequest) -> HttpResponse:
    """List the organization's assignments, newest first, filtered by name, status, or cohort."""
    form = AssignmentFilterForm(request.user, request.GET)
    rows = form.narrow(Assignment.objects.for_user(request.user)).with_names()
    page = get_countless_page(rows, PER_PAGE, request.GET.get("page"))
    statuses = build_filter_links(request.GET, "status", form.fields["status"].choices)  # type: ignore[attr-defined]
    context = {"form": form, "page": page, "statuses": statuses, "today": timezone.localdate()}
    return render(request, "training/staff_assignment_list.html", context)


@login_required
@_requires_add
@require_http_methods(["GET", "POST"])
def assign(request: AuthenticatedRequest) -> HttpResponse:
    """Search for counselors and scenarios, then assign them all at once. Without JavaScript, the search is a GET."""
    form = BulkAssignForm(request.user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        chosen = form.cleaned_data
        result = assign_many(
            chosen["scenarios"], form.all_counselors(), request.user, force=chosen["force_reassign"], **form.terms
        )
        if not result.open and not result.completed:
            count = len(result.assignments)
            done = ngettext("%(count)s assignment was created.", "%(count)s assignments were created.", count)
            messages.success(request, done % {"count": count})
            return redirect("training:assignment_list")
        again = {
            "counselors_again": dict.fromkeys(pair.counselor.pk for pair in result.completed),
            "scenarios_again": dict.fromkeys(pair.scenario.pk for pair in result.completed),
        }
        return render(request, "training/assign_result.html", {"result": result, "terms": form.terms} | again)
    sent = request.POST if request.method == "POST" else request.GET
    return render(request, "training/assign.html", {"form": form, "selection": read_selection(request, sent)})


@login_required
@_requires_add
@require_GET
def search_choices(request: AuthenticatedRequest, what: str) -> HttpResponse:
    """Render the results of a search as checkboxes while it is being typed."""
    found = search_counselors if what == "counselors" else search_scenarios
    context = {"name": what, "found": found(request, request.GET), "text": request.GET.get(f"find_{what}", "")}
    return render(request, "training/_search_results.html", context)


@login_required
@_requires_view
@require_GET
def assignment_detail(request: AuthenticatedRequest, pk: UUID) -> HttpResponse:
    """Show an assignment with its terms and every attempt."""
    found = get_object_or_404(Assignment.objects.for_user(request.user).with_names(), pk=pk)
    attempts = found.sessions.order_by("-started_at", "-pk")
    return render(request, "training/staff_assignment.html", {"assignment": found, "attempts": attempts})


@login_required
@permission_required("training.change_assignment", raise_exception=True)
@require_POST
def assignment_change(request: AuthenticatedRequest, pk: UUID, verb: str) -> HttpResponse:
    """Reset or cancel an assignment. Both are refused while it has a live session."""
    found = get_object_or_404(Assignment.objects.for_user(request.user), pk=pk)
    if not is_confirmed(request):
        return ask_first(request, _change_question(found, verb))
    done = {"reset": reset_assignment, "cancel": cancel_assignment}[verb](found)
    if not done:
        messages.error(request, CHANGE_REFUSED_TEXT)
    elif verb == "reset":
        messages.success(request, _("The assignment was reset."))
    else:
        messages.success(request, _("The assignment was canceled."))
    return redirect("training:assignment_detail", pk=pk)


def _change_question(assignment: Assignment, verb: str) -> Question:
    names = {"title": assignment.scenario.title, "counselor": assignment.counselor}
    back_url = reverse("training:assignment_detail", args=[assignment.pk])
    if verb == "reset":
        text = _("Attempts by %(counselor)s at “%(title)s” so far will no longer count. The conversations are kept.")
        return Question(_("Reset this assignment?"), text % names, _("Reset assignment"), back_url)
    text = _("%(counselor)s will no longer see “%(title)s” as an assignment. Their conversations are kept.")
    return Question(_("Cancel this assignment?"), text % names, _("Cancel assignment"), back_url)


def _decline_question(assignment: Assignment) -> Question:
    text = _(
        "It won’t count against you. Your supervisor can choose another one. To take this one later, ask your "
        "supervisor."
    )
    title = _("Skip “%(title)s”?") % {"title": assignment.scenario.title}
    return Question(title, text, _("Skip this one"), reverse("evaluation:dashboard"))


@login_required
@require_POST
def assignment_decline(request: AuthenticatedRequest, pk: UUID) -> HttpResponse:
    """Decline the user's own assignment because of its topic, without a reason."""
    mine = Assignment.objects.for_user(request.user).filter(counselor=request.user)
    found = get_object_or_404(mine, pk=pk)
    if not is_confirmed(request):
        return ask_first(request, _decline_question(found))
    if decline_assignment(found):
        messages.success(
            request,
            _("Skipped. It won’t count against you, and your supervisor can choose another one."),
        )
    else:
        messages.error(request, _("This assignment can’t be skipped because it is in progress or closed."))
    return redirect("evaluation:dashboard")
