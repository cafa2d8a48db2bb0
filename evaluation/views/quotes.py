"""Quotes from a transcript, with their positions in the recording."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from recordings.models import Recording
from training.models import TranscriptTurn


@dataclass(frozen=True)
class ShownQuote:
    """Words from the transcript. The text is empty for advice without a quote."""

    text: str
    turn: str  # id of the turn in the transcript
    at_ms: int | None  # position in the recording; None without sound, as in typed turns
    is_by_counselor: bool = True
    is_typed: bool = False  # typed during a phone call
    start: int = 0  # characters of the turn before the quote

    @property
    def end(self) -> int:
        return self.start + len(self.text)


class QuoteFinder:
    """Finder of quotes in a transcript and its recording."""

    def __init__(self, turns: Sequence[TranscriptTurn], recording: Recording | None, is_phone: bool) -> None:
        self._turns = {str(turn.pk): turn for turn in turns}
        self._has_sound = recording is not None and can_be_heard(recording)
        self._is_phone = is_phone

    def find(self, quote: Mapping[str, Any], text: str) -> ShownQuote:
        """Return the quoted text with its position, if its turn has sound.

        Within a turn, the time of a quote is estimated from its share of the turn's text.
        """
        turn_id = str(quote.get("turn", ""))
        turn, start = self._turns.get(turn_id), int(quote.get("start", 0))
        if turn is None:
            return ShownQuote(text, turn_id, None)
        is_typed = self._is_phone and turn.source == turn.Source.TYPED
        at_ms = _moment_in(turn, start) if self._has_sound and has_sound(turn) else None
        return ShownQuote(text, turn_id, at_ms, turn.is_by_counselor, is_typed, start)


def can_be_heard(recording: Recording) -> bool:
    """Return whether the recording can be played now, or will be once it is ready."""
    return recording.is_playable or recording.is_under_way


def has_sound(turn: TranscriptTurn) -> bool:
    """Return whether the turn was spoken in the recording. A typed turn has a time, but no sound."""
    return turn.source == turn.Source.SPOKEN and turn.start_ms is not None


def _moment_in(turn: TranscriptTurn, start: int) -> int:
    begin = turn.start_ms or 0
    length = max(0, (turn.end_ms or begin) - begin)
    return begin + length * start // max(1, len(turn.text_heard))
