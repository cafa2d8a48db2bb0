"""Pages for the dashboard, the practice history, and single sessions."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.services.rate_limits import RateLimitExceededError
from accounts.web.confirmation import Question, ask_first, is_confirmed
from accounts.web.countless_paginator import get_countless_page
from accounts.web.requests import AuthenticatedRequest
from evaluation.filter_forms import HistoryFilterForm
from evaluation.models import Comment, Evaluation, Tally
from evaluation.reports.attention import list_attention
from evaluation.reports.progress import list_skill_progress, recommend_practice
from evaluation.services.comments import add_comment
from evaluation.services.feedback_requests import can_request_feedback, may_request_feedback, request_feedback
from evaluation.views.debrief_panel import build_debrief_panel
from evaluation.views.documentation import build_documentation_panel
from evaluation.views.feedback_panel import FeedbackPanel, build_feedback_panel
from evaluation.views.progress import WEEKS
from evaluation.views.recording_panel import CommentsPanel, build_comments_panel, build_recording_panel, get_recording
from evaluation.views.today import build_counselor_today
from training.models import Assignment, Session
from training.services.errors import SessionRefusedError
from training.services.session_start import can_start_trial
from training.services.sessions import end_by_supervisor

RECENT_SESSIONS = 8
RECENT_ON_TODAY = 4
PER_PAGE = 25


@dataclass(frozen=True)
class ListedSession:
    """A session in a list."""

    session: Session
    newest: Evaluation | None  # its newest evaluation
    may_request_feedback: bool
    is_hidden: bool = False  # graded, but the user may not see the results yet


@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """Show the welcome page to everyone who is not logged in, and the next thing to do to the rest."""
    return dashboard(request) if request.user.is_authenticated else render(request, "welcome.html")


@login_required
def dashboard(request: AuthenticatedRequest) -> HttpResponse:
    """Show the next thing to do: a counselor's Today, or the pending tasks of others."""
    if request.user.is_counselor:
        recent = [_build_listed_session(request, session) for session in _visible_sessions(request)[:RECENT_ON_TODAY]]
        context = {"today": build_counselor_today(request.user), "recent": recent}
        return render(request, "evaluation/today.html", context)
    mine = Assignment.objects.for_user(request.user).filter(counselor=request.user).open()
    context: dict[str, object] = {
        "assignments": mine.select_related("scenario").soonest_due_first(),
        "items": [_build_listed_session(request, session) for session in _visible_sessions(request)[:RECENT_SESSIONS]],
    }
    if request.user.is_counselor:
        skills = list_skill_progress(Tally.objects.for_user(request.user), WEEKS)
        context["live"] = Session.objects.for_counselor(request.user).live().select_related("scenario_version")
        context["advice"] = recommend_practice(request.user, skills)
    if request.user.has_perm("evaluation.add_review"):
        context["waiting_count"] = Evaluation.objects.reviewable_by(request.user).needing_review().count()
    if request.user.has_perm("training.view_assignment"):
        context["attention"] = list_attention(request.user)
    return render(request, "evaluation/dashboard.html", context)


@login_required
@require_GET
def history(request: AuthenticatedRequest) -> HttpResponse:
    """List past practice, newest first, filtered by words, mode, kind, and result."""
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


@login_required
@require_GET
def session_detail(request: AuthenticatedRequest, pk: UUID) -> HttpResponse:
    """Show the transcript, recording, and feedback of one conversation."""
    session = _get_session(request, pk)
    if session.is_warm_up:
        messages.success(request, _("That was the warm-up call. It isn’t graded, recorded, or listed anywhere."))
        return redirect("evaluation:dashboard")
    return _render_session(request, session)


@login_required
@require_GET
def session_transcript(request: AuthenticatedRequest, pk: UUID) -> HttpResponse:
    """Render the transcript so far, for people following a live session."""
    session = _get_session(request, pk)
    return render(request, "evaluation/_live_transcript.html", {"session": session, "turns": session.transcript()})


@login_required
@require_POST
def session_end(request: AuthenticatedRequest, pk: UUID) -> HttpResponse:
    """End another person's live session as a supervisor. Counselors end their own on the practice page."""
    may_end = Session.objects.endable_by(request.user).exclude(counselor=request.user)
    session = get_object_or_404(may_end, pk=pk)
    if session.is_live and not is_confirmed(request):
        return ask_first(request, _end_question(session))
    if end_by_supervisor(session):
        messages.success(request, _("Session ended. The conversation so far is saved and will be graded."))
    else:
        messages.info(request, _("This session had already ended."))
    return redirect("evaluation:session", pk=pk)


def _end_question(session: Session) -> Question:
    text = _("This ends the session right away and tells the counselor. The conversation so far is saved and graded.")
    title = _("End this session for %(counselor)s?") % {"counselor": session.counselor}
    return Question(title, text, _("End this session"), reverse("evaluation:session", args=[session.pk]))


