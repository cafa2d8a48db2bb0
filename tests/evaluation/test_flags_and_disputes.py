from evaluation.models import Dispute, Review
from evaluation.services.flags import report_problem
from evaluation.services.reviews import record_review
from tests.evaluation.graded_sessions import add_graded_session
from tests.support.fixtures import client_of


def test_flag_is_reviewed_dismissed_and_reopened(supervisor, counselor, finished_chat):
    flag = report_problem(finished_chat, counselor, "technical", "No sound.")
    client, path = client_of(supervisor), f"/flags/{flag.public_id}/"

    client.post(path, {"handling": "reviewed", "note": "The headset."})
    flag.refresh_from_db()
    assert (flag.handling, flag.handled_by, flag.handled_note) == ("reviewed", supervisor, "The headset.")
    assert "No sound." not in client.get("/flags/").content.decode()
    assert "No sound." in client.get("/flags/?handling=reviewed").content.decode()

    client.post(path, {"handling": "pending"})
    flag.refresh_from_db()
    assert (flag.handling, flag.handled_by, flag.handled_at) == ("pending", None, None)

    client.post(path, {"handling": "deleted"})
    flag.refresh_from_db()
    assert flag.handling == "pending"


def test_dispute_is_unique_and_answered_by_review(supervisor, counselor):
    session = add_graded_session(counselor, 50, {"greeting": "met", "reflection": "not_met"})
    evaluation = session.evaluations.get()
    criterion = evaluation.criteria.get(key="reflection")
    client, path = client_of(counselor), f"/evaluations/{evaluation.pk}/criteria/reflection/dispute/"

    client.post(path, {"reason": "I did say it back."})
    client.post(path, {"reason": "I said it back twice."})

    dispute = Dispute.objects.get()
    assert (dispute.reason, dispute.answered_at) == ("I said it back twice.", None)
    assert "You asked a person to review this." in client.get(f"/sessions/{session.pk}/checks/").content.decode()
    assert f"{counselor} disagrees." in client_of(supervisor).get(f"/sessions/{session.pk}/checks/").content.decode()

    record_review(evaluation, supervisor, Review.Verdict.OVERRULE, "Right.", criterion, "met")

    dispute.refresh_from_db()
    assert dispute.answered_at is not None
    session.refresh_from_db()
    assert session.score == 100


def test_dispute_of_held_feedback_is_rejected(counselor):
    session = add_graded_session(counselor, 50, {"greeting": "met"})
    session.evaluations.update(status="held")
    evaluation = session.evaluations.get()

    response = client_of(counselor).post(f"/evaluations/{evaluation.pk}/criteria/greeting/dispute/", {"reason": "x"})

    assert (response.status_code, Dispute.objects.count()) == (404, 0)
