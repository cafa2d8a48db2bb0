"""Panels with the recording of a session, its transcript, and supervisors' comments."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from accounts.web.requests import AuthenticatedRequest
from evaluation.forms import CommentForm
from evaluation.models import Comment
from evaluation.reports.talk_time import TalkTime, measure_talk_time
from recordings.models import Recording
from training.models import Session, TranscriptTurn


@dataclass(frozen=True)
class RecordingPanel:
    """A recording with its transcript."""

    recording: Recording | None  # None if nothing was recorded, or the user may not listen
    may_download: bool
    turns: Sequence[TranscriptTurn]
    talk: TalkTime


@dataclass(frozen=True)
class CommentsPanel:
    """Comments on a call, and the form for a new one."""

    comments: Iterable[Comment]
    form: CommentForm | None  # None if the user may not comment, or the recording cannot be played
    added: Comment | None = None  # the comment that was just added


def build_recording_panel(request: AuthenticatedRequest, session: Session) -> RecordingPanel:
    turns = session.transcript()
    recording = get_recording(request, session)
    downloadable = Recording.objects.downloadable_by(request.user)
    may_download = recording is not None and downloadable.filter(pk=recording.pk).exists()
    return RecordingPanel(recording, may_download, turns, measure_talk_time(turns))


def get_recording(request: AuthenticatedRequest, session: Session) -> Recording | None:
    found = Recording.objects.listenable_by(request.user).filter(session=session)
    return found.select_related("deletion", "session").first()


def build_comments_panel(
    request: AuthenticatedRequest, session: Session, recording: Recording | None, added: Comment | None = None
) -> CommentsPanel | None:
    """Build the panel, or return None if the user may not read comments on this call.

    The form keeps a rejected comment and is empty after an accepted one.
    """
    if session.counselor_id != request.user.pk and not request.user.has_perm("evaluation.view_comment"):
        return None
    form = None
    if recording and recording.is_playable and request.user.may_comment:
        data = request.POST if request.method == "POST" and added is None and "at" in request.POST else None
        form = CommentForm(data, duration_ms=recording.duration_ms or 0)
    comments = Comment.objects.for_user(request.user).filter(session=session).select_related("author")
    return CommentsPanel(comments, form, added)
