"""Transcript export as text and JSON. Speakers are called caller and counselor only; no one is named."""

from typing import Any

from evaluation.templatetags.clock import format_timecode
from training.models import Session, TranscriptTurn
from training.transcript import public_turn

_EXPORTED_FIELDS = ("role", "text", "start_ms", "end_ms", "interrupted")
_SPEAKER_NAMES = {TranscriptTurn.Role.CALLER: "Caller", TranscriptTurn.Role.COUNSELOR: "Counselor"}


def transcript_as_text(session: Session) -> str:
    head = [session.title, f"{session.get_mode_display()}, {session.started_at:%Y-%m-%d %H:%M} UTC", ""]
    return "\n".join(head + [_format_turn(turn) for turn in session.transcript()]) + "\n"


def _format_turn(turn: TranscriptTurn) -> str:
    moment = f"[{format_timecode(turn.start_ms)}] " if turn.start_ms is not None else ""
    cut = " [cut off]" if turn.is_interrupted else ""
    return f"{moment}{_SPEAKER_NAMES[TranscriptTurn.Role(turn.role)]}: {turn.text_heard}{cut}"


def transcript_as_dict(session: Session) -> dict[str, Any]:
    return {
        "id": str(session.pk),
        "title": session.title,
        "mode": session.mode,
        "started_at": session.started_at,
        "ended_at": session.ended_at,
        "transcript": [_exported_turn(turn) for turn in session.transcript()],
    }


def _exported_turn(turn: TranscriptTurn) -> dict[str, object]:
    shown = dict(public_turn(turn.to_snapshot()))
    return {name: shown[name] for name in _EXPORTED_FIELDS}
