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

from accounts.http import SignedInRequest
from accounts.limits import TooOften
from accounts.open_ended import page_of
from evaluation.care import care_context
from evaluation.documentation_views import documentation_context
from evaluation.forms import CommentForm, HistoryForm
from evaluation.models import Comment, Evaluation, Tally
from evaluation.progress_views import WEEKS
from evaluation.reading import feedback_context
from evaluation.services.attention import attention_for
from evaluation.services.comments import comment
from evaluation.services.grading import ask_for_feedback, may_be_graded_again
from evaluation.services.progress import advise, skills_of
from evaluation.talk import talk_of
from recordings.models import Recording
from training.models import Assignment, Session
from training.services.refusals import SessionRefused
from training.services.sessions import end_by_supervisor, may_try

RECENT = 8
PER_PAGE = 25


@login_required
@require_GET
def dashboard(request: SignedInRequest) -> HttpResponse:
    """What is to be done, and what was done lately."""
    mine = Assignment.objects.for_user(request.user).filter(counselor=request.user).open()
    context: dict[str, Any] = {
        "assignments": mine.select_related("scenario").soonest_due_first(),
        "sessions": [_with_newest(session) for session in _seen_by(request)[:RECENT]],
    }
    if request.user.is_counselor:
        skills = skills_of(Tally.objects.for_user(request.user), WEEKS)
        context["live"] = Session.objects.held_by(request.user).live().select_related("scenario_version")
        context["advice"] = advise(request.user, skills)
    if request.user.has_perm("evaluation.add_review"):
        context["waiting_count"] = Evaluation.objects.for_user(request.user).waiting_for_person().count()
    if request.user.has_perm("training.view_assignment"):
        context["matters"] = attention_for(request.user)
    return render(request, "evaluation/dashboard.html", context)


@login_required
@require_GET
def history(request: SignedInRequest) -> HttpResponse:
    """What was practised, newest first, narrowed by words, mode and kind."""
    form = HistoryForm(request.user, request.GET)
    page = page_of(form.narrow(_seen_by(request)), PER_PAGE, request.GET.get("page"))
    page.object_list = [_with_newest(session) for session in page.object_list]
    return render(request, "evaluation/history.html", {"form": form, "page": page})


def _seen_by(request: SignedInRequest) -> Any:
    newest_first = Prefetch("evaluations", Evaluation.objects.order_by("-version"), to_attr="versions")
    seen = Session.objects.for_user(request.user).for_history(request.user)
    return seen.select_related("scenario_version", "counselor").prefetch_related(newest_first)


def _with_newest(session: Any) -> Any:
    session.newest = session.versions[0] if session.versions else None
    is_over = not session.is_live and not session.was_stopped
    session.may_ask_for_feedback = is_over and may_be_graded_again(session.newest)
    return session


