"""Frame of a conversation's page, which all its tabs share: head, player, tabs, and the feedback as it stands."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.web.requests import AuthenticatedRequest
from evaluation.models import Comment
from evaluation.views.debrief_panel import build_debrief_panel
from evaluation.views.documentation_panel import DocumentationPanel, build_documentation_panel
from evaluation.views.feedback_panel import FeedbackPanel, build_feedback_panel
from evaluation.views.recording_panel import RecordingPanel, build_recording_panel
from training.models import Session
from training.services.session_start import can_practice_freely, can_start_trial


@dataclass(frozen=True)
class Tab:
    """A tab of the page: a link with its own address."""

    name: str
    label: str
    url: str
    count: int = 0
    counted: str = ""  # the count in words, for screen readers


def get_session(request: AuthenticatedRequest, pk: UUID) -> Session:
    """Return the session, or raise Http404 if the user may not read it."""
    visible = Session.objects.for_user(request.user).select_related("scenario_version", "assignment", "counselor")
    return get_object_or_404(visible, pk=pk)


def build_frame(request: AuthenticatedRequest, session: Session, tab: str = "summary") -> dict[str, Any]:
    """Return the context of the page with `tab` open. It takes the same number of queries for any conversation."""
    is_own = session.counselor_id == request.user.pk
    playback = build_recording_panel(request, session)
    feedback = build_newest_feedback(request, session, playback)
    documentation = build_documentation_panel(request, session)
    return {
        "session": session,
        "is_own": is_own,
        "may_end": session.is_live and request.user.may_end_sessions and not is_own,
        "may_export": Session.objects.exportable_by(request.user).filter(pk=session.pk).exists(),
        "feedback": feedback,
        "playback": playback,
        "documentation": documentation,
        "debrief": build_debrief_panel(request, session),
        "tab": tab,
        "tabs": _build_tabs(session, feedback, documentation, _count_comments(request, session)),
    }


def build_newest_feedback(request: AuthenticatedRequest, session: Session, playback: RecordingPanel) -> FeedbackPanel:
    newest = session.evaluations.newest_first().select_related("looked_at_by", "document", "session").first()
    retry_url = _practice_url(session) if session.counselor_id == request.user.pk else None
    return build_feedback_panel(request, session, newest, playback.turns, playback.recording, retry_url)


def _count_comments(request: AuthenticatedRequest, session: Session) -> int:
    return Comment.objects.for_user(request.user).filter(session=session).count()


def _build_tabs(
    session: Session, feedback: FeedbackPanel, documentation: DocumentationPanel | None, comments: int
) -> Sequence[Tab]:
    def tab(name: str, label: str, view: str, count: int = 0, counted: str = "") -> Tab:
        return Tab(name, label, reverse(f"evaluation:{view}", args=[session.pk]), count, counted)

    checks = len(feedback.criteria)
    in_words = ngettext("%(count)s comment", "%(count)s comments", comments) % {"count": comments}
    tabs = [tab("summary", _("Summary"), "session")]
    if checks:
        tabs.append(tab("checks", _("Checks"), "session_checks", checks, str(checks)))
    tabs.append(tab("transcript", _("Transcript"), "session_transcript", comments, in_words))
    if documentation:
        tabs.append(tab("documentation", _("Documentation"), "session_documentation"))
    return tabs


def _practice_url(session: Session) -> str | None:
    """Return the URL for continuing this or practicing it again.

    Return None if its assignment is closed, the draft of a trial is gone, or the center has turned off free practice.
    """
    name = "voice" if session.is_phone else "chat"
    if session.kind == Session.Kind.TRIAL:
        can_repeat = session.scenario_id and can_start_trial(session.counselor)
        return reverse(f"training:{name}_trial", args=[session.scenario_id]) if can_repeat else None
    if not session.assignment:
        if not session.is_live and not can_practice_freely(session.counselor, session.mode):
            return None
        query = f"?scenario={session.scenario_id}" if session.scenario_id else ""
        return reverse(f"training:{name}_free") + query
    return reverse(f"training:{name}", args=[session.assignment_id]) if session.assignment.is_open else None
