from datetime import timedelta

from django.core import mail
from django.utils import timezone

from accounts.models import User
from evaluation.models import Evaluation
from evaluation.services.notifications import send_feedback_ready_emails, send_review_waiting_emails
from tests.evaluation.graded_sessions import add_graded_session
from tests.support.fixtures import client_of
from training.models import Session


def test_feedback_ready_email_is_sent_once(counselor):
    add_graded_session(counselor, 80)
    add_graded_session(counselor, 80, kind=Session.Kind.TRIAL)

    assert (send_feedback_ready_emails(), send_feedback_ready_emails()) == (1, 0)
    assert [(message.to, message.subject) for message in mail.outbox] == [([counselor.email], "Your feedback is ready")]


def add_waiting_session(counselor, completed_at) -> None:
    add_graded_session(counselor, 80)
    newest = Evaluation.objects.latest("created_at")
    Evaluation.objects.filter(pk=newest.pk).update(is_waiting=True, completed_at=completed_at)


def test_reviewers_get_one_email_a_day_about_waiting_reviews(counselor, supervisor, evaluator, trainer):
    now = timezone.now()
    add_waiting_session(counselor, now)

    assert (send_review_waiting_emails(), send_review_waiting_emails()) == (2, 0)

    assert sorted((message.to[0], message.subject) for message in mail.outbox) == [
        (evaluator.email, "1 conversation needs your review"),
        (supervisor.email, "1 conversation needs your review"),
    ]
    add_waiting_session(counselor, now + timedelta(minutes=1))
    assert send_review_waiting_emails() == 0
    User.objects.update(review_mail_at=now - timedelta(hours=21))
    assert (send_review_waiting_emails(), mail.outbox[-1].subject) == (2, "2 conversations need your review")


def test_old_reviews_are_not_announced_again(counselor, supervisor):
    add_waiting_session(counselor, timezone.now() - timedelta(days=3))
    User.objects.update(review_mail_at=timezone.now() - timedelta(days=2))

    assert (send_review_waiting_emails(), mail.outbox) == (0, [])


def test_reviewer_can_turn_off_emails_about_reviews(counselor, supervisor):
    client_of(supervisor).post("/account/notices/", {"mail_feedback": "on"})
    add_waiting_session(counselor, timezone.now())

    assert (send_review_waiting_emails(), mail.outbox) == (0, [])


def test_counselor_has_no_choice_about_review_emails(counselor):
    assert 'name="mail_review"' not in client_of(counselor).get("/account/notices/").content.decode()
