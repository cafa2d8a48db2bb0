"""Panel with the feedback on a session: the parts that each reader may see, and the place of each quote."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.utils.translation import gettext as _

from accounts.models import ProcedureDocument
from accounts.web.requests import AuthenticatedRequest
from evaluation.forms import DisputeForm, ReviewForm
from evaluation.grading.rubric import RED_LINE_MESSAGES
from evaluation.models import CriterionResult, Dispute, Evaluation, Flag, Review, Scan
from evaluation.reports.final_feedback import FinalFeedback, build_final_feedback
from evaluation.services.feedback_requests import may_request_feedback
from evaluation.views.check_groups import CheckGroup, group_checks
from evaluation.views.quotes import QuoteFinder, ShownQuote
from recordings.models import Recording
from training.models import Session, TranscriptTurn

Verdict = CriterionResult.Verdict


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

    @property
    def mark(self) -> str:
        """The shape of the row's mark: met, not_met, crossed, or empty if the check did not apply."""
        if self.result.is_crossed_red_line:
            return "crossed"
        verdict = self.result.final_verdict
        return {Verdict.NO_EVIDENCE.value: "not_met", Verdict.NOT_APPLICABLE.value: ""}.get(verdict, verdict)

    @property
    def overruled_by(self) -> str:
        """Name of the person whose verdict stands; empty if it is the evaluator's."""
        names = [str(one.reviewer) for one in self.result.reviews.all() if one.new_verdict]
        return names[-1] if names and self.result.reviewed_verdict else ""


@dataclass(frozen=True)
class FeedbackPanel:
    """The feedback on a session. Fields after `retry_url` are empty unless it is graded and visible to the reader."""

    session: Session
    evaluation: Evaluation | None  # the newest
    may_review: bool
    may_request: bool
    is_hidden: bool  # held for human review, and the reader may not review it
    retry_url: str | None  # page for practicing this again
    criteria: Sequence[ShownCriterion] = ()
    groups: Sequence[CheckGroup[ShownCriterion]] = ()
    crossed: Sequence[str] = ()  # explanations of the crossed red lines
    went_well: Sequence[ShownMoment] = ()
    improvements: Sequence[ShownMoment] = ()
    remarks: Sequence[Review] = ()  # reviews of the whole evaluation
    sees_flags: bool = False  # never for the session's counselor
    flags: Sequence[Flag] = ()
    scan: Scan | None = None
    opened: int | None = None  # primary key of the criterion whose row stays open
    problem: str = ""  # why the review in that row was not saved
    final: FinalFeedback | None = None  # counts and words after people's reviews
    next_up: Evaluation | None = None  # the next one that needs review, for reviewers

    @property
    def is_shown(self) -> bool:
        """Return whether there is a grade that the reader may see."""
        return self.final is not None

    @property
    def document(self) -> ProcedureDocument | None:
        """The procedures that it was graded against."""
        return self.evaluation.document if self.evaluation else None

    @property
    def reviewers(self) -> list[str]:
        """Names of the people who have reviewed it, the latest last."""
        reviews = [*self.remarks, *(review for one in self.criteria for review in one.result.reviews.all())]
        names = [str(review.reviewer) for review in sorted(reviews, key=lambda review: review.created_at)]
        if self.evaluation and self.evaluation.looked_at_by:
            names.append(str(self.evaluation.looked_at_by))
        return list(dict.fromkeys(names))

    @property
    def unreviewed(self) -> int:
        """Number of verdicts that "Agree with the rest" would cover."""
        return sum(not one.result.reviews.all() and one.open_dispute is None for one in self.criteria)

    @property
    def missed(self) -> list[ShownCriterion]:
        return [one for one in self.criteria if one.mark in {"not_met", "crossed"}]

    @property
    def not_applicable(self) -> int:
        return sum(not one.mark for one in self.criteria)

    @property
    def red_lines(self) -> int:
        """Number of red lines that apply."""
        return sum(one.result.is_red_line and bool(one.mark) for one in self.criteria)


def build_feedback_panel(
    request: AuthenticatedRequest,
    session: Session,
    evaluation: Evaluation | None,
    turns: Sequence[TranscriptTurn],
    recording: Recording | None,
    retry_url: str | None = None,
) -> FeedbackPanel:
    """Build the panel. The session's counselor sees neither flags nor held feedback."""
    may_review = request.user.has_perm("evaluation.add_review") and session.counselor_id != request.user.pk
    may_request = may_request_feedback(session, request.user)
    is_hidden = evaluation is not None and evaluation.is_hidden_from(request.user)
    panel = FeedbackPanel(session, evaluation, may_review, may_request, is_hidden, retry_url)
    if evaluation is None or is_hidden or not evaluation.is_graded:
        return panel
    is_own = session.counselor_id == request.user.pk
    finder = QuoteFinder(turns, recording, session.is_phone)
    rows = evaluation.criteria.select_related("dispute").prefetch_related("reviews__reviewer")
    criteria = [_build_criterion(row, finder, may_review, is_own) for row in rows]
    final = build_final_feedback(evaluation, [one.result for one in criteria])
    sees_flags = not is_own and request.user.has_perm("evaluation.view_flag")
    return replace(
        panel,
        criteria=criteria,
        groups=group_checks(criteria),
        final=final,
        crossed=[_red_line_message(one.result) for one in criteria if one.result.is_crossed_red_line],
        went_well=[_build_moment(one, finder) for one in final.went_well],
        improvements=[_build_moment(one, finder) for one in final.improvements],
        remarks=list(evaluation.reviews.filter(criterion=None).select_related("reviewer")),
        sees_flags=sees_flags,
        flags=_list_flags(session, evaluation) if sees_flags else (),
        scan=getattr(evaluation, "scan", None) if sees_flags else None,
        next_up=_find_next(request, evaluation) if may_review else None,
    )


def with_rejected_review(panel: FeedbackPanel, row: CriterionResult, form: ReviewForm, problem: str) -> FeedbackPanel:
    """Return the panel with the form of a review that was not saved, and the reason."""
    criteria = [replace(one, review_form=form) if one.result.pk == row.pk else one for one in panel.criteria]
    return replace(panel, criteria=criteria, groups=group_checks(criteria), opened=row.pk, problem=problem)


def _find_next(request: AuthenticatedRequest, evaluation: Evaluation) -> Evaluation | None:
    waiting = Evaluation.objects.reviewable_by(request.user).needing_review().exclude(pk=evaluation.pk)
    return waiting.order_by("completed_at").only("pk", "session_id").first()


def _list_flags(session: Session, evaluation: Evaluation) -> list[Flag]:
    return [*evaluation.flags.all(), *session.flags.filter(evaluation=None).select_related("reported_by")]


def _build_criterion(row: CriterionResult, finder: QuoteFinder, may_review: bool, is_own: bool) -> ShownCriterion:
    dispute = getattr(row, "dispute", None)
    return ShownCriterion(
        row,
        quotes=[finder.find(quote, quote["text"]) for quote in row.quotes],
        open_dispute=dispute if dispute and dispute.answered_at is None else None,
        dispute_form=DisputeForm(criterion=row) if is_own else None,
        review_form=ReviewForm(criterion=row) if may_review else None,
    )


def _build_moment(stored: Mapping[str, Any], finder: QuoteFinder) -> ShownMoment:
    return ShownMoment(
        finder.find(stored, stored["quote"]),
        stored.get("why", ""),
        stored.get("goal", ""),
        stored.get("effect", ""),
        stored.get("better_wording", ""),
    )


def _red_line_message(row: CriterionResult) -> str:
    return _(RED_LINE_MESSAGES.get(row.key, row.check_text))
