"""Feedback as it is read: what whom is shown, and which moment of the recording each quote is from."""

from collections.abc import Iterable, Mapping
from typing import Any

from accounts.http import SignedInRequest
from evaluation.forms import DisputeForm, ReviewForm
from evaluation.models import CriterionResult, Evaluation
from evaluation.rubric import BRANCHES, CROSSED
from recordings.models import Recording
from training.models import Session, TranscriptTurn

_OF_THE_SCENARIO = "In this scenario"


def feedback_context(request: SignedInRequest, session: Session, evaluation: Evaluation | None) -> dict[str, Any]:
    """For the feedback's template. A counselor is shown no flags, and nothing of what is held for a person."""
    may_review = request.user.has_perm("evaluation.add_review") and session.counselor_id != request.user.pk
    context: dict[str, Any] = {"session": session, "evaluation": evaluation, "may_review": may_review}
    is_hidden = evaluation is not None and evaluation.is_held and request.user.is_counselor
    if evaluation is None or is_hidden or not evaluation.is_graded:
        return context | {"is_hidden": is_hidden}
    moments = _Moments(session)
    is_own = session.counselor_id == request.user.pk
    rows = evaluation.criteria.select_related("dispute").prefetch_related("reviews__reviewer")
    criteria = [_shown(row, moments, may_review, is_own) for row in rows]
    context |= {
        "criteria": criteria,
        "groups": _grouped(row for row in criteria if row.final_verdict != "not_applicable"),
        "not_applicable": [row for row in criteria if row.final_verdict == "not_applicable"],
        "crossed": [CROSSED.get(row.key, row.check_text) for row in criteria if row.is_crossed],
        "went_well": [one | moments.of(one) for one in evaluation.went_well],
        "improvements": [one | moments.of(one) for one in evaluation.improvements],
        "remarks": evaluation.reviews.filter(criterion=None).select_related("reviewer"),
        "recording": moments.recording,
    }
    if not request.user.is_counselor:
        flags = [*evaluation.flags.all(), *session.flags.filter(evaluation=None).select_related("reported_by")]
        context |= {"flags": flags, "scan": getattr(evaluation, "scan", None)}
    return context


def _shown(row: CriterionResult, moments: "_Moments", may_review: bool, is_own: bool) -> CriterionResult:
    dispute = getattr(row, "dispute", None)
    row.open_dispute = dispute if dispute and dispute.answered_at is None else None  # type: ignore[attr-defined]
    row.dispute_form = DisputeForm(criterion=row) if is_own else None  # type: ignore[attr-defined]
    row.shown_quotes = [quote | moments.of(quote) for quote in row.quotes]  # type: ignore[attr-defined]
    row.form = ReviewForm(criterion=row) if may_review else None  # type: ignore[attr-defined]
    return row


def _grouped(criteria: Iterable[CriterionResult]) -> list[tuple[str, list[CriterionResult]]]:
    """By branch of the rubric, red lines first, the scenario's own last."""
    groups: dict[str, list[CriterionResult]] = {}
    for row in sorted(criteria, key=lambda row: not row.is_red_line):
        title = BRANCHES.get(row.branch, "In every conversation") if row.source == "rubric" else _OF_THE_SCENARIO
        groups.setdefault(title, []).append(row)
    return list(groups.items())


class _Moments:
    """Where in the recording the words of a turn are heard; nothing where there is no recording to be played."""

    def __init__(self, session: Session) -> None:
        recording = Recording.objects.filter(session=session).first() if session.is_phone else None
        self.recording = recording if recording and recording.is_playable else None
        turns: Iterable[TranscriptTurn] = session.turns.exclude(start_ms=None) if self.recording else []
        self._turns = {str(turn.pk): turn for turn in turns}

    def of(self, quote: Mapping[str, Any]) -> dict[str, int]:
        """`at_ms`: the turn's beginning and, within it, as far on as the words stand in its text."""
        turn = self._turns.get(str(quote.get("turn")))
        if turn is None or turn.start_ms is None:
            return {}
        length = max(0, (turn.end_ms or turn.start_ms) - turn.start_ms) if turn.source == turn.Source.SPOKEN else 0
        return {"at_ms": turn.start_ms + length * int(quote.get("start", 0)) // max(1, len(turn.text_heard))}
