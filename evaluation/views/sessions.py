"""Pages for the dashboard, the practice history, and single sessions."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db.models import Prefetch
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.services.rate_limits import RateLimitExceededError
from accounts.web.countless_paginator import get_countless_page
from accounts.web.requests import AuthenticatedRequest
from evaluation.forms import CommentForm, HistoryFilterForm
from evaluation.models import Comment, Evaluation, Tally
from evaluation.reports.attention import list_attention
from evaluation.reports.progress import list_skill_progress, recommend_practice
from evaluation.reports.talk_time import measure_talk_time
from evaluation.services.comments import add_comment
from evaluation.services.grading import can_request_feedback, request_feedback
from evaluation.views.debrief_context import debrief_context
from evaluation.views.documentation import documentation_context
from evaluation.views.feedback_context import feedback_context
from evaluation.views.progress import WEEKS
from recordings.models import Recording
from training.models import Assignment, Session
from training.services.errors import SessionRefusedError
from training.services.sessions import can_start_trial, end_by_supervisor

RECENT_SESSIONS = 8
PER_PAGE = 25


@login_required
@require_GET
def dashboard(request: AuthenticatedRequest) -> HttpResponse:
    """Show open assignments, recent sessions, and tasks that wait for the user."""
    mine = Assignment.objects.for_user(request.user).filter(counselor=request.user).open()
    context: dict[str, Any] = {
        "assignments": mine.select_related("scenario").soonest_due_first(),
        "sessions": [_attach_newest_evaluation(session) for session in _visible_sessions(request)[:RECENT_SESSIONS]],
    }
    if request.user.is_counselor:
        skills = list_skill_progress(Tally.objects.for_user(request.user), WEEKS)
        context["live"] = Session.objects.for_counselor(request.user).live().select_related("scenario_version")
        context["advice"] = recommend_practice(request.user, skills)
    if request.user.has_perm("evaluation.add_review"):
        context["waiting_count"] = Evaluation.objects.for_user(request.user).needing_review().count()
    if request.user.has_perm("training.view_assignment"):
        context["matters"] = list_attention(request.user)
    return render(request, "evaluation/dashboard.html", context)


@login_required
@require_GET
def history(request: AuthenticatedRequest) -> HttpResponse:
    """List past practice, newest first, filtered by words, mode, and kind."""
    form = HistoryFilterForm(request.user, request.GET)
    page = get_countless_page(form.filter_rows(_visible_sessions(request)), PER_PAGE, request.GET.get("page"))
    page.object_list = [_attach_newest_evaluation(session) for session in page.object_list]
    return render(request, "evaluation/history.html", {"form": form, "page": page})


def _visible_sessions(request: AuthenticatedRequest) -> Any:
    newest_first = Prefetch("evaluations", Evaluation.objects.order_by("-version"), to_attr="versions")
    seen = Session.objects.for_user(request.user).listed_for(request.user)
    return seen.select_related("scenario_version", "counselor").prefetch_related(newest_first)


def _attach_newest_evaluation(session: Any) -> Any:
    """Set `newest` and `may_ask_for_feedback` on a prefetched session, for the templates."""
    session.newest = session.versions[0] if session.versions else None
    is_over = not session.is_live and not session.was_stopped
    session.may_ask_for_feedback = is_over and can_request_feedback(session.newest)
    return session


@login_required
@require_GET
def session_detail(request: AuthenticatedRequest, pk: UUID) -> HttpResponse:
    """Show the transcript, recording, and feedback of one conversation."""
    seen = _get_session(request, pk)
    may_end = seen.is_live and request.user.may_end_sessions and seen.counselor_id != request.user.pk
    context = _session_feedback_context(request, seen) | _recording_context(request, seen)
    context |= _comments_context(request, seen, context["recording"]) | {"may_end": may_end}
    context |= documentation_context(request, seen) | debrief_context(request, seen)
    context["reads_along"] = seen.is_live and not context["is_own"]
    return render(request, "evaluation/session.html", context)


@login_required
@require_GET
def session_transcript(request: AuthenticatedRequest, pk: UUID) -> HttpResponse:
    """Render the transcript so far, for people reading along."""
    seen = _get_session(request, pk)
    return render(request, "evaluation/_live_transcript.html", {"session": seen, "turns": seen.transcript()})


@login_required
@require_POST
def session_end(request: AuthenticatedRequest, pk: UUID) -> HttpResponse:
    """End another person's live session as a supervisor. Counselors end their own on the practice page."""
    may_end = Session.objects.endable_by(request.user).exclude(counselor=request.user)
    if end_by_supervisor(get_object_or_404(may_end, pk=pk)):
        messages.success(request, "Ended. What was said until then is kept and graded.")
    else:
        messages.info(request, "It was over already.")
    return redirect("evaluation:session", pk=pk)


