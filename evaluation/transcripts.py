"""The words of a conversation for reading elsewhere. A file names nobody but the caller and the counselor."""

from typing import Any

from evaluation.templatetags.clock import clock
from training.models import Session, TranscriptTurn

_NAMES = {TranscriptTurn.Role.CALLER: "Caller", TranscriptTurn.Role.COUNSELOR: "Counselor"}


def as_text(session: Session) -> str:
    head = [session.title, f"{session.get_mode_display()}, {session.started_at:%Y-%m-%d %H:%M} UTC", ""]
    return "\n".join(head + [_line(turn) for turn in session.transcript()]) + "\n"


def _line(turn: TranscriptTurn) -> str:
    moment = f"[{clock(turn.start_ms)}] " if turn.start_ms is not None else ""
    cut = " [cut off]" if turn.is_interrupted else ""
    return f"{moment}{_NAMES[TranscriptTurn.Role(turn.role)]}: {turn.text_heard}{cut}"


def as_data(session: Session) -> dict[str, Any]:
    return {
        "id": str(session.pk),
        "title": session.title,
        "mode": session.mode,
        "started_at": session.started_at,
        "ended_at": session.ended_at,
        "transcript": [
            {
                "role": turn.role,
                "text": turn.text_heard,
                "start_ms": turn.start_ms,
                "end_ms": turn.end_ms,
                "interrupted": turn.is_interrupted,
            }
            for turn in session.transcript()
        ],
    }
