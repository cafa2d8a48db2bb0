"""Requests to servers other than OpenAI's: every answer is read or becomes our own error."""

import asyncio
import json

import pytest

from ai import AIUnavailableError, build_async_client, build_client, create_answer, stream_answer
from ai.models_check import request_models
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


@pytest.fixture
def plain_server(server, settings):
    """Return a server whose answers are set never to contain thinking."""
    settings.OPENAI_SEPARATES_THINKING = True
    return server


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
    (404, "The API deployment for this resource does not exist.", "model_not_found", False),
    (400, "m is not a valid model ID", "model_not_found", False),
    (404, "No endpoints found for vendor/m.", "model_not_found", False),
    (402, "This request requires more credits, or fewer max_tokens.", "insufficient_quota", False),
    (401, "No auth credentials found", "invalid_api_key", False),
    (400, "The response was filtered due to the content management policy.", "refused", True),
    (400, "the request exceeds the available context size", "context_length_exceeded", False),
    (429, "vendor/m is temporarily rate-limited upstream", "rate_limit_exceeded", True),
    (418, "I am a teapot.", "http_418", False),
]
# The same message in the shapes of different servers.
SHAPES = [
    lambda message: {"error": {"message": message, "type": None, "param": None, "code": "BadRequest"}},
    lambda message: {"error": message},
    lambda message: {"detail": message},
    lambda message: {"detail": {"error": message, "message": message}},
    lambda message: {"object": "error", "message": message, "code": 400},
    lambda message: [{"error": {"message": message, "code": 400}}],
    lambda message: message,
]


@pytest.mark.parametrize("shape", SHAPES)
def test_message_is_read_in_every_shape(server, shape):
    body = shape("litellm.AuthenticationError: the key of the provider is wrong")
    server.prepare(RESPONSES, PreparedAnswer(body, 400))

    assert (ask_error().code, stream_error().code) == ("invalid_api_key",) * 2


@pytest.mark.parametrize("body", [None, 3, [], [3], {}, {"error": None}, {"error": []}, {"detail": 7}, "x" * 9_000])
@pytest.mark.parametrize("status", [400, 422, 500])
def test_body_without_a_message_is_our_error(server, body, status):
    server.prepare(RESPONSES, PreparedAnswer(body, status))

    caught = ask_error()

    assert (caught.code, caught.missing, caught.retryable) == (f"http_{status}", False, status == 500)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"error": {"message": "Rate limit exceeded", "code": 429}}, "rate_limit_exceeded"),
        ({"error": "something broke"}, "failed"),
        ({"object": "error", "message": "the prompt is too long", "code": 400}, "context_length_exceeded"),
        ({"output": None, "error": {"code": "server_error", "message": None}}, "server_error"),
    ],
)
def test_error_with_status_200_is_our_error(server, body, code):
    server.prepare(RESPONSES, PreparedAnswer(body))

    assert (ask_error().code, stream_error().code) == (code, code)


REJECTIONS = [
    {"message": "Unsupported parameter: 'temperature' is not supported with this model.", "param": "temperature"},
    {"message": "Unsupported value: 'temperature' does not support 0.3. Only the default (1) is supported."},
    {"message": "`temperature` is deprecated for this model."},
    {"message": [{"loc": ["body", "temperature"], "msg": "Extra inputs are not permitted", "type": "x"}]},
    {"message": "Unrecognized request argument supplied: temperature"},
    {"message": "temperature isn't supported here", "param": "None"},
]


@pytest.mark.parametrize("error", REJECTIONS)
def test_rejected_parameter_is_named(server, error):
    server.prepare(RESPONSES, PreparedAnswer({"error": error | {"code": None}}, 400))

    assert ask_error(temperature=0.3).param == "temperature"


def test_message_that_only_mentions_a_parameter_names_none(server):
    server.prepare(RESPONSES, PreparedAnswer({"error": {"message": "temperature must be between 0 and 2"}}, 400))

    assert ask_error(temperature=3.0).param is None