@login_required
@require_http_methods(["GET", "POST"])
def session_feedback(request: AuthenticatedRequest, pk: UUID) -> HttpResponse:
    """Render the feedback fragment, which the page polls while it is prepared. POST requests feedback."""
    seen = _get_session(request, pk)
    if request.method == "POST":
        try:
            request_feedback(seen, request.user)
        except (SessionRefusedError, RateLimitExceededError) as refused:
            messages.error(request, str(refused))
        if not request.htmx:
            return redirect("evaluation:session", pk=pk)
    return render(request, "evaluation/_feedback.html", _session_feedback_context(request, seen))


@login_required
@require_GET
def session_recording(request: AuthenticatedRequest, pk: UUID) -> HttpResponse:
    """Render the recording fragment with the transcript and its comments."""
    seen = _get_session(request, pk)
    context = _recording_context(request, seen)
    context |= _comments_context(request, seen, context["recording"])
    return render(request, "evaluation/_recording_update.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def session_comments(request: AuthenticatedRequest, pk: UUID) -> HttpResponse:
    """List supervisors' comments on moments of a call. POST adds a comment."""
    seen = _get_session(request, pk)
    recording = _get_recording(request, seen)
    context = _comments_context(request, seen, recording)
    if request.method == "POST":
        form = context["comment_form"]
        if form is None:
            raise PermissionDenied
        if form.is_valid():
            said = add_comment(seen, request.user, form.cleaned_data["at"], form.cleaned_data["text"])
            if not request.htmx:
                return redirect(f"{reverse('evaluation:session', args=[pk])}#comment-{said.pk}")
            context = _comments_context(request, seen, recording, said)
        elif not request.htmx:
            return _render_invalid_comment(request, seen, form)
    return render(request, "evaluation/_comments.html", context)


@login_required
@require_POST
def comment_delete(request: AuthenticatedRequest, pk: UUID, comment: int) -> HttpResponse:
    """Delete one's own comment."""
    seen = _get_session(request, pk)
    mine = Comment.objects.for_user(request.user).filter(session=seen, author=request.user)
    get_object_or_404(mine, pk=comment).delete()
    if not request.htmx:
        return redirect(f"{reverse('evaluation:session', args=[pk])}#comments")
    return render(request, "evaluation/_comments.html", _comments_context(request, seen, _get_recording(request, seen)))


def _render_invalid_comment(request: AuthenticatedRequest, session: Session, form: CommentForm) -> HttpResponse:
    """Render the whole page again with the rejected comment and its errors."""
    context = _session_feedback_context(request, session) | _recording_context(request, session)
    context |= _comments_context(request, session, context["recording"]) | {"comment_form": form}
    return render(request, "evaluation/session.html", context, status=400)


def _get_session(request: AuthenticatedRequest, pk: UUID) -> Session:
    seen = Session.objects.for_user(request.user).select_related("scenario_version", "assignment", "counselor")
    return get_object_or_404(seen, pk=pk)


def _session_feedback_context(request: AuthenticatedRequest, session: Session) -> dict[str, Any]:
    newest = session.evaluations.newest_first().first()
    retry_url = _practice_url(session) if session.counselor_id == request.user.pk else None
    return feedback_context(request, session, newest) | {"retry_url": retry_url}


def _recording_context(request: AuthenticatedRequest, session: Session) -> dict[str, Any]:
    turns = session.transcript()
    return {
        "session": session,
        "recording": _get_recording(request, session),
        "turns": turns,
        "talk": measure_talk_time(turns),
    }


def _get_recording(request: AuthenticatedRequest, session: Session) -> Recording | None:
    found = Recording.objects.for_user(request.user).filter(session=session)
    return found.select_related("deletion", "session").first()


def _comments_context(
    request: AuthenticatedRequest, session: Session, recording: Recording | None, said: Comment | None = None
) -> dict[str, Any]:
    """Build the context: comments, and a form if the user may comment and the recording can be played."""
    form = None
    if recording and recording.is_playable and request.user.may_comment:
        data = request.POST if request.method == "POST" and said is None and "at" in request.POST else None
        form = CommentForm(data, longest_ms=recording.duration_ms or 0)
    remarks = Comment.objects.for_user(request.user).filter(session=session).select_related("author")
    return {"session": session, "comments": remarks, "comment_form": form, "said": said}


def _practice_url(session: Session) -> str | None:
    """Return the URL for practicing this again, or None if its assignment is closed or the tried draft is gone."""
    name = "voice" if session.is_phone else "chat"
    if session.kind == Session.Kind.TRIAL:
        is_there = session.scenario_id and can_start_trial(session.counselor)
        return reverse(f"training:{name}_trial", args=[session.scenario_id]) if is_there else None
    if not session.assignment:
        query = f"?scenario={session.scenario_id}" if session.scenario_id else ""
        return reverse(f"training:{name}_free") + query
    return reverse(f"training:{name}", args=[session.assignment_id]) if session.assignment.is_open else None
