"""Practice pages for calls and chats."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from asgiref.sync import async_to_sync
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts.models import User
from accounts.services.rate_limits import RateLimitExceededError
from accounts.web.requests import AuthenticatedRequest
from accounts.web.response_policies import allow_calls
from accounts.web.waiting import respond_when_done
from ai import AIUnavailableError
from scenarios.models import Mode, Scenario
from scenarios.models.choices import Opener
from scenarios.models.visitor_survey import format_survey
from scenarios.services.copy_trials import build_scenario
from training.forms import MAX_MESSAGE_CHARACTERS, ChatMessageForm, StartChatForm
from training.models import Assignment, EndReason, Session
from training.services.chat_replies import complete_answer, submit_message
from training.services.errors import SessionRefusedError
from training.services.greetings import has_greeting
from training.services.session_start import (
    TrialSource,
    can_start_trial,
    check_free_practice,
    find_live_trial,
    find_trial_source,
    start_assignment,
    start_free_practice,
)
from training.services.sessions import end_session

WARM_UP = "warm_up"  # kind of a practice page; its session is a trial without a scenario
GREETING_TIMEOUT = 8.0  # seconds that a page without JavaScript waits for the first line
TEMPLATES = {Mode.PHONE: "training/call.html", Mode.CHAT: "training/chat.html"}


@dataclass(frozen=True)
class PracticeBrief:
    """Facts about a practice session that a counselor may see before feedback: never the prompt or the criteria."""

    kind: str  # a kind of session, or WARM_UP
    mode: str
    title: str
    description: str = ""
    content_notes: str = ""
    survey: Sequence[tuple[str, str]] = ()  # questions and answers, for chats only
    estimated_minutes: int | None = None
    difficulty_label: str = ""
    skills: Sequence[str] = ()
    account_name: str = ""  # whose procedures apply
    caller_opens: bool = False
    scenario_id: UUID | None = None
    scenario_url: str = ""  # page of the editor, for trials only
    # The rest is for assignments only.
    assignment_id: UUID | None = None
    due_date: date | None = None
    notes: str = ""
    pass_mark: int | None = None
    attempts_allowed: int | None = None
    best_score: int | None = None
    require_recording: bool = False
    is_open: bool = True


@login_required
@require_GET
def practice(request: AuthenticatedRequest, pk: UUID, mode: str) -> HttpResponse:
    """Show the page of an assigned call or chat. Return 404 if the mode in the URL is not the scenario's."""
    mine = Assignment.objects.for_user(request.user).filter(counselor=request.user, scenario__mode=mode)
    assignment = get_object_or_404(mine.select_related("scenario"), pk=pk)
    return _render_practice(request, _describe_assignment(assignment), assignment.sessions.live().first())


@login_required
@require_GET
def free_practice(request: AuthenticatedRequest, mode: str) -> HttpResponse:
    """Show practice without an assignment. `?scenario=` selects a library scenario.

    A live session can be finished even if the center has turned the feature off.
    """
    live = Session.objects.for_counselor(request.user).live().filter(mode=mode, kind=Session.Kind.FREE_PRACTICE).first()
    if live is None:
        check_free_practice(request.user, mode)
    brief = PracticeBrief(Session.Kind.FREE_PRACTICE, mode, title=_("Free practice"))
    if "scenario" in request.GET:
        scenario = _get_free_scenario(request, mode, _uuid_or_404(request.GET["scenario"]), live)
        brief = _describe_scenario(scenario, Session.Kind.FREE_PRACTICE)
    return _render_practice(request, brief, live)


def _get_free_scenario(request: AuthenticatedRequest, mode: str, pk: UUID, live: Session | None) -> Scenario:
    """Return a library scenario, or the one that is being practiced, which may have left the library."""
    if live and live.scenario and live.scenario_id == pk:
        return live.scenario
    return get_object_or_404(Scenario.objects.playable_by(request.user).filter(mode=mode), pk=pk)