def test_server_without_dispensable_parameters_is_asked_without_them(server):
    """Each is rejected once in a process. The schema is then part of the conversation."""

    def rejection(name):
        return PreparedAnswer({"detail": [{"loc": ["body", name], "msg": "Extra inputs are not permitted"}]}, 422)

    answer = PreparedAnswer({"choices": [{"message": {"content": "{}"}}]})
    server.prepare(CHAT, rejection("max_completion_tokens"), rejection("response_format"), answer)

    texts = [ask(extra_body={"text": {"format": SCHEMA}}).text for _ in range(2)]

    sent = [body for call, _, body in server.requests if call == CHAT]
    assert (texts, len(sent)) == (["{}", "{}"], 4)
    for body in sent[2:]:
        assert body["max_tokens"] == 50
        assert not body.keys() & {"max_completion_tokens", "response_format"}
        assert '{"type": "object"}' in body["messages"][-1]["content"]


def test_rejection_of_a_needed_parameter_is_our_error(server):
    message = "Unsupported parameter: max_output_tokens"
    server.prepare(RESPONSES, PreparedAnswer({"error": {"message": message}}, 400))

    assert (ask_error().code, ask_error().param, stream_error().param) == ("http_400", *["max_output_tokens"] * 2)
    assert len(server.requests) == 3


def test_rejected_store_is_left_out(server):
    rejection = PreparedAnswer({"error": {"message": "Unknown parameter: 'store'.", "param": "store"}}, 400)
    server.prepare(RESPONSES, rejection, response("hi"))

    assert ask(store=False).text == "hi"
    assert ["store" in body for _, _, body in server.requests] == [True, False]


@pytest.mark.parametrize(
    "answer",
    [
        PreparedAnswer(b"not gzip", headers={"Content-Type": "application/json", "Content-Encoding": "gzip"}),
        PreparedAnswer("", 302, {"Location": "/v1/responses"}),
    ],
)
def test_broken_transport_is_our_error(server, answer):
    server.prepare(RESPONSES, answer)
    server.prepare("GET /v1/responses", answer)

    assert (ask_error().code, stream_error().code) == ("unreachable",) * 2


@pytest.mark.parametrize("kind", ["text/plain", "text/html", "application/octet-stream"])
def test_json_with_a_wrong_content_type_is_read(server, kind):
    body = response("hi").content()
    server.prepare(RESPONSES, PreparedAnswer(b"\xef\xbb\xbf" + body, headers={"Content-Type": kind}))

    assert (ask().text, stream()) == ("hi", ["hi"])


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
    PreparedAnswer({"error": {"message": "The method is unsupported.", "code": "method"}}, 405),
    PreparedAnswer({"error": {"message": "Not supported.", "code": 501}}, 501),
    PreparedAnswer({"error": {"message": "Invalid URL (POST /v1/responses)", "code": None}}, 404),
    PreparedAnswer({"error": {"message": "Unknown request URL: POST /responses", "code": "unknown_url"}}, 404),
    PreparedAnswer({"error": {"message": "File Not Found", "code": 404, "type": "not_found_error"}}, 404),
    PreparedAnswer({"error": {"code": "404", "message": "Resource not found"}}, 404),
    PreparedAnswer({"error": "Unexpected endpoint or method. (POST /v1/responses)"}),
    PreparedAnswer({"error": {"message": "m does not support the Responses API", "code": "400"}}, 400),
    PreparedAnswer("", 404),
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


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_to_another_host_is_not_followed(server, status):
    with foreign_server() as other:
        location = {"Location": f"{other.base_url}/responses"}
        for call in (RESPONSES, "GET /v1/models"):
            server.prepare(call, PreparedAnswer("", status, location))

        assert [ask_error().code, stream_error().code] == [f"http_{status}"] * 2
        assert request_models() == f"OpenAI did not list its models: http_{status}"

    assert other.requests == []


@pytest.mark.parametrize("location", ["http://[broken", "ftp://127.0.0.1/", "//127.0.0.1:1/v1/responses", ""])
def test_invalid_redirect_raises_unavailable_error(server, location):
    server.prepare(RESPONSES, PreparedAnswer("", 308, {"Location": location}))

    assert {ask_error().code, stream_error().code} <= {"http_308", "unreachable"}


def test_redirect_on_the_same_host_is_followed(server):
    server.prepare(RESPONSES, PreparedAnswer("", 307, {"Location": "/v1/responses/"}))
    server.prepare(f"{RESPONSES}/", response("hi"))

    assert (ask().text, stream()) == ("hi", ["hi"])


