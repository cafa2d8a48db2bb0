from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET

from accounts.http import SignedInRequest
from accounts.open_ended import page_of
from scenarios.models import Mode, Scenario
from training.forms import LibraryForm
from training.models import Assignment, Session
from training.services.sessions import may_try

PER_PAGE = 25
PAGES = {Mode.PHONE: "training/call.html", Mode.CHAT: "training/chat.html"}


@login_required
@require_GET
def practice(request: SignedInRequest, pk: UUID, mode: str) -> HttpResponse:
    """The page of an assigned call or chat; the other mode's address is not found."""
    mine = Assignment.objects.for_user(request.user).filter(counselor=request.user, scenario__mode=mode)
    assignment = get_object_or_404(mine.select_related("scenario"), pk=pk)
    live = assignment.sessions.live().first()
    facts = _facts(assignment.scenario) | {
        "kind": Session.Kind.ASSIGNMENT.value,
        "assignment_id": assignment.pk,
        "due_date": assignment.due_date,
        "notes": assignment.notes,
        "pass_mark": assignment.pass_mark,
        "attempts_allowed": assignment.attempts_allowed,
        "best_score": assignment.score,
        "require_recording": assignment.require_recording,
        "is_open": assignment.is_open,
    }
    return _page(request, mode, facts, live)


@login_required
@require_GET
def free_practice(request: SignedInRequest, mode: str) -> HttpResponse:
    """Practice that nobody assigned; `?scenario=` plays one of the library."""
    facts: dict[str, Any] = {"title": "Free practice", "mode": mode}
    if "scenario" in request.GET:
        library = Scenario.objects.playable_by(request.user).filter(mode=mode)
        facts = _facts(get_object_or_404(library, pk=_uuid_or_404(request.GET["scenario"])))
    live = Session.objects.held_by(request.user).live().filter(mode=mode, kind=Session.Kind.FREE_PRACTICE).first()
    return _page(request, mode, facts | {"kind": Session.Kind.FREE_PRACTICE.value, "is_open": True}, live)


@login_required
@require_GET
def library(request: SignedInRequest) -> HttpResponse:
    """What can be practised freely, by title. Nothing of a prompt or of what is assessed is shown."""
    form = LibraryForm(request.GET)
    rows = form.narrow(Scenario.objects.playable_by(request.user)).order_by("title", "pk")
    page = page_of(rows, PER_PAGE, request.GET.get("page"))
    return render(request, "training/library.html", {"form": form, "page": page})


@login_required
@require_GET
def trial(request: SignedInRequest, pk: UUID, mode: str) -> HttpResponse:
    """Whoever may change a scenario plays it as it stands, in either mode."""
    if not may_try(request.user):
        raise Http404
    scenario = get_object_or_404(Scenario.objects.for_user(request.user), pk=pk)
    live = Session.objects.held_by(request.user).live().trials_of(scenario, mode).first()
    facts = _facts(scenario) | {
        "kind": Session.Kind.TRIAL.value,
        "mode": mode,
        "scenario_url": reverse("admin:scenarios_scenario_change", args=[scenario.pk]),
        "is_open": True,
    }
    return _page(request, mode, facts, live)


def _uuid_or_404(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Http404 from None


def _facts(scenario: Scenario) -> dict[str, Any]:
    """What a counselor may know of a scenario before feedback."""
    return {
        "mode": scenario.mode,
        "title": scenario.title,
        "description": scenario.description,
        "content_notes": scenario.content_notes,
        "estimated_minutes": scenario.estimated_minutes,
        "difficulty_label": scenario.get_difficulty_display(),
        "scenario_id": scenario.pk,
    }


def _page(request: SignedInRequest, mode: str, facts: dict[str, Any], live: Session | None) -> HttpResponse:
    context = {
        "practice": facts,
        "live_session_id": live.pk if live else None,
        "live_seconds": int((timezone.now() - live.started_at).total_seconds()) if live else 0,
        "sessions_url": reverse("api-sessions"),
        "dashboard_url": reverse("dashboard"),
    }
    return render(request, PAGES[Mode(mode)], context)
