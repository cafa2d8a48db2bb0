"""What people make of the evaluator's verdicts: both stay visible, and the person's counts."""

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from evaluation import scoring
from evaluation.models import CriterionResult, Dispute, Evaluation, Review
from evaluation.services.publishing import count, publish


@transaction.atomic
def review(
    evaluation: Evaluation, by: User, verdict: str, reason: str, criterion: CriterionResult | None = None, new: str = ""
) -> Review:
    """Agree with a criterion or overrule it. The evaluator's own verdict stays beside the person's, which counts."""
    # One review after the other, so that the reviewed score is of all of them.
    evaluation = Evaluation.objects.select_for_update().get(pk=evaluation.pk)
    is_overruled = verdict == Review.Verdict.OVERRULE and criterion is not None
    said = Review.objects.create(
        organization_id=evaluation.organization_id,
        evaluation=evaluation,
        criterion=criterion,
        reviewer=by,
        verdict=verdict,
        new_verdict=new if is_overruled else "",
        reason=reason,
    )
    if criterion is not None:
        CriterionResult.objects.filter(pk=criterion.pk).update(reviewed_verdict=new if is_overruled else "")
        Dispute.objects.filter(criterion=criterion, answered_at=None).update(answered_at=timezone.now())
        _count_again(evaluation)
    return said


def _count_again(evaluation: Evaluation) -> None:
    rows = list(evaluation.criteria.all())
    points = scoring.total((row.final_verdict, row.weight, row.is_red_line) for row in rows)
    if points is None or not any(row.reviewed_verdict for row in rows):
        reviewed: dict[str, object] = {"reviewed_score": None, "reviewed_grade": ""}
    else:
        reviewed = {"reviewed_score": points.score, "reviewed_grade": points.grade}
    Evaluation.objects.filter(pk=evaluation.pk).update(**reviewed)
    evaluation.refresh_from_db(fields=["reviewed_score", "reviewed_grade", "status"])
    # What is held counts when it is let through, and an older grading counts no more.
    if Evaluation.objects.filter(pk=evaluation.pk).newest_of_each().exists():
        count(evaluation.session, evaluation.final_score or 0)


@transaction.atomic
def look_at(evaluation: Evaluation, by: User) -> bool:
    """A person has looked at what was held or marked; feedback that was held goes to the counselor. Once."""
    waiting = Evaluation.objects.filter(pk=evaluation.pk, looked_at=None).graded()
    if not waiting.update(looked_at_by=by, looked_at=timezone.now(), is_waiting=False):
        return False
    held = Evaluation.objects.filter(pk=evaluation.pk, status=Evaluation.Status.HELD)
    if held.update(status=Evaluation.Status.COMPLETED):
        evaluation.refresh_from_db()
        publish(evaluation, evaluation.final_score or 0, evaluation.final_grade)
    return True
