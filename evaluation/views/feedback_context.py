"""Template context of feedback: the parts each reader may see, and the recording position of each quote."""

from collections.abc import Iterable, Mapping
from typing import Any

from accounts.web.requests import AuthenticatedRequest
from evaluation.forms import DisputeForm, ReviewForm
from evaluation.grading.rubric import BRANCHES, RED_LINE_MESSAGES
from evaluation.models import CriterionResult, Evaluation
from training.models import Session, TranscriptTurn

_SCENARIO_GROUP = "In this scenario"


def feedback_context(request: AuthenticatedRequest, session: Session, evaluation: Evaluation | None) -> dict[str, Any]:
    """Build the context of the feedback template. Counselors see no flags, and nothing of held feedback."""
    may_review = request.user.has_perm("evaluation.add_review") and session.counselor_id != request.user.pk
    context: dict[str, Any] = {"session": session, "evaluation": evaluation, "may_review": may_review}
    is_hidden = evaluation is not None and evaluation.is_held and request.user.is_counselor
    if evaluation is None or is_hidden or not evaluation.is_graded:
        return context | {"is_hidden": is_hidden}
    moments = _RecordingMoments(session)
    is_own = session.counselor_id == request.user.pk
    rows = evaluation.criteria.select_related("dispute").prefetch_related("reviews__reviewer")
    criteria = [_annotate_result(row, moments, may_review, is_own) for row in rows]
    context |= {
        "criteria": criteria,
        "groups": _group_by_branch(row for row in criteria if row.final_verdict != "not_applicable"),
        "not_applicable": [row for row in criteria if row.final_verdict == "not_applicable"],
        "crossed": [RED_LINE_MESSAGES.get(row.key, row.check_text) for row in criteria if row.is_crossed_red_line],
        "went_well": [one | moments.position_of(one) for one in evaluation.went_well],
        "improvements": [one | moments.position_of(one) for one in evaluation.improvements],
        "remarks": evaluation.reviews.filter(criterion=None).select_related("reviewer"),
        "recording": moments.recording,
    }
    if not request.user.is_counselor:
        flags = [
            *evaluation.flags.all(),
            *session.flags.filter(evaluation=None).select_related("reported_by"),
        ]
        context |= {"flags": flags, "scan": getattr(evaluation, "scan", None)}
    return context


def _annotate_result(
    row: CriterionResult, moments: "_RecordingMoments", may_review: bool, is_own: bool
) -> CriterionResult:
    """Attach the open dispute, the forms, and the quotes with their recording positions for the template."""
    dispute = getattr(row, "dispute", None)
    row.open_dispute = dispute if dispute and dispute.answered_at is None else None  # type: ignore[attr-defined]
    row.dispute_form = DisputeForm(criterion=row) if is_own else None  # type: ignore[attr-defined]
    row.shown_quotes = [quote | moments.position_of(quote) for quote in row.quotes]  # type: ignore[attr-defined]
    row.form = ReviewForm(criterion=row) if may_review else None  # type: ignore[attr-defined]
    return row


def _group_by_branch(criteria: Iterable[CriterionResult]) -> list[tuple[str, list[CriterionResult]]]:
    """Group results under the titles of the rubric's branches: red lines first, the scenario's own points last."""
    groups: dict[str, list[CriterionResult]] = {}
    for row in sorted(criteria, key=lambda row: not row.is_red_line):
        title = BRANCHES.get(row.branch, "In every conversation") if row.source == "rubric" else _SCENARIO_GROUP
        groups.setdefault(title, []).append(row)
    return list(groups.items())


class _RecordingMoments:
    """Positions of turns in the recording. Empty if there is no playable recording."""

    def __init__(self, session: Session) -> None:
        recording = getattr(session, "recording", None)
        self.recording = recording if recording and recording.is_playable else None
        turns: Iterable[TranscriptTurn] = session.turns.exclude(start_ms=None) if self.recording else []
        self._turns = {str(turn.pk): turn for turn in turns}

    def position_of(self, quote: Mapping[str, Any]) -> dict[str, int]:
        """Return `{"at_ms": …}`, or {} if the turn has no position.

        Within a spoken turn, the time of a quote is estimated from its share of the turn's text.
        """
        turn = self._turns.get(str(quote.get("turn")))
        if turn is None or turn.start_ms is None:
            return {}
        length = max(0, (turn.end_ms or turn.start_ms) - turn.start_ms) if turn.source == turn.Source.SPOKEN else 0
        return {"at_ms": turn.start_ms + length * int(quote.get("start", 0)) // max(1, len(turn.text_heard))}
