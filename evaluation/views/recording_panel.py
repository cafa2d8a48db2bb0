"""Panels with the recording of a session, its transcript, and supervisors' comments."""

from collections.abc import Sequence
from dataclasses import dataclass

from accounts.web.requests import AuthenticatedRequest
from evaluation.forms import CommentForm
from evaluation.models import Comment
from evaluation.reports.talk_time import TalkTime, measure_talk_time
from evaluation.reports.waveform import Waveform, draw_waveform
from evaluation.views.quotes import can_be_heard
from recordings.models import Recording
from training.models import Session, TranscriptTurn


@dataclass(frozen=True)
class RecordingPanel:
    """A recording with its transcript."""

    recording: Recording | None  # None if nothing was recorded, or the user may not listen
    may_download: bool
    turns: Sequence[TranscriptTurn]
    talk: TalkTime
    has_typing: bool  # a line of a phone call was typed

    @property
    def has_sound(self) -> bool:
        """Return whether the recording can be played, now or once it is ready."""
        return self.recording is not None and can_be_heard(self.recording)

    @property
    def waveform(self) -> Waveform | None:
        """The drawing of the voices, or None without a recording to draw."""
        if not self.recording or len(self.recording.peaks) < 2:
            return None
        return draw_waveform(self.recording.peaks, self.talk.pauses, self.recording.duration_ms or 1)


@dataclass(frozen=True)
class CommentsPanel:
    """Comments on a conversation, and the form for a new one."""

    comments: Sequence[Comment]
    form: CommentForm | None  # None if the user may not comment, or the conversation is still going on
    added: Comment | None = None  # the comment that was just added


def build_recording_panel(request: AuthenticatedRequest, session: Session) -> RecordingPanel:
    turns = session.transcript()
    recording = get_recording(request, session)
    downloadable = Recording.objects.downloadable_by(request.user)
    may_download = recording is not None and downloadable.filter(pk=recording.pk).exists()
    has_typing = session.is_phone and any(turn.source == turn.Source.TYPED for turn in turns)
    return RecordingPanel(recording, may_download, turns, measure_talk_time(turns), has_typing)


def get_recording(request: AuthenticatedRequest, session: Session) -> Recording | None:
    found = Recording.objects.listenable_by(request.user).filter(session=session)
    return found.select_related("deletion", "session").first()


def build_comments_panel(
    request: AuthenticatedRequest, session: Session, recording: Recording | None, added: Comment | None = None
) -> CommentsPanel | None:
    """Build the panel, or return None if the user may not read comments on this conversation.

    The form keeps a rejected comment and is empty after an accepted one.
    """
    if session.counselor_id != request.user.pk and not request.user.has_perm("evaluation.view_comment"):
        return None
    form = None
    if request.user.may_comment and not session.is_live:
        data = request.POST if request.method == "POST" and added is None and "text" in request.POST else None
        is_playable = recording is not None and recording.is_playable
        form = CommentForm(data, duration_ms=(recording.duration_ms or 0) if recording and is_playable else None)
    comments = Comment.objects.for_user(request.user).filter(session=session).select_related("author")
    return CommentsPanel(list(comments), form, added)
