"""Panel with the feedback on a session: the parts each reader may see, and the recording position of each quote."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import ProcedureDocument
from accounts.web.requests import AuthenticatedRequest
from evaluation.forms import DisputeForm, ReviewForm
from evaluation.grading.rubric import BRANCHES, RED_LINE_MESSAGES
from evaluation.models import CriterionResult, Dispute, Evaluation, Flag, Review, Scan
from evaluation.reports.final_feedback import FinalFeedback, build_final_feedback
from evaluation.services.feedback_requests import may_request_feedback
from recordings.models import Recording
from training.models import Session, TranscriptTurn

_SCENARIO_GROUP, _OTHER_GROUP = gettext_lazy("Scenario criteria"), gettext_lazy("General criteria")


@dataclass(frozen=True)
class ShownQuote:
    """Words from the transcript. All fields are empty or None for advice without a quote."""

    text: str
    turn: str  # id of the turn in the transcript
    at_ms: int | None  # position in the recording; None without one


@dataclass(frozen=True)
class ShownMoment:
    """Praise for a moment of the conversation, or advice on how to handle it."""

    quote: ShownQuote
    why: str
    goal: str = ""  # only for advice, as are the next two fields
    effect: str = ""
    better_wording: str = ""


@dataclass(frozen=True)
class ShownCriterion:
    """A criterion with its evidence, and with the forms that its reader may use."""

    result: CriterionResult
    quotes: Sequence[ShownQuote]
    open_dispute: Dispute | None
    dispute_form: DisputeForm | None  # only for the counselor who held the conversation
    review_form: ReviewForm | None  # only for reviewers


@dataclass(frozen=True)
class FeedbackPanel:
    """The feedback on a session. Fields after `retry_url` are empty unless it is graded and visible to the reader."""

    session: Session
    evaluation: Evaluation | None  # the newest
    may_review: bool
    may_request: bool
    is_hidden: bool  # held for human review, and the reader may not review it
    retry_url: str | None  # page for practicing this again
    recording: Recording | None = None  # None if it cannot be played
    criteria: Sequence[ShownCriterion] = ()
    groups: Sequence[tuple[str, list[ShownCriterion]]] = ()  # title and the criteria that apply
    not_applicable: Sequence[ShownCriterion] = ()
    crossed: Sequence[str] = ()  # explanations of the crossed red lines
    went_well: Sequence[ShownMoment] = ()
    improvements: Sequence[ShownMoment] = ()
    remarks: Iterable[Review] = ()  # reviews of the whole evaluation
    sees_flags: bool = False  # never for the session's counselor
    flags: Sequence[Flag] = ()
    scan: Scan | None = None
    opened: int | None = None  # primary key of the criterion whose review form stays open
    problem: str = ""  # why the review in that form was not saved
    final: FinalFeedback | None = None  # counts and words after people's reviews
    document: ProcedureDocument | None = None  # procedures that it was graded against


def build_feedback_panel(
    request: AuthenticatedRequest,
    session: Session,
    evaluation: Evaluation | None,
    retry_url: str | None = None,
    opened: int | None = None,
    rejected: tuple[ReviewForm, str] | None = None,
) -> FeedbackPanel:
    """Build the panel. The session's counselor sees neither flags nor held feedback.

    `opened` is the primary key of the criterion whose review form stays open, and `rejected` the form that was not
    saved for it, with the reason.
    """
    may_review = request.user.has_perm("evaluation.add_review") and session.counselor_id != request.user.pk
    may_request = may_request_feedback(session, request.user)
    is_hidden = evaluation is not None and evaluation.is_hidden_from(request.user)
    if evaluation is None or is_hidden or not evaluation.is_graded:
        return FeedbackPanel(session, evaluation, may_review, may_request, is_hidden, retry_url)
    moments = _RecordingMoments(request, session)
    is_own = session.counselor_id == request.user.pk
    rows = evaluation.criteria.select_related("dispute").prefetch_related("reviews__reviewer")
    criteria = [_build_criterion(row, moments, may_review, is_own) for row in rows]
    if rejected:
        criteria = [replace(one, review_form=rejected[0]) if one.result.pk == opened else one for one in criteria]
    final = build_final_feedback(evaluation, [one.result for one in criteria])
    sees_flags = not is_own and request.user.has_perm("evaluation.view_flag")
    return FeedbackPanel(
        session,
        evaluation,
        may_review,
        may_request,
        is_hidden,
        retry_url,
        recording=moments.recording,
        criteria=criteria,
        groups=_group_by_branch(one for one in criteria if not _is_not_applicable(one)),
        not_applicable=[one for one in criteria if _is_not_applicable(one)],
        final=final,
        crossed=[_red_line_message(one.result) for one in criteria if one.result.is_crossed_red_line],
        went_well=[_build_moment(one, moments) for one in final.went_well],
        improvements=[_build_moment(one, moments) for one in final.improvements],
        remarks=evaluation.reviews.filter(criterion=None).select_related("reviewer"),
        sees_flags=sees_flags,
        flags=_list_flags(session, evaluation) if sees_flags else (),
        scan=getattr(evaluation, "scan", None) if sees_flags else None,
        opened=opened,
        problem=rejected[1] if rejected else "",
        document=evaluation.document,
    )


def _list_flags(session: Session, evaluation: Evaluation) -> list[Flag]:
    return [*evaluation.flags.all(), *session.flags.filter(evaluation=None).select_related("reported_by")]


def _build_criterion(
    row: CriterionResult, moments: "_RecordingMoments", may_review: bool, is_own: bool
) -> ShownCriterion:
    dispute = getattr(row, "dispute", None)
    return ShownCriterion(
        row,
        quotes=[moments.locate(quote, quote["text"]) for quote in row.quotes],
        open_dispute=dispute if dispute and dispute.answered_at is None else None,
        dispute_form=DisputeForm(criterion=row) if is_own else None,
        review_form=ReviewForm(criterion=row) if may_review else None,
    )


def _build_moment(stored: Mapping[str, Any], moments: "_RecordingMoments") -> ShownMoment:
    return ShownMoment(
        moments.locate(stored, stored["quote"]),
        stored.get("why", ""),
        stored.get("goal", ""),
        stored.get("effect", ""),
        stored.get("better_wording", ""),
    )


def _is_not_applicable(criterion: ShownCriterion) -> bool:
    return criterion.result.final_verdict == CriterionResult.Verdict.NOT_APPLICABLE


def _red_line_message(row: CriterionResult) -> str:
    return _(RED_LINE_MESSAGES.get(row.key, row.check_text))


def _group_by_branch(criteria: Iterable[ShownCriterion]) -> list[tuple[str, list[ShownCriterion]]]:
    """Group criteria under the titles of the rubric's branches: red lines first, the scenario's own criteria last."""
    groups: dict[str, list[ShownCriterion]] = {}
    for one in sorted(criteria, key=lambda one: not one.result.is_red_line):
        groups.setdefault(_group_title(one.result), []).append(one)
    return list(groups.items())


def _group_title(row: CriterionResult) -> str:
    if row.source != CriterionResult.Source.RUBRIC:
        return str(_SCENARIO_GROUP)
    return _(BRANCHES[row.branch]) if row.branch in BRANCHES else str(_OTHER_GROUP)


class _RecordingMoments:
    """Positions of turns in the recording. Empty if there is no playable recording."""

    def __init__(self, request: AuthenticatedRequest, session: Session) -> None:
        recording = Recording.objects.listenable_by(request.user).filter(session=session).first()
        self.recording = recording if recording and recording.is_playable else None
        turns: Iterable[TranscriptTurn] = session.turns.exclude(start_ms=None) if self.recording else []
        self._turns = {str(turn.pk): turn for turn in turns}

    def locate(self, quote: Mapping[str, Any], text: str) -> ShownQuote:
        """Return the quoted text with its position, if its turn has one.

        Within a spoken turn, the time of a quote is estimated from its share of the turn's text.
        """
        turn_id = str(quote.get("turn", ""))
        turn = self._turns.get(turn_id)
        if turn is None or turn.start_ms is None:
            return ShownQuote(text, turn_id, None)
        length = max(0, (turn.end_ms or turn.start_ms) - turn.start_ms) if turn.source == turn.Source.SPOKEN else 0
        at_ms = turn.start_ms + length * int(quote.get("start", 0)) // max(1, len(turn.text_heard))
        return ShownQuote(text, turn_id, at_ms)
