"""Turns of a transcript as the feedback page shows them: marked quotes, remarks, and comments in their places."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from evaluation.models import Comment
from evaluation.views.feedback_panel import FeedbackPanel, ShownCriterion, ShownMoment
from evaluation.views.quotes import has_sound
from training.models import TranscriptTurn


@dataclass(frozen=True)
class TextPiece:
    """Part of a turn's text: plain, or quoted as the evidence of a check or in advice."""

    text: str
    mark: str = ""  # "good" for evidence of met checks, "warn" for missed ones and advice; empty if not quoted


@dataclass
class ShownTurn:
    """A turn with the checks and comments that refer to it."""

    turn: TranscriptTurn
    pieces: Sequence[TextPiece] = ()
    missed: list[ShownCriterion] = field(default_factory=list)
    met: list[ShownCriterion] = field(default_factory=list)
    advice: list[ShownMoment] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)

    @property
    def has_sound(self) -> bool:
        return has_sound(self.turn)

    @property
    def is_remarked(self) -> bool:
        return bool(self.missed or self.met or self.advice or self.comments)


def build_turns(
    turns: Iterable[TranscriptTurn], feedback: FeedbackPanel | None = None, comments: Iterable[Comment] = ()
) -> list[ShownTurn]:
    """Return the turns in order, with the quotes of the feedback, and each comment at the turn of its moment."""
    shown = [ShownTurn(turn) for turn in turns]
    by_id = {str(one.turn.pk): one for one in shown}
    spans: dict[str, list[tuple[int, int, str]]] = {}
    for criterion in feedback.criteria if feedback else ():
        is_met = criterion.mark == "met"
        for quote in criterion.result.quotes:
            spans.setdefault(quote["turn"], []).append((quote["start"], quote["end"], "good" if is_met else "warn"))
        for turn_id in dict.fromkeys(quote["turn"] for quote in criterion.result.quotes):
            if turn_id in by_id and criterion.mark:
                (by_id[turn_id].met if is_met else by_id[turn_id].missed).append(criterion)
    for moment in feedback.improvements if feedback else ():
        if moment.quote.text and moment.quote.turn in by_id:
            by_id[moment.quote.turn].advice.append(moment)
            spans.setdefault(moment.quote.turn, []).append((moment.quote.start, moment.quote.end, "warn"))
    for one in shown:
        one.pieces = cut_into_pieces(one.turn.text_heard, spans.get(str(one.turn.pk), ()))
    _place_comments(shown, comments)
    return shown


def cut_into_pieces(text: str, spans: Sequence[tuple[int, int, str]]) -> list[TextPiece]:
    """Cut `text` at the borders of `spans` (start, end, mark). Where spans overlap, "warn" wins."""
    edges = sorted({0, len(text), *(min(at, len(text)) for start, end, _mark in spans for at in (start, end))})
    pieces: list[TextPiece] = []
    for begin, end in zip(edges, edges[1:], strict=False):
        marks = {mark for start, stop, mark in spans if start <= begin and end <= stop}
        mark = "warn" if "warn" in marks else "good" if marks else ""
        if pieces and pieces[-1].mark == mark:
            pieces[-1] = TextPiece(pieces[-1].text + text[begin:end], mark)
        else:
            pieces.append(TextPiece(text[begin:end], mark))
    return pieces


def _place_comments(shown: Sequence[ShownTurn], comments: Iterable[Comment]) -> None:
    """Add each comment with a time to the last turn that had begun by then, or else to the first."""
    timed = [one for one in shown if one.turn.start_ms is not None]
    for comment in comments:
        at_ms = comment.at_ms
        if at_ms is None or not timed:
            continue
        begun = [one for one in timed if (one.turn.start_ms or 0) <= at_ms]
        (begun[-1] if begun else timed[0]).comments.append(comment)