def _delete_question(comment: Comment) -> Question:
    text = _("This deletes “%(text)s” for everyone. You can’t undo this.") % {"text": comment.text}
    back_url = reverse("evaluation:session", args=[comment.session_id]) + "#comments"
    return Question(_("Delete this comment?"), text, _("Delete comment"), back_url)


@login_required
@require_http_methods(["GET", "POST"])
def session_feedback(request: AuthenticatedRequest, pk: UUID) -> HttpResponse:
    """Render the feedback fragment, which the page polls while it is being prepared. POST requests feedback."""
    session = _get_session(request, pk)
    if request.method == "POST":
        try:
            request_feedback(session, request.user)
        except (SessionRefusedError, RateLimitExceededError) as error:
            messages.error(request, str(error))
        if not request.htmx:
            return redirect("evaluation:session", pk=pk)
    return render(request, "evaluation/_feedback.html", {"feedback": _newest_feedback(request, session)})


@login_required
@require_GET
def session_recording(request: AuthenticatedRequest, pk: UUID) -> HttpResponse:
    """Render the recording fragment with the transcript and its comments."""
    session = _get_session(request, pk)
    playback = build_recording_panel(request, session)
    context = {
        "session": session,
        "playback": playback,
        "remarks": build_comments_panel(request, session, playback.recording),
    }
    return render(request, "evaluation/_recording_update.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def session_comments(request: AuthenticatedRequest, pk: UUID) -> HttpResponse:
    """List supervisors' comments on moments of a call. POST adds a comment."""
    session = _get_session(request, pk)
    recording = get_recording(request, session)
    remarks = build_comments_panel(request, session, recording)
    if remarks is None:
        raise PermissionDenied
    if request.method == "POST":
        if remarks.form is None:
            raise PermissionDenied
        if remarks.form.is_valid():
            written = remarks.form.cleaned_data
            comment = add_comment(session, request.user, written["at"], written["text"])
            if not request.htmx:
                return redirect(f"{reverse('evaluation:session', args=[pk])}#comment-{comment.pk}")
            remarks = build_comments_panel(request, session, recording, comment)
        elif not request.htmx:
            return _render_session(request, session, remarks, status=400)
    return render(request, "evaluation/_comments.html", {"session": session, "remarks": remarks})


@login_required
@require_POST
def comment_delete(request: AuthenticatedRequest, pk: UUID, comment: int) -> HttpResponse:
    """Delete the user's own comment."""
    session = _get_session(request, pk)
    mine = Comment.objects.for_user(request.user).filter(session=session, author=request.user)
    found = get_object_or_404(mine, pk=comment)
    if not is_confirmed(request):
        return ask_first(request, _delete_question(found))
    found.delete()
    if not request.htmx:
        return redirect(f"{reverse('evaluation:session', args=[pk])}#comments")
    remarks = build_comments_panel(request, session, get_recording(request, session))
    return render(request, "evaluation/_comments.html", {"session": session, "remarks": remarks})


def _render_session(
    request: AuthenticatedRequest, session: Session, remarks: CommentsPanel | None = None, status: int = 200
) -> HttpResponse:
    """Render the whole page. `remarks` holds a rejected comment with its errors, if there is one."""
    is_own = session.counselor_id == request.user.pk
    playback = build_recording_panel(request, session)
    context = {
        "session": session,
        "is_own": is_own,
        "may_end": session.is_live and request.user.may_end_sessions and not is_own,
        "may_export": Session.objects.exportable_by(request.user).filter(pk=session.pk).exists(),
        "follows_live": session.is_live and not is_own,
        "feedback": _newest_feedback(request, session),
        "playback": playback,
        "remarks": remarks or build_comments_panel(request, session, playback.recording),
        "documentation": build_documentation_panel(request, session),
        "debrief": build_debrief_panel(request, session),
    }
    return render(request, "evaluation/session.html", context, status=status)


def _get_session(request: AuthenticatedRequest, pk: UUID) -> Session:
    visible = Session.objects.for_user(request.user).select_related("scenario_version", "assignment", "counselor")
    return get_object_or_404(visible, pk=pk)


def _newest_feedback(request: AuthenticatedRequest, session: Session) -> FeedbackPanel:
    newest = session.evaluations.newest_first().first()
    retry_url = _practice_url(session) if session.counselor_id == request.user.pk else None
    return build_feedback_panel(request, session, newest, retry_url)


def _practice_url(session: Session) -> str | None:
    """Return the URL for practicing this again, or None if its assignment is closed or the draft of a trial is gone."""
    name = "voice" if session.is_phone else "chat"
    if session.kind == Session.Kind.TRIAL:
        can_repeat = session.scenario_id and can_start_trial(session.counselor)
        return reverse(f"training:{name}_trial", args=[session.scenario_id]) if can_repeat else None
    if not session.assignment:
        query = f"?scenario={session.scenario_id}" if session.scenario_id else ""
        return reverse(f"training:{name}_free") + query
    return reverse(f"training:{name}", args=[session.assignment_id]) if session.assignment.is_open else None