def test_stream_passes_words_and_skips_what_it_does_not_know(plain_server):
    events = [*words("hi", " there"), ": a comment", "event: ping", {"type": "unheard.of"}, {"choices": None}, {}]
    plain_server.prepare(RESPONSES, event_stream(*events, *words(None, 3), "data: [DONE]"))

    assert stream() == ["hi", " there"]


@pytest.mark.parametrize("end", ["\n\n", "\r\n\r\n", "\r\r", "\n"])
def test_stream_is_split_at_line_ends_only(plain_server, end):
    pieces = ["caf\u00e9\u0085", " one\u2028two\u2029", "\x1cthree"]
    body = "\ufeff" + "".join(f"data: {json.dumps(event, ensure_ascii=False)}{end}" for event in words(*pieces))
    plain_server.prepare(RESPONSES, PreparedAnswer(body, headers={"Content-Type": "text/event-stream"}))

    assert stream() == pieces


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


def test_thinking_without_a_beginning_is_never_shown(server):
    server.prepare(RESPONSES, event_stream(*words("She wants comfort.", "</think>", "hi")))

    assert [stream(), stream()] == [["hi"], ["hi"]]


def test_thinking_of_a_server_that_is_set_to_separate_it_fails_once(plain_server):
    plain_server.prepare(RESPONSES, event_stream(*words("She wants comfort.", "</think>", "hi")))

    assert stream_error().code == "thinking_aloud"
    assert stream() == ["hi"]


def test_first_answer_is_held_back_and_later_ones_are_not(server):
    server.prepare(RESPONSES, event_stream(*words("hi", " there")))

    assert [stream(), stream()] == [["hi there"], ["hi", " there"]]


def test_first_answer_of_a_server_that_separates_thinking_is_not_held_back(plain_server):
    plain_server.prepare(RESPONSES, event_stream(*words("hi", " there")))

    assert stream() == ["hi", " there"]


def test_thinking_of_a_server_that_did_not_think_before_fails_once(server):
    thinking = event_stream(*words("She wants comfort.", "</think>", "hi"))
    server.prepare(RESPONSES, event_stream(*words("hi", " there")), thinking)

    assert stream() == ["hi there"]
    assert stream_error().code == "thinking_aloud"
    assert stream() == ["hi"]


@pytest.mark.parametrize(
    "end", [{"type": "response.incomplete", "response": {"incomplete_details": {"reason": "max_output_tokens"}}}]
)
def test_answer_cut_off_before_it_is_known_to_be_words_is_not_shown(server, end):
    server.prepare(RESPONSES, event_stream(*words("She wants comfort, so"), end))

    assert stream_error().code == "cut_off"


def test_chat_completion_cut_off_before_it_is_known_to_be_words_is_not_shown(server):
    choice = {"delta": {"content": "She wants"}, "finish_reason": "length"}
    server.prepare(CHAT, event_stream({"choices": [choice]}))

    assert stream_error().code == "cut_off"


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
        (event_stream({"error": "overloaded"}), "failed"),
        (event_stream({"choices": [{"delta": {"refusal": "No."}}]}), "refused"),
        (event_stream({"choices": [{"delta": {}, "finish_reason": "content_filter"}]}), "refused"),
        (event_stream({"choices": [{"delta": {"content": [{"type": "refusal", "refusal": "No."}]}}]}), "refused"),
        (event_stream({"choices": [{"delta": {}, "finish_reason": "error"}]}), "failed"),
        (event_stream({"object": "error", "message": "Rate limit exceeded"}), "rate_limit_exceeded"),
        (PreparedAnswer({"error": {"message": "litellm.RateLimitError: x"}}, 500), "rate_limit_exceeded"),
    ],
)
def test_broken_stream_is_our_error(server, answer, code):
    server.prepare(RESPONSES, answer)

    assert stream_error().code == code


def test_server_that_does_not_stream_is_read(server):
    server.prepare(RESPONSES, response("<think>x</think>hi"))

    assert stream() == ["hi"]


@pytest.mark.parametrize("missing", NO_ENDPOINT[:5])
def test_stream_falls_back_to_chat_completions(plain_server, missing):
    server = plain_server
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