@login_required
@require_GET
def warm_up(request: AuthenticatedRequest) -> HttpResponse:
    """Show the page of a two-minute call with a friendly caller, to get used to the line."""
    brief = PracticeBrief(
        WARM_UP,
        Mode.PHONE,
        title=_("Warm-up call"),
        description=_(
            "Theo calls to help you try out the line. Talk over him, mute yourself, or type: nothing can go wrong."
        ),
        estimated_minutes=max(1, round(settings.WARM_UP_LIMIT / 60)),
        caller_opens=True,
    )
    return _render_practice(request, brief, Session.objects.warm_ups_of(request.user).live().first())


@login_required
@require_POST
def chat_start(request: AuthenticatedRequest) -> HttpResponse:
    """Start a chat from a page without JavaScript, and return to that page."""
    form = StartChatForm(request.POST)
    if not form.is_valid():
        raise Http404
    assignment = None
    if form.cleaned_data["assignment"]:
        mine = Assignment.objects.for_user(request.user).filter(counselor=request.user, scenario__mode=Mode.CHAT)
        assignment = get_object_or_404(mine.select_related("scenario", "counselor"), pk=form.cleaned_data["assignment"])
    try:
        session, _is_new = start_assignment(assignment) if assignment else _start_free_chat(request, form)
        return _redirect_when_greeted(session)
    except (SessionRefusedError, RateLimitExceededError) as error:
        messages.error(request, str(error))
    return redirect("training:chat", assignment.pk) if assignment else redirect("training:chat_free")


def _start_free_chat(request: AuthenticatedRequest, form: StartChatForm) -> tuple[Session, bool]:
    scenario = None
    if form.cleaned_data["scenario"]:
        scenario = get_object_or_404(Scenario.objects.playable_by(request.user), pk=form.cleaned_data["scenario"])
    return start_free_practice(request.user, Mode.CHAT, scenario, form.cleaned_data["focus"])


def _redirect_when_greeted(session: Session) -> HttpResponse:
    url = _practice_url(session)
    return respond_when_done(lambda: has_greeting(session), lambda is_ready: redirect(url), GREETING_TIMEOUT)


@login_required
@require_POST
def chat_send(request: AuthenticatedRequest, pk: UUID) -> HttpResponse:
    """Send a chat message from a page without JavaScript, and wait for the reply.

    If a message was not saved, show it in its box again, with the reason.
    """
    mine = Session.objects.for_counselor(request.user).filter(mode=Mode.CHAT)
    session = get_object_or_404(mine.select_related("counselor", "scenario", "assignment__scenario"), pk=pk)
    form = ChatMessageForm(request.POST)
    if not form.is_valid():
        return _return_message(request, session, str(form.errors["message"][0]), status=400)
    try:
        async_to_sync(complete_answer)(submit_message(session, form.cleaned_data["message"]))
    except SessionRefusedError as error:
        return _return_message(request, session, str(error), status=409)
    except RateLimitExceededError as error:
        return _return_message(request, session, str(error), status=429, retry_after=error.retry_after)
    except AIUnavailableError:
        messages.error(request, _("The caller didn’t reply. Your message was saved. Send the same message again."))
    return redirect(_practice_url(session))


def _return_message(
    request: AuthenticatedRequest, session: Session, reason: str, status: int, retry_after: int | None = None
) -> HttpResponse:
    """Show the chat with the unsaved message back in its box, or in a notice if the chat is over."""
    messages.error(request, reason)
    unsent = request.POST.get("message", "")
    session.refresh_from_db(fields=["status"])
    if not session.is_live:
        messages.info(request, _("Your message was not sent: “%(text)s”") % {"text": unsent})
    response = _render_practice(request, _describe_session(session), session if session.is_live else None, unsent)
    response.status_code = status
    if retry_after:
        response["Retry-After"] = str(retry_after)
    return response


@login_required
@require_POST
def chat_end(request: AuthenticatedRequest, pk: UUID) -> HttpResponse:
    """End the user's own chat from a page without JavaScript, and redirect to its feedback."""
    session = get_object_or_404(Session.objects.for_counselor(request.user).filter(mode=Mode.CHAT), pk=pk)
    end_session(session, EndReason.HUNG_UP)
    return redirect("evaluation:session", pk=pk)


