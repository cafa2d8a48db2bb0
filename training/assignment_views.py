"""Where supervisors give practice to counselors, one or hundreds at once, and see what became of it."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.http import SignedInRequest
from accounts.models import Cohort, User
from accounts.open_ended import page_of
from scenarios.models import Scenario
from training.forms import AssignManyForm, AssignmentFilterForm
from training.models import Assignment
from training.services.assignments import assign_many, cancel, decline, reset

PER_PAGE = 25
FOUND_AT_ONCE = 12

_gives = permission_required("training.add_assignment", raise_exception=True)
_sees = permission_required("training.view_assignment", raise_exception=True)


@login_required
@_sees
@require_GET
def assignments(request: SignedInRequest) -> HttpResponse:
    """Everybody's assignments, newest first, narrowed by a name, a status or a cohort."""
    form = AssignmentFilterForm(request.user, request.GET)
    rows = form.narrow(Assignment.objects.for_user(request.user)).with_people()
    page = page_of(rows, PER_PAGE, request.GET.get("page"))
    return render(request, "training/assignments.html", {"form": form, "page": page})


@login_required
@_gives
@require_http_methods(["GET", "POST"])
def assign(request: SignedInRequest) -> HttpResponse:
    """Choose people and scenarios by typing, then give all of it at once. Without scripts the search is a GET."""
    form = AssignManyForm(request.user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        chosen = form.cleaned_data
        given = assign_many(
            chosen["scenarios"], form.everybody(), request.user, force=chosen["force_reassign"], **form.terms
        )
        if not given.open and not given.completed:
            messages.success(request, f"{len(given.assignments)} assigned.")
            return redirect("assignments")
        again = {
            "counselors_again": dict.fromkeys(pair.counselor.pk for pair in given.completed),
            "scenarios_again": dict.fromkeys(pair.scenario.pk for pair in given.completed),
        }
        return render(request, "training/assigned.html", {"given": given, "terms": form.terms} | again)
    sent = request.POST if request.method == "POST" else request.GET
    return render(request, "training/assign.html", _picked(request, sent) | {"form": form})


def _picked(request: SignedInRequest, sent: QueryDict) -> dict[str, Any]:
    """What is chosen so far, and what the two searches find beside it."""
    people = User.objects.for_user(request.user).counselors()
    scenarios = Scenario.objects.for_user(request.user).filter(is_active=True)
    chosen_people = people.filter(pk__in=_ids(sent, "counselors")).by_name()
    chosen_scenarios = scenarios.filter(pk__in=_ids(sent, "scenarios"))
    return {
        "people": chosen_people,
        "scenarios": chosen_scenarios,
        "cohorts": Cohort.objects.for_user(request.user),
        "chosen_cohorts": _ids(sent, "cohorts"),
        "found_people": _found_people(request, sent),
        "found_scenarios": _found_scenarios(request, sent),
        "sent": sent,
    }


def _ids(sent: QueryDict, name: str) -> list[str]:
    """Of what was sent, what can be an id."""
    return [one for one in sent.getlist(name) if _is_uuid(one)]


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _found_people(request: SignedInRequest, sent: QueryDict) -> Any:
    text = sent.get("find_counselors", "").strip()
    people = User.objects.for_user(request.user).counselors().exclude(pk__in=_ids(sent, "counselors"))
    return people.matching(text).by_name()[: FOUND_AT_ONCE + 1] if text else people.none()


def _found_scenarios(request: SignedInRequest, sent: QueryDict) -> Any:
    text = sent.get("find_scenarios", "").strip()
    scenarios = Scenario.objects.for_user(request.user).library().filter(is_active=True)
    rest = scenarios.exclude(pk__in=_ids(sent, "scenarios"))
    return rest.filter(title__icontains=text)[: FOUND_AT_ONCE + 1] if text else rest.none()


@login_required
@_gives
@require_GET
def pick(request: SignedInRequest, what: str) -> HttpResponse:
    """What a search finds while it is being typed, as boxes to tick."""
    found = _found_people if what == "counselors" else _found_scenarios
    context = {"name": what, "found": found(request, request.GET), "text": request.GET.get(f"find_{what}", "")}
    return render(request, "training/_pick.html", context)


@login_required
@_sees
@require_GET
def assignment(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """One assignment: what was asked for, and every attempt."""
    found = get_object_or_404(Assignment.objects.for_user(request.user).with_people(), pk=pk)
    attempts = found.sessions.order_by("-attempt")
    return render(request, "training/assignment.html", {"assignment": found, "attempts": attempts})


@login_required
@permission_required("training.change_assignment", raise_exception=True)
@require_POST
def assignment_change(request: SignedInRequest, pk: UUID, verb: str) -> HttpResponse:
    """Reset or cancel it. A conversation that is under way stops neither; it has to end first."""
    found = get_object_or_404(Assignment.objects.for_user(request.user), pk=pk)
    done = {"reset": reset, "cancel": cancel}[verb](found)
    if done:
        messages.success(request, {"reset": "It begins anew.", "cancel": "It is taken back."}[verb])
    else:
        messages.error(
            request, "Nothing was changed: a conversation of it is under way, or it stands otherwise by now."
        )
    return redirect("assignment", pk=pk)


@login_required
@require_POST
def assignment_decline(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """A counselor would rather not take this topic. Nobody asks why."""
    mine = Assignment.objects.for_user(request.user).filter(counselor=request.user)
    if decline(get_object_or_404(mine, pk=pk)):
        messages.success(
            request, "Declined. That is all right: it counts for nothing, and your supervisor can choose another one."
        )
    else:
        messages.error(request, "It could not be declined: it is under way or closed by now.")
    return redirect("dashboard")
