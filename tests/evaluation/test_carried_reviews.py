"""Grading again keeps what people decided."""

import pytest
from django.core.exceptions import PermissionDenied

from accounts.services.rate_limits import RateLimitExceededError
from evaluation.models import Dispute, Evaluation, Review
from evaluation.reports.evaluator_report import list_agreement
from evaluation.services.feedback_requests import grade_again, queue_evaluation
from evaluation.services.flags import dispute_verdict, handle_flag, report_problem
from evaluation.services.grading import grade_evaluation
from evaluation.services.reviews import mark_looked_at, record_review
from tests.support.fixtures import add_person, client_of
from training.services.errors import SessionRefusedError

OVERRULE, AGREE = Review.Verdict.OVERRULE, Review.Verdict.AGREE


@pytest.fixture
def graded(queued_evaluation, standin) -> Evaluation:
    grade_evaluation(queued_evaluation.pk)
    queued_evaluation.refresh_from_db()
    return queued_evaluation


def regrade(evaluation: Evaluation, by) -> Evaluation:
    again = queue_evaluation(evaluation.session, by)
    grade_evaluation(again.pk)
    again.refresh_from_db()
    return again


def overrule(evaluation: Evaluation, by, reason: str = "I heard it."):
    """Overrule the first verdict that counts, and return its criterion and the new verdict."""
    criterion = evaluation.criteria.filter(verdict__in=["met", "not_met"], is_red_line=False).first()
    new = "not_met" if criterion.verdict == "met" else "met"
    record_review(evaluation, by, OVERRULE, reason, criterion, new)
    return criterion, new


def test_overrule_stands_in_the_new_version(graded, supervisor, counselor, chat_assignment):
    criterion, new = overrule(graded, supervisor)
    graded.refresh_from_db()

    again = regrade(graded, supervisor)

    kept = again.criteria.get(key=criterion.key)
    assert (kept.reviewed_verdict, kept.final_verdict) == (new, new)
    assert again.final_score == graded.final_score != again.score
    review = kept.reviews.get()
    assert (review.reviewer, review.reason, review.carried_from.evaluation) == (supervisor, "I heard it.", graded)
    graded.session.refresh_from_db()
    assert graded.session.score == again.final_score
    checks = client_of(counselor).get(f"/sessions/{graded.session_id}/checks/").content.decode()
    assert "kept from earlier feedback" in checks


def test_agreement_stands_against_a_new_verdict(graded, supervisor, standin):
    criterion = graded.criteria.filter(verdict="met", is_red_line=False).first()
    record_review(graded, supervisor, AGREE, "Yes.", criterion)
    # The same check gets another verdict this time.
    graded.criteria.filter(pk=criterion.pk).update(verdict="not_met")

    again = regrade(graded, supervisor)

    kept = again.criteria.get(key=criterion.key)
    assert (kept.verdict, kept.reviewed_verdict, kept.final_verdict) == ("met", "not_met", "not_met")


def test_verdict_on_a_changed_check_sends_the_new_version_to_a_person(graded, supervisor):
    criterion, _new = overrule(graded, supervisor)
    graded.criteria.filter(pk=criterion.pk).update(check_text="Another check than before.")

    again = regrade(graded, supervisor)

    assert again.criteria.get(key=criterion.key).reviewed_verdict == ""
    assert (Evaluation.Concern.REVIEW_NOT_CARRIED in again.needs_person, again.needs_review) == (True, True)
    assert "could not be kept" in " ".join(again.concerns)


def test_remarks_and_open_disputes_move_to_the_new_version(graded, supervisor, counselor):
    criterion = graded.criteria.filter(verdict="met").first()
    record_review(graded, supervisor, AGREE, "A good conversation.")
    dispute = dispute_verdict(criterion, counselor, "I did more than that.")

    again = regrade(graded, supervisor)

    assert [remark.reason for remark in again.reviews.filter(criterion=None)] == ["A good conversation."]
    assert Dispute.objects.get(pk=dispute.pk).criterion == again.criteria.get(key=criterion.key)


def test_carried_verdict_counts_once_in_the_agreement(graded, supervisor):
    overrule(graded, supervisor)
    regrade(regrade(graded, supervisor), supervisor)

    rows = list_agreement(Evaluation.objects.graded())

    assert rows[-1].agreement.n == 1


def test_grade_again_needs_the_permission_and_keeps_the_limit(graded, supervisor, evaluator, counselor, stranger):
    for person in (evaluator, counselor, stranger):
        with pytest.raises(PermissionDenied):
            grade_again(graded.session, person)
    for _ in range(3):
        grade_evaluation(grade_again(graded.session, supervisor).pk)
    with pytest.raises(RateLimitExceededError):
        grade_again(graded.session, supervisor)

    assert graded.session.evaluations.count() == 4  # the automatic one does not count


def test_grade_again_refuses_live_sessions(call, supervisor):
    with pytest.raises(SessionRefusedError):
        grade_again(call, supervisor)


def test_service_refuses_reviews_of_ones_own_session(graded, supervisor):
    graded.session.counselor = supervisor
    graded.session.save()
    graded.refresh_from_db()

    with pytest.raises(PermissionDenied):
        record_review(graded, supervisor, AGREE, "I was great.")
    with pytest.raises(PermissionDenied):
        mark_looked_at(graded, supervisor)

    assert graded.reviews.count() == 0


def test_admin_inline_refuses_reviews_of_ones_own_session(graded, supervisor):
    graded.session.counselor = supervisor
    graded.session.save()
    prefix = {"reviews-TOTAL_FORMS": 1, "reviews-INITIAL_FORMS": 0}
    review = {"reviews-0-verdict": "agree", "reviews-0-reason": "I was great."}
    path = f"/admin/evaluation/evaluation/{graded.pk}/change/"

    page = client_of(supervisor).get(path).content.decode()
    client_of(supervisor).post(path, prefix | review)

    assert "reviews-0-verdict" not in page
    assert graded.reviews.count() == 0


@pytest.mark.parametrize("role", ["counselor", "trainer", "stranger"])
def test_service_refuses_reviews_without_the_permission(graded, role, request):
    person = request.getfixturevalue(role)

    with pytest.raises(PermissionDenied):
        record_review(graded, person, AGREE, "Yes.")
    with pytest.raises(PermissionDenied):
        mark_looked_at(graded, person)


def test_no_one_handles_flags_on_their_own_session(graded, supervisor, organization, counselor):
    flag = report_problem(graded.session, counselor, "technical", "No sound.")
    with pytest.raises(PermissionDenied):
        handle_flag(flag, counselor, "dismissed")
    graded.session.counselor = supervisor
    graded.session.save()
    with pytest.raises(PermissionDenied):
        handle_flag(flag, supervisor, "dismissed")

    handle_flag(flag, add_person(organization, "supervisor", "other@example.org"), "dismissed")

    assert flag.handling == "dismissed"


def test_others_neither_dispute_nor_report(graded, supervisor, colleague):
    for person in (supervisor, colleague):
        with pytest.raises(PermissionDenied):
            dispute_verdict(graded.criteria.first(), person, "No.")
        with pytest.raises(PermissionDenied):
            report_problem(graded.session, person, "technical", "No sound.")
