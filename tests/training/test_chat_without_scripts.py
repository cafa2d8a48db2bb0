"""Chat pages without JavaScript, where each form post waits for the caller's answer."""

import pytest
from django.utils.html import escape

from tests.support.fixtures import client_of
from training.models import Session
from training.services.greetings import prepare_greeting
from training.services.session_start import start_assignment
from training.services.turns import MAX_CHAT_MESSAGES, write_message, write_turn


@pytest.mark.django_db(transaction=True)
def test_assigned_chat_starts_continues_and_ends(counselor, chat_assignment, standin, settings):
    settings.CELERY_TASK_ALWAYS_EAGER = False
    client, page = client_of(counselor), f"/training/chat/{chat_assignment.pk}/"
    assert "Start the chat" in client.get(page).content.decode()

    start_assignment(chat_assignment)
    session = Session.objects.get()
    prepare_greeting(session.pk)
    started = client.post("/training/chat/begin/", {"assignment": chat_assignment.pk})
    reply_page = client.post(f"/training/chat/{session.pk}/say/", {"message": "Hello, I'm Sam."}, follow=True)

    assert started["Location"] == page
    assert reply_page.redirect_chain == [(page, 302)]
    assert [turn.role for turn in session.transcript()] == ["caller", "counselor", "caller"]
    for turn in session.transcript():
        assert escape(turn.text_heard) in reply_page.content.decode()
    ended = client.post(f"/training/chat/{session.pk}/end/")
    session.refresh_from_db()
    assert (ended["Location"], session.end_reason) == (f"/sessions/{session.pk}/", "hung_up")


def test_free_practice_starts_with_a_focus(counselor, standin, monkeypatch):
    monkeypatch.setattr("training.views.practice.GREETING_TIMEOUT", 0.0)
    client = client_of(counselor)

    response = client.post("/training/chat/begin/", {"focus": "a caller who changes the subject"})

    session = Session.objects.get()
    assert (response["Location"], session.kind, session.focus) == (
        "/training/chat/free/", "free_practice", "a caller who changes the subject",
    )  # fmt: skip
    assert "Send and wait for the reply" in client.get("/training/chat/free/").content.decode()


def test_message_without_a_reply_is_saved(counselor, chat):
    page = client_of(counselor).post(f"/training/chat/{chat.pk}/say/", {"message": "Are you there?"}, follow=True)

    assert "Your message was saved. Send the same message again." in page.content.decode()
    assert [turn.text_heard for turn in chat.transcript()] == ["Are you there?"]


@pytest.mark.parametrize("message", ["", "   ", "x" * 10_001])
def test_invalid_message_is_refused_with_a_notice(counselor, chat, message):
    page = client_of(counselor).post(f"/training/chat/{chat.pk}/say/", {"message": message}, follow=True)

    assert 'class="banner banner-danger"' in page.content.decode()
    assert chat.transcript() == []


def test_chat_is_limited_to_a_hundred_messages(counselor, chat):
    for number in range(MAX_CHAT_MESSAGES // 2 - 1):
        write_message(chat, f"Number {number}")
        write_turn(chat, "caller", "ok")
    client = client_of(counselor)

    last = client.post(f"/api/sessions/{chat.pk}/messages/", {"content": "One more"}, content_type="application/json")
    write_turn(chat, "caller", "ok")
    over_limit = client.post(
        f"/api/sessions/{chat.pk}/messages/", {"content": "And more"}, content_type="application/json"
    )
    page = client.post(f"/training/chat/{chat.pk}/say/", {"message": "And more"}, follow=True).content.decode()

    assert last.status_code == 503  # the message was stored; no caller answers in this test
    assert (over_limit.status_code, over_limit.json()["code"]) == (409, "too_many_messages")
    assert "This chat has reached its limit of 100 messages." in page
    assert chat.turns.count() == MAX_CHAT_MESSAGES
