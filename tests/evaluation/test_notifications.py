from django.core import mail

from evaluation.services.notifications import send_feedback_ready_emails
from tests.evaluation.graded_sessions import add_graded_session
from training.models import Session


def test_feedback_ready_email_is_sent_once(counselor):
    add_graded_session(counselor, 80)
    add_graded_session(counselor, 80, kind=Session.Kind.TRIAL)

    assert (send_feedback_ready_emails(), send_feedback_ready_emails()) == (1, 0)
    assert [(message.to, message.subject) for message in mail.outbox] == [([counselor.email], "Your feedback is ready")]
