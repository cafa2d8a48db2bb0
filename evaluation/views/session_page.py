"""Page of one conversation: its tabs, and the fragments that it polls."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.services.rate_limits import RateLimitExceededError
from accounts.web.confirmation import Question, ask_first, is_confirmed
from accounts.web.requests import AuthenticatedRequest
from evaluation.forms import CommentForm
from evaluation.models import Comment
from evaluation.services.comments import add_comment
from evaluation.services.feedback_requests import request_feedback
from evaluation.views.recording_panel import CommentsPanel, build_comments_panel, build_recording_panel, get_recording
from evaluation.views.session_frame import build_frame, get_session
from evaluation.views.transcript_panel import build_turns
from training.models import Session
from training.services.errors import SessionRefusedError
from training.services.sessions import end_by_supervisor


@login_required
@require_GET
def session_detail(request: AuthenticatedRequest, pk: UUID) -> HttpResponse:
    """Show the summary of one conversation's feedback, or the conversation itself while it is live."""
    session = get_session(request, pk)
    if session.is_warm_up:
        messages.success(request, _("That was the warm-up call. It isn’t graded, recorded, or listed anywhere."))
        return redirect("evaluation:dashboard")
    if session.is_live:
        return _render_live(request, session)
    return render(request, "evaluation/session_summary.html", build_frame(request, session, "summary"))


@login_required
@require_GET
def session_checks(request: AuthenticatedRequest, pk: UUID) -> HttpResponse:
    """Show the verdict on every check, with its evidence."""
    context = build_frame(request, get_session(request, pk), "checks")
    if not context["feedback"].criteria:
        return redirect("evaluation:session", pk=pk)
    return render(request, "evaluation/session_checks.html", context)


@login_required
@require_GET
def session_transcript(request: AuthenticatedRequest, pk: UUID) -> HttpResponse:
    """Show the transcript with its evidence and comments. A live page polls it for the turns so far."""
    session = get_session(request, pk)
    if request.htmx and session.is_live:
        turns = build_turns(session.transcript())
        return render(request, "evaluation/_live_turns.html", {"session": session, "turns": turns})
    if request.htmx:  # the conversation has ended, so the page has new parts
        return HttpResponse(headers={"HX-Refresh": "true"})
    if session.is_live:
        return _render_live(request, session)
    return render(request, "evaluation/session_transcript.html", _transcript_context(request, session))


@login_required
@require_GET
def session_print(request: AuthenticatedRequest, pk: UUID) -> HttpResponse:
    """Show summary, checks, and transcript on one page for printing."""
    context = _transcript_context(request, get_session(request, pk))
    return render(request, "evaluation/session_print.html", context)


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


@login_required
@require_http_methods(["GET", "POST"])
def session_feedback(request: AuthenticatedRequest, pk: UUID) -> HttpResponse:
    """Render the feedback fragment, which the page polls while it is being prepared. POST requests feedback."""
    session = get_session(request, pk)
    if request.method == "POST":
        try:
            request_feedback(session, request.user)
        except (SessionRefusedError, RateLimitExceededError) as error:
            messages.error(request, str(error))
        if not request.htmx:
            return redirect("evaluation:session", pk=pk)
    # Other tabs poll only the head.
    part = "_session_grade" if request.GET.get("part") == "head" else "_feedback"
    tab = request.GET.get("tab", "transcript") if part == "_session_grade" else "summary"
    return render(request, "evaluation/_feedback_update.html", build_frame(request, session, tab) | {"part": part})


@login_required
@require_GET
def session_recording(request: AuthenticatedRequest, pk: UUID) -> HttpResponse:
    """Render the player, or the state of the recording, which the page polls until it can be played."""
    session = get_session(request, pk)
    context = {"session": session, "playback": build_recording_panel(request, session)}
    return render(request, "evaluation/_recording.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def session_comments(request: AuthenticatedRequest, pk: UUID) -> HttpResponse:
    """List supervisors' comments on a conversation. POST adds a comment."""
    session = get_session(request, pk)
    remarks = build_comments_panel(request, session, get_recording(request, session))
    if remarks is None or (request.method == "POST" and remarks.form is None):
        raise PermissionDenied
    if request.method == "POST" and remarks.form:
        return _add_comment(request, session, remarks, remarks.form)
    return _render_comments(request, session, remarks)


@login_required
@require_POST
def comment_delete(request: AuthenticatedRequest, pk: UUID, comment: int) -> HttpResponse:
    """Delete the user's own comment."""
    session = get_session(request, pk)
    mine = Comment.objects.for_user(request.user).filter(session=session, author=request.user)
    found = get_object_or_404(mine, pk=comment)
    if not is_confirmed(request):
        return ask_first(request, _delete_question(session, found))
    found.delete()
    if not request.htmx:
        return redirect(f"{_transcript_url(session)}#comments")
    remarks = build_comments_panel(request, session, get_recording(request, session))
    return _render_comments(request, session, remarks)


def _render_live(request: AuthenticatedRequest, session: Session) -> HttpResponse:
    context = build_frame(request, session) | {"turns": build_turns(session.transcript())}
    return render(request, "evaluation/session_live.html", context)


def _add_comment(
    request: AuthenticatedRequest, session: Session, remarks: CommentsPanel, form: CommentForm
) -> HttpResponse:
    if form.is_valid():
        comment = add_comment(session, request.user, form.cleaned_data["at"], form.cleaned_data["text"])
        if not request.htmx:
            return redirect(f"{_transcript_url(session)}#comment-{comment.pk}")
        remarks = build_comments_panel(request, session, get_recording(request, session), comment) or remarks
    elif not request.htmx:
        context = _transcript_context(request, session, remarks)
        return render(request, "evaluation/session_transcript.html", context, status=400)
    return _render_comments(request, session, remarks)


def _render_comments(request: AuthenticatedRequest, session: Session, remarks: CommentsPanel | None) -> HttpResponse:
    """Render the comments and, because they stand at their moments, too, the turns."""
    if not request.htmx:
        return render(request, "evaluation/_comments.html", {"session": session, "remarks": remarks})
    context = _transcript_context(request, session, remarks)
    return render(request, "evaluation/_comments_update.html", context)


def _transcript_context(
    request: AuthenticatedRequest, session: Session, remarks: CommentsPanel | None = None
) -> dict[str, Any]:
    """Return the context of the transcript. `remarks` holds a rejected comment with its errors, if there is one."""
    context = build_frame(request, session, "transcript")
    playback, feedback = context["playback"], context["feedback"]
    remarks = remarks or build_comments_panel(request, session, playback.recording)
    turns = build_turns(playback.turns, feedback, remarks.comments if remarks else ())
    remarked = [one for one in turns if one.is_remarked]
    shows_remarked = request.GET.get("show") == "remarked"
    return context | {
        "remarks": remarks,
        "turns": remarked if shows_remarked else turns,
        "remarked_count": len(remarked),
        "shows_remarked": shows_remarked,
    }


def _transcript_url(session: Session) -> str:
    return reverse("evaluation:session_transcript", args=[session.pk])


def _end_question(session: Session) -> Question:
    text = _("This ends the session right away and tells the counselor. The conversation so far is saved and graded.")
    title = _("End this session for %(counselor)s?") % {"counselor": session.counselor}
    return Question(title, text, _("End this session"), reverse("evaluation:session", args=[session.pk]))


def _delete_question(session: Session, comment: Comment) -> Question:
    text = _("This deletes “%(text)s” for everyone. You can’t undo this.") % {"text": comment.text}
    return Question(_("Delete this comment?"), text, _("Delete comment"), f"{_transcript_url(session)}#comments")
