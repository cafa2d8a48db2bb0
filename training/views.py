from typing import Any
from uuid import UUID

from asgiref.sync import async_to_sync
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from accounts.http import SignedInRequest
from accounts.open_ended import page_of
from accounts.prefer import wait_until
from ai import AIUnavailable
from scenarios.models import Mode, Scenario
from scenarios.surveys import survey_lines
from training.forms import MOST_CHARACTERS, BeginForm, LibraryForm, MessageForm
from training.models import Assignment, EndReason, Session
from training.services.refusals import SessionRefused
from training.services.replies import ask, whole_answer
from training.services.sessions import end_session, may_try, start_assignment, start_free_practice

PER_PAGE = 25
GREETING_WAIT = 8.0  # seconds that a page without scripts waits for the first line
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
@require_POST
def chat_begin(request: SignedInRequest) -> HttpResponse:
    """Begin a chat from a page without scripts, and go back to it."""
    form = BeginForm(request.POST)
    if not form.is_valid():
        raise Http404
    try:
        if form.cleaned_data["assignment"]:
            mine = Assignment.objects.for_user(request.user).filter(counselor=request.user, scenario__mode=Mode.CHAT)
            found = get_object_or_404(mine.select_related("scenario", "counselor"), pk=form.cleaned_data["assignment"])
            _wait_for_greeting(start_assignment(found)[0])
            return redirect("training:chat", found.pk)
        scenario = None
        if form.cleaned_data["scenario"]:
            scenario = get_object_or_404(Scenario.objects.playable_by(request.user), pk=form.cleaned_data["scenario"])
        focus = form.cleaned_data["focus"]
        _wait_for_greeting(start_free_practice(request.user, Mode.CHAT, scenario, focus)[0])
    except SessionRefused as refused:
        messages.error(request, str(refused))
    return redirect("training:chat_free")


def _wait_for_greeting(session: Session) -> None:
    """Once the first line is there, or after a moment: without scripts nothing shows up by itself."""

    def is_ready() -> bool:
        session.refresh_from_db()
        return session.greeting_status != Session.Greeting.PENDING

    wait_until(is_ready, GREETING_WAIT)


@login_required
@require_POST
def chat_say(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Say something in a chat from a page without scripts, and wait for the answer."""
    session = get_object_or_404(Session.objects.held_by(request.user).filter(mode=Mode.CHAT), pk=pk)
    form = MessageForm(request.POST)
    if form.is_valid():
        try:
            async_to_sync(whole_answer)(ask(session, form.cleaned_data["message"]))
        except SessionRefused as refused:
            messages.error(request, str(refused))
        except AIUnavailable:
            messages.error(request, "They did not answer. Your message is kept; send the same words again.")
    else:
        messages.error(request, str(form.errors["message"][0]))
    return redirect(_page_of(session))


@login_required
@require_POST
def chat_end(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """End one's own chat from a page without scripts; its feedback is where this leads."""
    session = get_object_or_404(Session.objects.held_by(request.user).filter(mode=Mode.CHAT), pk=pk)
    end_session(session, EndReason.HUNG_UP)
    return redirect("session", pk=pk)


def _page_of(session: Session) -> str:
    if session.kind == Session.Kind.TRIAL:
        return reverse("training:chat_trial", args=[session.scenario_id])
    if session.assignment_id:
        return reverse("training:chat", args=[session.assignment_id])
    return reverse("training:chat_free")


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
        "survey": survey_lines(scenario.visitor_survey) if scenario.mode == Mode.CHAT else [],
        "estimated_minutes": scenario.estimated_minutes,
        "difficulty_label": scenario.get_difficulty_display(),
        "scenario_id": scenario.pk,
    }


def _page(request: SignedInRequest, mode: str, facts: dict[str, Any], live: Session | None) -> HttpResponse:
    context = {
        "practice": facts,
        "live_session_id": live.pk if live else None,
        # For a page without scripts, which cannot fetch them.
        "plain_live": live,
        "turns": live.transcript() if live and not live.is_phone else [],
        "message_limit": MOST_CHARACTERS,
        "live_seconds": int((timezone.now() - live.started_at).total_seconds()) if live else 0,
        "sessions_url": reverse("api-sessions"),
        "dashboard_url": reverse("dashboard"),
    }
    return render(request, PAGES[Mode(mode)], context)
