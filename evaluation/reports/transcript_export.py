"""Transcript export as text and JSON. Speakers are called caller and counselor only; no one is named."""

from datetime import datetime
from typing import TypedDict

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from evaluation.templatetags.clock import format_timecode
from training.models import Session, TranscriptTurn
from training.transcript import SpeakerRole, public_turn

_SPEAKER_NAMES = {
    TranscriptTurn.Role.CALLER: gettext_lazy("Caller"),
    TranscriptTurn.Role.COUNSELOR: gettext_lazy("Counselor"),
}


class ExportedTurn(TypedDict):
    """One turn of the JSON export."""

    role: SpeakerRole
    text: str  # the words as heard
    start_ms: int | None  # None without a recording position
    end_ms: int | None
    interrupted: bool  # cut off before its end


class ExportedTranscript(TypedDict):
    """The JSON export of a session."""

    id: str
    title: str
    mode: str
    started_at: datetime
    ended_at: datetime | None  # None while the session is live
    transcript: list[ExportedTurn]  # in order


def transcript_as_text(session: Session) -> str:
    started = timezone.localtime(session.started_at)
    head = [session.title, f"{session.get_mode_display()}, {started:%Y-%m-%d %H:%M %Z}", ""]
    return "\n".join(head + [_format_turn(turn) for turn in session.transcript()]) + "\n"


def _format_turn(turn: TranscriptTurn) -> str:
    moment = f"[{format_timecode(turn.start_ms)}] " if turn.start_ms is not None else ""
    cut = f" [{_('cut off')}]" if turn.is_interrupted else ""
    return f"{moment}{_SPEAKER_NAMES[TranscriptTurn.Role(turn.role)]}: {turn.text_heard}{cut}"


def transcript_as_dict(session: Session) -> ExportedTranscript:
    return {
        "id": str(session.pk),
        "title": session.title,
        "mode": session.mode,
        "started_at": session.started_at,
        "ended_at": session.ended_at,
        "transcript": [_exported_turn(turn) for turn in session.transcript()],
    }


def _exported_turn(turn: TranscriptTurn) -> ExportedTurn:
    shown = public_turn(turn.to_snapshot())
    return {
        "role": shown["role"],
        "text": shown["text"],
        "start_ms": shown["start_ms"],
        "end_ms": shown["end_ms"],
        "interrupted": shown["interrupted"],
    }
