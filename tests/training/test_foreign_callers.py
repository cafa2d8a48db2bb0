"""Callers played by servers other than OpenAI's: thinking aloud never becomes the caller's words."""

import pytest

from tests.support.fixtures import client_of
from tests.support.foreign_server import PreparedAnswer, event_stream, foreign_server
from training.services.greetings import FALLBACK_GREETINGS, prepare_greeting

RESPONSES, CHAT = "POST /v1/responses", "POST /v1/chat/completions"


@pytest.fixture
def server(settings):
    with foreign_server() as server:
        settings.OPENAI_BASE_URL = server.base_url
        yield server


def spoken(text):
    return PreparedAnswer({"output": [{"type": "message", "content": [{"type": "output_text", "text": text}]}]})


@pytest.mark.parametrize(
    ("answer", "line"),
    [
        (spoken("<think>He is shy.</think>\nhi, anyone there"), "hi, anyone there"),
        (spoken("He is shy.</think>hi, anyone there"), "hi, anyone there"),
        (spoken("<think>He is shy."), FALLBACK_GREETINGS["chat"]),
        (spoken(None), FALLBACK_GREETINGS["chat"]),
        (PreparedAnswer("<html>Log in</html>"), FALLBACK_GREETINGS["chat"]),
        (PreparedAnswer({"output": None, "usage": None}), FALLBACK_GREETINGS["chat"]),
    ],
)
def test_greeting_of_another_server(chat, server, answer, line):
    server.prepare(RESPONSES, answer)

    prepare_greeting(chat.pk)

    chat.refresh_from_db()
    assert (chat.greeting_status, chat.greeting) == ("ready", line)


def test_greeting_of_a_server_without_responses_api(chat, server):
    server.prepare(CHAT, PreparedAnswer({"choices": [{"message": {"content": "<think>x</think>hi"}}], "usage": None}))

    prepare_greeting(chat.pk)

    chat.refresh_from_db()
    assert chat.greeting == "hi"


def send_message(counselor, chat):
    path = f"/api/sessions/{chat.pk}/messages/"
    return client_of(counselor).post(path, {"content": "Hello."}, content_type="application/json")


def delta(text):
    return {"type": "response.output_text.delta", "delta": text}


def test_chat_reply_without_its_thinking_is_stored(chat, counselor, server):
    server.prepare(RESPONSES, event_stream(delta("<thi"), delta("nk>He is shy.</think>"), delta("i'm on a train")))

    response = send_message(counselor, chat)

    assert response.status_code == 201, response.content
    assert b"shy" not in response.content
    assert [turn.text_heard for turn in chat.transcript()] == ["Hello.", "i'm on a train"]


@pytest.mark.parametrize(
    "answer", [PreparedAnswer("<html>Log in</html>"), event_stream("data: <html>"), event_stream(delta("<think>He"))]
)
def test_chat_reply_that_is_none_keeps_the_message_and_answers_503(chat, counselor, server, answer):
    server.prepare(RESPONSES, answer)

    response = send_message(counselor, chat)

    assert response.status_code == 503, response.content
    assert [turn.text_heard for turn in chat.transcript()] == ["Hello."]
