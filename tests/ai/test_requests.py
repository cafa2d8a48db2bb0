"""Requests to servers other than OpenAI's: every answer is read or becomes our own error."""

import asyncio

import pytest

from ai import AIUnavailableError, build_async_client, build_client, create_answer, stream_answer
from tests.support.fixtures import *  # noqa: F403
from tests.support.foreign_server import PreparedAnswer, event_stream, foreign_server

RESPONSES, CHAT = "POST /v1/responses", "POST /v1/chat/completions"
PARAMETERS = {"instructions": "Be brief.", "input": [{"role": "user", "content": "hi"}], "max_output_tokens": 50}
SCHEMA = {"type": "json_schema", "name": "grading", "strict": True, "schema": {"type": "object"}}


@pytest.fixture
def server(settings):
    with foreign_server() as server:
        settings.OPENAI_BASE_URL = server.base_url
        yield server


def ask(**parameters):
    with build_client(timeout=5.0, max_retries=0) as client:
        return create_answer(client, model="m", **PARAMETERS | parameters)


def ask_error(**parameters) -> AIUnavailableError:
    with pytest.raises(AIUnavailableError) as caught:
        ask(**parameters)
    return caught.value


def stream() -> list[str]:
    async def read() -> list[str]:
        async with build_async_client(timeout=5.0, max_retries=0) as client:
            return [piece async for piece in stream_answer(client, model="m", **PARAMETERS)]

    return asyncio.run(read())


def stream_error() -> AIUnavailableError:
    with pytest.raises(AIUnavailableError) as caught:
        stream()
    return caught.value


def words(*pieces):
    return [{"type": "response.output_text.delta", "delta": piece} for piece in pieces]


def response(text, **fields):
    output = [{"type": "message", "content": [{"type": "output_text", "text": text}]}]
    return PreparedAnswer({"object": "response", "output": output} | fields)


HTML = "<html><body>Log in</body></html>"


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (PreparedAnswer(HTML), "not_json"),
        (PreparedAnswer(HTML, headers={"Content-Type": "application/json"}), "not_json"),
        (PreparedAnswer(""), "not_json"),
        (PreparedAnswer([]), "unusable_answer"),
        (PreparedAnswer({"output": None}), "unusable_answer"),
        (PreparedAnswer({"detail": "ok"}), "unusable_answer"),
        (PreparedAnswer(HTML, 502), "http_502"),
        (PreparedAnswer(HTML, 403), "http_403"),
    ],
)
def test_answer_that_is_no_response_is_our_error(server, answer, code):
    server.prepare(RESPONSES, answer)

    assert ask_error().code == code


def test_thinking_is_no_part_of_the_answer(server):
    server.prepare(RESPONSES, response("<think>She wants comfort.</think>\nhi there", usage=None))

    answer = ask()

    assert (answer.text, answer.model, answer.input_tokens) == ("\nhi there", "m", None)


WORDINGS = [
    (400, "litellm.ContextWindowExceededError: litellm.BadRequestError: too long", "context_length_exceeded", False),
    (
        400,
        "This model's maximum context length is 8192 tokens. However, you requested 9000.",
        "context_length_exceeded",
        False,
    ),
    (
        500,
        "litellm.AuthenticationError: AuthenticationError: OpenAIException - Incorrect API key",
        "invalid_api_key",
        False,
    ),
    (400, "Authentication Error, Invalid proxy server token passed.", "invalid_api_key", False),
    (500, "litellm.RateLimitError: RateLimitError: OpenAIException - slow down", "rate_limit_exceeded", True),
    (400, "Budget has been exceeded! Current cost: 5, Max budget: 5", "insufficient_quota", False),
    (429, "You exceeded your current quota, please check your plan.", "insufficient_quota", False),
    (400, "litellm.ContentPolicyViolationError: filtered", "refused", True),
    (408, "litellm.Timeout: APITimeoutError - Request timed out.", "timeout", True),
    (404, 'model "m" not found, try pulling it first', "model_not_found", False),
]


@pytest.mark.parametrize(("status", "message", "code", "retryable"), WORDINGS)
def test_other_servers_errors_are_read_by_their_wording(server, status, message, code, retryable):
    error = {"message": message, "type": None, "param": None, "code": str(status)}
    server.prepare(RESPONSES, PreparedAnswer({"error": error}, status))

    caught = ask_error()

    assert (caught.code, caught.retryable, caught.missing) == (code, retryable, False)


def test_error_in_the_outermost_object_is_read(server):
    body = {"object": "error", "message": "the prompt is too long", "code": 400}
    server.prepare(RESPONSES, PreparedAnswer(body, 400))

    assert ask_error().code == "context_length_exceeded"


