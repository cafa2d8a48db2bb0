from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from accounts.services.rate_limits import RateLimitExceededError
from evaluation.models import Dispute, Flag, Review
from evaluation.services.alerts import send_report_alert
from evaluation.services.flags import report_problem
from evaluation.services.notifications import send_feedback_ready_emails
from evaluation.services.reviews import record_review
from scenarios.models import Scenario
from tests.evaluation.graded_sessions import add_graded_session
from tests.support.fixtures import client_of
from training.models import Session
from training.services.session_start import start_assignment


def test_stopped_session_has_no_grade_and_no_attempt(counselor, chat, chat_assignment):
    client = client_of(counselor)

    page = client.post(f"/sessions/{chat.pk}/stop/", follow=True).content.decode()

    chat.refresh_from_db()
    chat_assignment.refresh_from_db()
    assert (chat.end_reason, chat.is_gradable, chat.evaluations.count()) == ("stopped", False, 0)
    assert chat_assignment.status == "in_progress"
    assert "It’s always OK to stop." in page
    refused = client.post(f"/api/sessions/{chat.pk}/evaluation/")
    assert (refused.status_code, refused.json()["code"], chat.evaluations.count()) == (409, "stopped", 0)
    assert start_assignment(chat_assignment)[1] is True


def test_heavy_session_shows_support_contacts(organization, counselor, finished_chat):
    organization.support_contacts = "Night desk: extension 12"
    organization.save()
    client, page = client_of(counselor), f"/sessions/{finished_chat.pk}/"
    light = client.get(page).content.decode()

    client.post(f"{page}feeling/", {"feeling": "1", "note": "It stays with me."})

    heavy = client.get(page).content.decode()
    assert "Night desk" not in light
    assert "Night desk: extension 12" in heavy and "Your answer: Very hard" in heavy


def test_feeling_is_shown_to_supervisor(supervisor, counselor, finished_chat):
    client_of(counselor).post(f"/sessions/{finished_chat.pk}/feeling/", {"feeling": "2", "note": "Too close."})

    page = client_of(supervisor).get(f"/sessions/{finished_chat.pk}/").content.decode()

    assert "Hard." in page and "Too close." in page


def test_content_notes_are_shown_with_decline_button(counselor, chat_assignment):
    Scenario.objects.update(content_notes="The death of a child")
    client = client_of(counselor)

    page = client.get(f"/training/chat/{chat_assignment.pk}/").content.decode()

    assert "The death of a child" in page
    assert f'action="/assignments/{chat_assignment.pk}/decline/"' in page
    assert "The death of a child" in client.get("/").content.decode()


@pytest.mark.parametrize("sent", [{}, {"feeling": "6"}, {"feeling": "x"}, {"feeling": "1", "note": "x" * 1001}])
def test_feeling_outside_scale_is_rejected(counselor, finished_chat, sent):
    client_of(counselor).post(f"/sessions/{finished_chat.pk}/feeling/", sent)

    assert Session.objects.get(pk=finished_chat.pk).feeling is None


def test_problem_report_reaches_supervisors(supervisor, admin, counselor, finished_chat):
    client = client_of(counselor)

    client.post(f"/sessions/{finished_chat.pk}/report/", {"kind": "wrong_guidance", "text": "It says to hang up."})
    client.post(f"/sessions/{finished_chat.pk}/report/", {"kind": "technical", "text": "No sound."})

    flags = {flag.kind: flag for flag in Flag.objects.all()}
    assert {kind: (flag.severity, flag.source, flag.reported_by) for kind, flag in flags.items()} == {
        "wrong_guidance": ("critical", "counselor", counselor),
        "technical": ("warning", "counselor", counselor),
    }
    send_report_alert(flags["wrong_guidance"].pk)
    assert [message.to for message in mail.outbox] == [[admin.email], [supervisor.email]]
    assert "It says to hang up." not in mail.outbox[0].body
    queue = client_of(supervisor).get("/flags/").content.decode()
    assert queue.index("It says to hang up.") < queue.index("No sound.")
    assert "No sound." not in client.get(f"/sessions/{finished_chat.pk}/").content.decode()


@pytest.mark.parametrize("sent", [{"kind": "technical"}, {"kind": "grudge", "text": "x"}, {"text": "x"}])
def test_problem_report_requires_kind_and_text(counselor, finished_chat, sent):
    page = client_of(counselor).post(f"/sessions/{finished_chat.pk}/report/", sent, follow=True).content.decode()

    assert Flag.objects.count() == 0
    assert 'class="notice error"' in page


def test_problem_report_is_limited_to_ten_an_hour_and_keeps_text(counselor, finished_chat):
    for number in range(10):
        report_problem(finished_chat, counselor, "other", f"Number {number}")

    with pytest.raises(RateLimitExceededError) as refused:
        report_problem(finished_chat, counselor, "other", "One more")
    page = client_of(counselor).post(
        f"/sessions/{finished_chat.pk}/report/", {"kind": "other", "text": "One more"}, follow=True
    )

    assert 3500 < refused.value.retry_after <= 3601
    assert "One more" in page.content.decode()
    Flag.objects.update(created_at=timezone.now() - timedelta(hours=2))
    assert report_problem(finished_chat, counselor, "other", "One more").pk


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
    assert "You asked a person to review this." in client.get(f"/sessions/{session.pk}/").content.decode()
    assert f"{counselor} disagrees." in client_of(supervisor).get(f"/sessions/{session.pk}/").content.decode()

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


def test_session_is_renamed_searched_and_exported(counselor, supervisor, finished_chat):
    client = client_of(counselor)

    client.post(f"/sessions/{finished_chat.pk}/name/", {"name": "The long night"})

    assert "The long night" in client.get("/sessions/?q=long+night").content.decode()
    text = client.get(f"/sessions/{finished_chat.pk}/transcript.txt").content.decode()
    data = client.get(f"/sessions/{finished_chat.pk}/transcript.json").json()
    assert text.splitlines()[0] == "The long night"
    assert text.splitlines()[3] == "Caller: hi. is this a real person?"
    assert [turn["role"] for turn in data["transcript"]] == ["caller", "counselor", "caller", "counselor"]
    assert counselor.email not in text + str(data)


def test_feedback_ready_email_is_sent_once(counselor):
    add_graded_session(counselor, 80)
    add_graded_session(counselor, 80, kind=Session.Kind.TRIAL)

    assert (send_feedback_ready_emails(), send_feedback_ready_emails()) == (1, 0)
    assert [(message.to, message.subject) for message in mail.outbox] == [([counselor.email], "Your feedback is ready")]
