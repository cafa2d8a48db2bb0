"""Transfer of people's verdicts, remarks, and open disputes to the next version of a session's feedback."""

from evaluation.models import CriterionResult, Dispute, Evaluation, Review
from evaluation.services.reviews import rescore


def carry_reviews(evaluation: Evaluation) -> bool:
    """Carry everything that people decided on the previous graded version over to this newly graded one.

    A person's verdict on an unchanged check stands, whatever the grader says this time. Return False if a verdict could
    not be carried over, because this version lacks its check.
    """
    # The lock serializes this with reviews of the old version. Those recorded first are carried over.
    previous = (
        Evaluation.objects.select_for_update(of=("self",))
        .filter(session_id=evaluation.session_id, version__lt=evaluation.version)
        .graded()
        .newest_first()
        .first()
    )
    if previous is None:
        return True
    new_results = {row.key: row for row in evaluation.criteria.all()}
    is_complete = True
    for old in previous.criteria.prefetch_related("reviews"):
        new = new_results.get(old.key)
        if new is not None and new.check_text == old.check_text:
            Dispute.objects.filter(criterion=old, answered_at=None).update(criterion=new)
            _carry_verdict(old, new)
        elif old.reviews.all():
            is_complete = False
    for remark in previous.reviews.filter(criterion=None):
        _copy_review(remark, evaluation, None, remark.verdict, "")
    rescore(evaluation)
    return is_complete


def _carry_verdict(old: CriterionResult, new: CriterionResult) -> None:
    """Apply the latest review of the old result to the new one."""
    latest = max(old.reviews.all(), key=lambda review: (review.created_at, review.pk), default=None)
    if latest is None:
        return
    decided = latest.new_verdict if latest.verdict == Review.Verdict.OVERRULE else old.verdict
    is_overruled = bool(decided) and decided != new.verdict
    verdict = Review.Verdict.OVERRULE if is_overruled else Review.Verdict.AGREE
    _copy_review(latest, new.evaluation, new, verdict, decided if is_overruled else "")
    new.reviewed_verdict = decided if is_overruled else ""
    new.save(update_fields=["reviewed_verdict"])


def _copy_review(
    review: Review, evaluation: Evaluation, criterion: CriterionResult | None, verdict: str, new_verdict: str
) -> None:
    copy = Review.objects.create(
        organization_id=evaluation.organization_id,
        evaluation=evaluation,
        criterion=criterion,
        reviewer_id=review.reviewer_id,
        verdict=verdict,
        new_verdict=new_verdict,
        reason=review.reason,
        carried_from_id=review.carried_from_id or review.pk,
    )
    Review.objects.filter(pk=copy.pk).update(created_at=review.created_at)
