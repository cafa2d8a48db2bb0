"""Pages on which supervisors assign practice, to one counselor or hundreds, and follow its results."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.models import Cohort, User, UserQuerySet
from accounts.web.confirmation import Question, ask_first, is_confirmed
from accounts.web.countless_paginator import get_countless_page
from accounts.web.identifiers import is_uuid
from accounts.web.requests import AuthenticatedRequest
from scenarios.models import Scenario, ScenarioQuerySet
from training.forms import AssignmentFilterForm, BulkAssignForm
from training.models import Assignment
from training.services.assignments import (
    CHANGE_REFUSED_TEXT,
    assign_many,
    cancel_assignment,
    decline_assignment,
    reset_assignment,
)

PER_PAGE = 25
MAX_SEARCH_RESULTS = 12

_requires_add = permission_required("training.add_assignment", raise_exception=True)
_requires_view = permission_required("training.view_assignment", raise_exception=True)


@dataclass(frozen=True)
class AssignmentSelection:
    """Choices so far on the assignment page, and the results of both searches."""

    counselors: UserQuerySet
    scenarios: ScenarioQuerySet
    cohorts: Collection[Cohort]  # all that can be chosen
    chosen_cohorts: Collection[str]  # ids
    counselor_query: str
    scenario_query: str
    found_counselors: UserQuerySet
    found_scenarios: ScenarioQuerySet


@login_required
@_requires_view
@require_GET
def assignment_list(request: AuthenticatedRequest) -> HttpResponse:
    """List the organization's assignments, newest first, filtered by name, status, or cohort."""
    form = AssignmentFilterForm(request.user, request.GET)
    rows = form.narrow(Assignment.objects.for_user(request.user)).with_names()
    page = get_countless_page(rows, PER_PAGE, request.GET.get("page"))
    return render(request, "training/staff_assignment_list.html", {"form": form, "page": page})


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
    return render(request, "training/assign.html", {"form": form, "selection": _read_selection(request, sent)})


def _read_selection(request: AuthenticatedRequest, sent: QueryDict) -> AssignmentSelection:
    people = User.objects.for_user(request.user).counselors()
    scenarios = Scenario.objects.for_user(request.user).filter(is_active=True)
    return AssignmentSelection(
        counselors=people.filter(pk__in=_valid_ids(sent, "counselors")).by_name(),
        scenarios=scenarios.filter(pk__in=_valid_ids(sent, "scenarios")),
        cohorts=Cohort.objects.for_user(request.user),
        chosen_cohorts=_valid_ids(sent, "cohorts"),
        counselor_query=sent.get("find_counselors", ""),
        scenario_query=sent.get("find_scenarios", ""),
        found_counselors=_search_counselors(request, sent),
        found_scenarios=_search_scenarios(request, sent),
    )


def _valid_ids(sent: QueryDict, name: str) -> list[str]:
    """Return the submitted values that are well-formed ids."""
    return [one for one in sent.getlist(name) if is_uuid(one)]


def _search_counselors(request: AuthenticatedRequest, sent: QueryDict) -> UserQuerySet:
    """Return up to MAX_SEARCH_RESULTS + 1 counselors not chosen yet. The extra one shows that there are more."""
    text = sent.get("find_counselors", "").strip()
    people = User.objects.for_user(request.user).counselors().exclude(pk__in=_valid_ids(sent, "counselors"))
    return people.matching(text).by_name()[: MAX_SEARCH_RESULTS + 1] if text else people.none()


def _search_scenarios(request: AuthenticatedRequest, sent: QueryDict) -> ScenarioQuerySet:
    text = sent.get("find_scenarios", "").strip()
    scenarios = Scenario.objects.for_user(request.user).library().filter(is_active=True)
    rest = scenarios.exclude(pk__in=_valid_ids(sent, "scenarios"))
    return rest.filter(title__icontains=text)[: MAX_SEARCH_RESULTS + 1] if text else rest.none()


@login_required
@_requires_add
@require_GET
def search_choices(request: AuthenticatedRequest, what: str) -> HttpResponse:
    """Render the results of a search as checkboxes while it is being typed."""
    found = _search_counselors if what == "counselors" else _search_scenarios
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
