"""People's reviews of the evaluator's verdicts. Both verdicts stay visible, and the person's takes precedence."""

from collections.abc import Sequence

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from evaluation.grading import scoring
from evaluation.models import CriterionResult, Dispute, Evaluation, Review
from evaluation.services.publishing import announce_feedback, publish_feedback, record_score

_NOTHING_LEFT = gettext_lazy(
    "Your review was not saved. At least one criterion that counts toward the score must apply, because feedback can’t "
    "have a grade without one."
)


def check_may_review(evaluation: Evaluation, by: User) -> None:
    """Raise PermissionDenied unless `by` may review this feedback. No one reviews the feedback on their own session."""
    if evaluation.session.counselor_id == by.pk:
        raise PermissionDenied(_("You can’t review the feedback on your own conversation."))
    if not Evaluation.objects.reviewable_by(by).filter(pk=evaluation.pk).exists():
        raise PermissionDenied(_("You don’t have permission to review this feedback."))


@transaction.atomic
def record_review(
    evaluation: Evaluation, by: User, verdict: str, reason: str, criterion: CriterionResult | None = None, new: str = ""
) -> Review:
    """Record that a person agrees with the verdict on a criterion or overrules it, and rescore the evaluation.

    The evaluator's own verdict stays visible beside the person's, which takes precedence. Raise PermissionDenied as
    `check_may_review` does, ValidationError if no criterion that counts would be left, and ValueError if the criterion
    belongs to other feedback.
    """
    check_may_review(evaluation, by)
    if criterion is not None and criterion.evaluation_id != evaluation.pk:
        raise ValueError("The criterion belongs to other feedback.")
    # The lock serializes reviews, so that the reviewed score covers all of them.
    evaluation = Evaluation.objects.select_for_update().get(pk=evaluation.pk)
    before = evaluation.final_score, evaluation.final_grade
    is_overruled = verdict == Review.Verdict.OVERRULE and criterion is not None
    reviewed_verdict = new if is_overruled else ""
    review = Review.objects.create(
        organization_id=evaluation.organization_id,
        evaluation=evaluation,
        criterion=criterion,
        reviewer=by,
        verdict=verdict,
        new_verdict=reviewed_verdict,
        reason=reason,
    )
    if criterion is not None:
        Dispute.objects.filter(criterion=criterion, answered_at=None).update(answered_at=timezone.now())
        others = CriterionResult.objects.filter(pk=criterion.pk).exclude(reviewed_verdict=reviewed_verdict)
        if not others.update(reviewed_verdict=reviewed_verdict):
            return review  # the final verdict is as before, and so are the score and the tallies
        if not rescore(evaluation) and is_overruled:
            raise ValidationError(_NOTHING_LEFT)
        # Held feedback counts only once it is released, and an older version no longer counts.
        if Evaluation.objects.filter(pk=evaluation.pk).latest_completed().exists():
            record_score(evaluation.session, evaluation.final_score or 0)
            if (evaluation.final_score, evaluation.final_grade) != before:
                announce_feedback(evaluation, evaluation.final_score or 0, evaluation.final_grade)
    return review


@transaction.atomic
def agree_with_rest(evaluation: Evaluation, by: User) -> int:
    """Record that a person agrees with every verdict that no one has reviewed yet. Return their number.

    A verdict that the counselor disputes needs an answer of its own, so it is left out. Raise PermissionDenied as
    `check_may_review` does.
    """
    check_may_review(evaluation, by)
    # The same lock as in `record_review`, so that a review that is being saved is not agreed with a second time.
    evaluation = Evaluation.objects.select_for_update().get(pk=evaluation.pk)
    reviews = [
        Review(
            organization_id=evaluation.organization_id,
            evaluation=evaluation,
            criterion=row,
            reviewer=by,
            verdict=Review.Verdict.AGREE,
        )
        for row in evaluation.criteria.unreviewed()
    ]
    return len(Review.objects.bulk_create(reviews))


def rescore(evaluation: Evaluation) -> bool:
    """Recompute the reviewed score, or clear it if no verdict is overruled. Return False if nothing counts anymore.

    Whether the evaluation needs human review follows from the final verdicts, too.
    """
    # The caller may have written these in the database only.
    evaluation.refresh_from_db(fields=["status", "needs_person", "looked_at"])
    rows = list(evaluation.criteria.all())
    points = scoring.compute_score((row.final_verdict, row.weight, row.is_red_line) for row in rows)
    if points is None or not any(row.reviewed_verdict for row in rows):
        reviewed: dict[str, object] = {"reviewed_score": None, "reviewed_grade": ""}
    else:
        reviewed = {"reviewed_score": points.score, "reviewed_grade": points.grade}
    concerns = _final_concerns(evaluation, rows)
    reviewed |= {"needs_person": concerns, "is_waiting": _is_waiting(evaluation, rows, concerns)}
    Evaluation.objects.filter(pk=evaluation.pk).update(**reviewed)
    fields = ["reviewed_score", "reviewed_grade", "status", "score", "grade", "needs_person", "is_waiting"]
    evaluation.refresh_from_db(fields=fields)
    return points is not None


def _final_concerns(evaluation: Evaluation, rows: Sequence[CriterionResult]) -> list[str]:
    """Return the reasons for a human review, with those about red lines as the final verdicts say."""
    concern = Evaluation.Concern
    others = [one for one in evaluation.needs_person if one not in {concern.RED_LINE, concern.RED_LINE_UNVERIFIED}]
    verdicts = {row.final_verdict for row in rows if row.is_red_line}
    crossed = [concern.RED_LINE.value] if CriterionResult.Verdict.NOT_MET in verdicts else []
    unproven = [concern.RED_LINE_UNVERIFIED.value] if CriterionResult.Verdict.NO_EVIDENCE in verdicts else []
    return [*crossed, *unproven, *others]


def _is_waiting(evaluation: Evaluation, rows: Sequence[CriterionResult], concerns: Sequence[str]) -> bool:
    """Return whether no one has reviewed the concerns yet. Only the newest version of a session's feedback can wait.

    A red line that a person found needs no other person. One that a person has cleared is no concern anymore.
    """
    if evaluation.looked_at is not None or evaluation.session.evaluations.filter(version__gt=evaluation.version):
        return False
    if evaluation.is_held:
        return True
    concern = Evaluation.Concern
    is_open = {
        concern.RED_LINE: any(row.is_crossed_red_line and not row.reviewed_verdict for row in rows),
        concern.RED_LINE_UNVERIFIED: any(
            row.is_red_line and row.verdict == CriterionResult.Verdict.NO_EVIDENCE and not row.reviewed_verdict
            for row in rows
        ),
    }
    return any(is_open.get(Evaluation.Concern(one), True) for one in concerns)


@transaction.atomic
def mark_looked_at(evaluation: Evaluation, by: User) -> bool:
    """Record that a person has reviewed the feedback, and release it to the counselor if it was held.

    Return False if someone has already reviewed it. Raise PermissionDenied as `check_may_review` does.
    """
    check_may_review(evaluation, by)
    waiting = Evaluation.objects.filter(pk=evaluation.pk, looked_at=None).graded()
    if not waiting.update(looked_at_by=by, looked_at=timezone.now(), is_waiting=False):
        return False
    held = Evaluation.objects.filter(pk=evaluation.pk, status=Evaluation.Status.HELD)
    if held.update(status=Evaluation.Status.COMPLETED):
        evaluation.refresh_from_db()
        publish_feedback(evaluation, evaluation.final_score or 0, evaluation.final_grade)
    return True
