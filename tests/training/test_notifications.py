from datetime import timedelta
from smtplib import SMTPRecipientsRefused

import pytest
from django.core import mail
from django.utils import timezone

from tests.support.fixtures import client_of
from training.models import Assignment
from training.services.notifications import send_due_notifications


def set_due_in(days: int, assignment: Assignment) -> None:
    Assignment.objects.filter(pk=assignment.pk).update(due_date=timezone.localdate() + timedelta(days=days))


def test_new_assignments_are_announced_once_in_one_email(chat_assignment, phone_assignment, counselor):
    set_due_in(10, chat_assignment)

    assert (send_due_notifications(), send_due_notifications()) == (1, 0)

    (message,) = mail.outbox
    assert (message.to, message.subject) == ([counselor.email], "2 new assignments")
    assert "Writing from the train, due " in message.body and "Night shift" in message.body
    assert "/account/notices/" in message.body


def test_due_soon_reminder_is_sent_once(chat_assignment, counselor):
    set_due_in(5, chat_assignment)
    send_due_notifications()
    mail.outbox.clear()

    assert send_due_notifications() == 0
    set_due_in(2, chat_assignment)
    assert (send_due_notifications(), send_due_notifications()) == (1, 0)
    assert mail.outbox[0].subject == "Due soon: Writing from the train"


def test_new_assignment_due_soon_is_sent_in_one_email(chat_assignment):
    set_due_in(1, chat_assignment)

    assert (send_due_notifications(), send_due_notifications(), len(mail.outbox)) == (1, 0, 1)


@pytest.mark.parametrize("field", ["mail_assigned", "is_active"])
def test_unwanted_email_is_not_sent_later(chat_assignment, counselor, field):
    setattr(counselor, field, False)
    counselor.save()
    send_due_notifications()
    setattr(counselor, field, True)
    counselor.save()

    send_due_notifications()

    assert mail.outbox == []


def test_email_is_sent_again_after_a_mail_server_outage(chat_assignment, monkeypatch):
    def refuse_connection(*args: object) -> None:
        raise ConnectionRefusedError

    with monkeypatch.context() as patch:
        patch.setattr("accounts.services.email_sender.send_email", refuse_connection)
        assert send_due_notifications() == 0

    assert (send_due_notifications(), len(mail.outbox)) == (1, 1)


def test_email_to_a_rejected_recipient_is_not_sent_again(chat_assignment, monkeypatch):
    def refuse(*args: object) -> None:
        raise SMTPRecipientsRefused({})

    with monkeypatch.context() as patch:
        patch.setattr("accounts.services.email_sender.send_email", refuse)
        send_due_notifications()

    assert (send_due_notifications(), mail.outbox) == (0, [])


def test_email_notifications_can_be_turned_off(counselor):
    client = client_of(counselor)

    client.post("/account/notices/", {"mail_due_soon": "on"})

    counselor.refresh_from_db()
    assert (counselor.mail_assigned, counselor.mail_due_soon, counselor.mail_feedback) == (False, True, False)