def _practice_url(session: Session) -> str:
    if session.kind == Session.Kind.TRIAL:
        return reverse("training:chat_trial", args=[session.trial_source_id])
    if session.assignment_id:
        return reverse("training:chat", args=[session.assignment_id])
    return reverse("training:chat_free")


@login_required
@require_GET
def trial(request: AuthenticatedRequest, pk: UUID, mode: str) -> HttpResponse:
    """Show a trial of a scenario or of one's working copy as it stands, in either mode."""
    if not can_start_trial(request.user):
        raise Http404
    source = find_trial_source(request.user, pk)
    if source is None:
        raise Http404
    return _render_practice(
        request, _describe_trial(source, request.user, mode), find_live_trial(request.user, source, mode)
    )


def _uuid_or_404(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Http404 from None


def _describe_scenario(scenario: Scenario, kind: Session.Kind) -> PracticeBrief:
    return PracticeBrief(
        kind=kind,
        mode=scenario.mode,
        title=scenario.title,
        description=scenario.description,
        content_notes=scenario.content_notes,
        survey=format_survey(scenario.visitor_survey) if scenario.mode == Mode.CHAT else (),
        estimated_minutes=scenario.estimated_minutes,
        difficulty_label=scenario.get_difficulty_display(),
        skills=[skill.name for skill in scenario.skills.all()],
        account_name=scenario.account.name if scenario.account else "",
        caller_opens=scenario.opens == Opener.CALLER,
        scenario_id=scenario.pk,
    )


def _describe_assignment(assignment: Assignment) -> PracticeBrief:
    return replace(
        _describe_scenario(assignment.scenario, Session.Kind.ASSIGNMENT),
        assignment_id=assignment.pk,
        due_date=assignment.due_date,
        notes=assignment.notes,
        pass_mark=assignment.pass_mark,
        attempts_allowed=assignment.attempts_allowed,
        best_score=assignment.score,
        require_recording=assignment.require_recording,
        is_open=assignment.is_open,
    )


def _describe_trial(source: TrialSource, user: User, mode: str) -> PracticeBrief:
    scenario = source if isinstance(source, Scenario) else build_scenario(source, user)
    edited_id = source.pk if isinstance(source, Scenario) else source.scenario_id or source.pk
    url = reverse("scenarios:scenario_edit", args=[edited_id, "try"])
    return replace(_describe_scenario(scenario, Session.Kind.TRIAL), mode=mode, scenario_url=url)


def _describe_session(session: Session) -> PracticeBrief:
    if session.assignment:
        return _describe_assignment(session.assignment)
    if session.kind == Session.Kind.TRIAL and session.trial_source_id:
        source = find_trial_source(session.counselor, session.trial_source_id)
        if source:
            return _describe_trial(source, session.counselor, session.mode)
    if session.scenario:
        return _describe_scenario(session.scenario, Session.Kind.FREE_PRACTICE)
    return PracticeBrief(Session.Kind.FREE_PRACTICE, session.mode, title=_("Free practice"))


def _render_practice(
    request: AuthenticatedRequest, practice: PracticeBrief, live: Session | None, unsent: str = ""
) -> HttpResponse:
    context = {
        "practice": practice,
        "live_session_id": live.pk if live else None,
        # Only for a page without JavaScript, which cannot fetch its turns.
        "plain_live": live,
        "turns": live.transcript() if live and not live.is_phone else [],
        "message_limit": MAX_MESSAGE_CHARACTERS,
        "unsent": unsent,
        "live_seconds": int((timezone.now() - live.started_at).total_seconds()) if live else 0,
        "line_kept_ms": round(settings.LINE_KEPT_FOR * 1000),
        "sessions_url": reverse("api:training:session_list"),
        "dashboard_url": reverse("evaluation:dashboard"),
    }
    response = render(request, TEMPLATES[Mode(practice.mode)], context)
    return allow_calls(response) if practice.mode == Mode.PHONE else response