def test_unsupported_temperature_names_the_parameter(server):
    message = "litellm.UnsupportedParamsError: m does not support parameters: {'temperature': 0.3}"
    server.prepare(RESPONSES, PreparedAnswer({"error": {"message": message, "code": "400"}}, 400))

    assert ask_error(temperature=0.3).param == "temperature"


NO_ENDPOINT = [
    PreparedAnswer({"detail": "Not Found"}, 404),
    PreparedAnswer("404 page not found", 404, {"Content-Type": "text/plain"}),
    PreparedAnswer(HTML, 404),
    PreparedAnswer({"detail": "Method Not Allowed"}, 405),
]


@pytest.mark.parametrize("missing", NO_ENDPOINT)
def test_server_without_responses_api_is_asked_over_chat_completions(server, missing):
    server.prepare(RESPONSES, missing)
    server.prepare(CHAT, PreparedAnswer({"choices": [{"message": {"content": "```json\n{}\n```"}}], "model": "llama"}))

    answers = [ask(temperature=0.3, extra_body={"text": {"format": SCHEMA}}) for _ in range(2)]

    assert [(one.text, one.model) for one in answers] == [("```json\n{}\n```", "llama")] * 2
    assert [call for call, _, _ in server.requests] == [RESPONSES, CHAT, CHAT]
    assert server.requests[-1][2] == {
        "model": "m",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "hi"}],
        "max_completion_tokens": 50,
        "temperature": 0.3,
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "grading", "strict": True, "schema": {"type": "object"}},
        },
    }


def test_file_search_without_responses_api_is_our_own_error(server):
    tool = {"type": "file_search", "vector_store_ids": ["vs_1"]}

    error = ask_error(tools=[tool])

    assert (error.code, error.retryable, error.missing) == ("no_responses_api", False, False)


def test_missing_vector_store_is_missing(server):
    error = {"message": "Vector store with id ['vs_1'] not found.", "param": "tools", "code": None}
    server.prepare(RESPONSES, PreparedAnswer({"error": error}, 404))

    caught = ask_error()

    assert (caught.code, caught.missing) == ("not_found", True)


def test_stream_passes_words_and_skips_what_it_does_not_know(server):
    events = [*words("hi", " there"), ": a comment", "event: ping", {"type": "unheard.of"}, {"choices": None}, {}]
    server.prepare(RESPONSES, event_stream(*events, *words(None, 3), "data: [DONE]"))

    assert stream() == ["hi", " there"]


@pytest.mark.parametrize(
    "pieces",
    [
        ["<think>She wants", " comfort.</think>", "hi there"],
        ["<", "thi", "nk>She", " wants</t", "hink>hi", " there"],
        ["<thinking>She wants comfort.</thinking>hi there"],
    ],
)
def test_stream_shows_no_thinking(server, pieces):
    server.prepare(RESPONSES, event_stream(*words(*pieces)))

    assert "".join(stream()) == "hi there"


def test_stream_of_thinking_that_never_ends_is_empty(server):
    server.prepare(RESPONSES, event_stream(*words("<think>She", " wants comfort.")))

    assert stream() == []


def test_thinking_without_a_beginning_fails_once_and_is_held_back_from_then_on(server):
    server.prepare(RESPONSES, event_stream(*words("She wants comfort.", "</think>", "hi")))

    assert stream_error().code == "thinking_aloud"
    assert stream() == ["hi"]


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (PreparedAnswer(HTML), "not_json"),
        (PreparedAnswer(HTML, headers={"Content-Type": "text/event-stream"}), "not_json"),
        (event_stream("data: <html>"), "not_json"),
        (event_stream("data: []"), "unusable_answer"),
        (event_stream(*words("hi"), {"error": {"message": "overloaded"}}), "failed"),
        (event_stream({"type": "response.failed"}), "failed"),
        (event_stream({"type": "error", "message": None}), "failed"),
        (event_stream({"type": "response.refusal.done"}), "refused"),
        (PreparedAnswer({"error": {"message": "litellm.RateLimitError: x"}}, 500), "rate_limit_exceeded"),
    ],
)
def test_broken_stream_is_our_error(server, answer, code):
    server.prepare(RESPONSES, answer)

    assert stream_error().code == code


def test_server_that_does_not_stream_is_read(server):
    server.prepare(RESPONSES, response("<think>x</think>hi"))

    assert stream() == ["hi"]


@pytest.mark.parametrize("missing", NO_ENDPOINT)
def test_stream_falls_back_to_chat_completions(server, missing):
    server.prepare(RESPONSES, missing)
    deltas = [
        {"role": "assistant", "content": None},
        {"content": "hi"},
        {"reasoning_content": "x"},
        {"content": " there"},
    ]
    events = [{"choices": [{"delta": delta}]} for delta in deltas]
    server.prepare(CHAT, event_stream(*events, {"choices": [], "usage": None}, "data: [DONE]"))

    assert stream() == ["hi", " there"]
    assert server.requests[-1][2]["stream"] is True