@login_required
@require_GET
def session(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Transcript, recording and feedback of one conversation."""
    seen = _session(request, pk)
    may_end = seen.is_live and request.user.may_end_sessions and seen.counselor_id != request.user.pk
    context = _feedback_context(request, seen) | _recording_context(request, seen)
    context |= _comments_context(request, seen, context["recording"]) | {"may_end": may_end}
    context |= documentation_context(request, seen) | care_context(request, seen)
    context["reads_along"] = seen.is_live and not context["is_own"]
    return render(request, "evaluation/session.html", context)


@login_required
@require_GET
def transcript(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """The words so far, for who reads along."""
    seen = _session(request, pk)
    return render(request, "evaluation/_live_transcript.html", {"session": seen, "turns": seen.transcript()})


@login_required
@require_POST
def session_end(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """A supervisor ends somebody's live session; a counselor ends their own where they practise."""
    may_end = Session.objects.endable_by(request.user).exclude(counselor=request.user)
    if end_by_supervisor(get_object_or_404(may_end, pk=pk)):
        messages.success(request, "Ended. What was said until then is kept and graded.")
    else:
        messages.info(request, "It was over already.")
    return redirect("session", pk=pk)


@login_required
@require_http_methods(["GET", "POST"])
def feedback(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """The feedback alone, which the page polls while it is prepared; a POST asks for it."""
    seen = _session(request, pk)
    if request.method == "POST":
        try:
            ask_for_feedback(seen, request.user)
        except (SessionRefused, TooOften) as refused:
            messages.error(request, str(refused))
        if not request.htmx:
            return redirect("session", pk=pk)
    return render(request, "evaluation/_feedback.html", _feedback_context(request, seen))


@login_required
@require_GET
def recording(request: SignedInRequest, pk: UUID) -> HttpResponse:
    seen = _session(request, pk)
    context = _recording_context(request, seen)
    context |= _comments_context(request, seen, context["recording"])
    return render(request, "evaluation/_recording_news.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def comments(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """What supervisors say to moments of a call; a POST says something."""
    seen = _session(request, pk)
    recording = _recording(request, seen)
    context = _comments_context(request, seen, recording)
    if request.method == "POST":
        form = context["comment_form"]
        if form is None:
            raise PermissionDenied
        if form.is_valid():
            said = comment(seen, request.user, form.cleaned_data["at"], form.cleaned_data["text"])
            if not request.htmx:
                return redirect(f"{reverse('session', args=[pk])}#comment-{said.pk}")
            context = _comments_context(request, seen, recording, said)
        elif not request.htmx:
            return _with_bad_comment(request, seen, form)
    return render(request, "evaluation/_comments.html", context)


@login_required
@require_POST
def comment_delete(request: SignedInRequest, pk: UUID, comment: int) -> HttpResponse:
    """Whoever said it may take it back."""
    seen = _session(request, pk)
    mine = Comment.objects.for_user(request.user).filter(session=seen, author=request.user)
    get_object_or_404(mine, pk=comment).delete()
    if not request.htmx:
        return redirect(f"{reverse('session', args=[pk])}#comments")
    return render(request, "evaluation/_comments.html", _comments_context(request, seen, _recording(request, seen)))


def _with_bad_comment(request: SignedInRequest, session: Session, form: CommentForm) -> HttpResponse:
    """The whole page, with what was typed and what is wrong with it."""
    context = _feedback_context(request, session) | _recording_context(request, session)
    context |= _comments_context(request, session, context["recording"]) | {"comment_form": form}
    return render(request, "evaluation/session.html", context, status=400)


def _session(request: SignedInRequest, pk: UUID) -> Session:
    seen = Session.objects.for_user(request.user).select_related("scenario_version", "assignment", "counselor")
    return get_object_or_404(seen, pk=pk)


def _feedback_context(request: SignedInRequest, session: Session) -> dict[str, Any]:
    newest = session.evaluations.newest_first().first()
    retry_url = _practice_url(session) if session.counselor_id == request.user.pk else None
    return feedback_context(request, session, newest) | {"retry_url": retry_url}


def _recording_context(request: SignedInRequest, session: Session) -> dict[str, Any]:
    turns = session.transcript()
    return {"session": session, "recording": _recording(request, session), "turns": turns, "talk": talk_of(turns)}


def _recording(request: SignedInRequest, session: Session) -> Recording | None:
    found = Recording.objects.for_user(request.user).filter(session=session)
    return found.select_related("deletion", "session").first()


def _comments_context(
    request: SignedInRequest, session: Session, recording: Recording | None, said: Comment | None = None
) -> dict[str, Any]:
    """What was said, and a form for who may say something, once there is a recording to say it to."""
    form = None
    if recording and recording.is_playable and request.user.may_comment:
        data = request.POST if request.method == "POST" and said is None and "at" in request.POST else None
        form = CommentForm(data, longest_ms=recording.duration_ms or 0)
    remarks = Comment.objects.for_user(request.user).filter(session=session).select_related("author")
    return {"session": session, "comments": remarks, "comment_form": form, "said": said}


def _practice_url(session: Session) -> str | None:
    """Where the same can be practised again; None when its assignment is closed or the draft that was tried is gone."""
    name = "voice" if session.is_phone else "chat"
    if session.kind == Session.Kind.TRIAL:
        is_there = session.scenario_id and may_try(session.counselor)
        return reverse(f"training:{name}_trial", args=[session.scenario_id]) if is_there else None
    if not session.assignment:
        query = f"?scenario={session.scenario_id}" if session.scenario_id else ""
        return reverse(f"training:{name}_free") + query
    return reverse(f"training:{name}", args=[session.assignment_id]) if session.assignment.is_open else None
