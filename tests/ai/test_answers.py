import json

import pytest

from ai import AIUnavailableError
from ai.answers import read_chat_completion, read_response


def message(text, **fields):
    content = [{"type": "output_text", "text": text}]
    return json.dumps({"output": [{"type": "message", "content": content}], "model": "m"} | fields)


@pytest.mark.parametrize(
    "usage",
    [None, {}, {"input_tokens": None}, "many", {"input_tokens": "3"}, {"input_tokens": -1}, {"input_tokens": 10**12}],
)
def test_response_without_usage_is_read(usage):
    answer = read_response(message("hello", usage=usage), "asked")

    assert (answer.text, answer.model, answer.input_tokens, answer.output_tokens) == ("hello", "m", None, None)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("<html>Log in</html>", "not_json"),
        ("", "not_json"),
        ("[" * 100_000, "not_json"),
        ("[]", "unusable_answer"),
        ("null", "unusable_answer"),
        ("{}", "unusable_answer"),
        ('{"output": null}', "unusable_answer"),
    ],
)
def test_body_that_is_no_response_is_our_error(body, code):
    for read in (read_response, read_chat_completion):
        with pytest.raises(AIUnavailableError) as caught:
            read(body, "asked")

        assert caught.value.code == code


@pytest.mark.parametrize(
    "output",
    [
        [],
        [None, 3, "text"],
        [{"type": "message", "content": None}],
        [{"type": "message"}],
        [{"type": "message", "content": [None, {"type": "output_text", "text": None}, {"type": "output_text"}]}],
        [{"type": "reasoning", "content": [{"type": "output_text", "text": "a plan"}]}],
        [{"type": None}],
    ],
)
def test_response_without_words_is_an_empty_answer(output):
    assert read_response(json.dumps({"output": output}), "asked").text == ""


def test_file_search_without_results_is_read():
    calls = [
        {"type": "file_search_call", "status": "completed", "results": None},
        {"type": "file_search_call", "results": [None, {"file_id": None, "text": "x"}, {"file_id": "f", "text": None}]},
    ]

    searches = read_response(json.dumps({"output": calls}), "asked").searches

    assert [(one.is_completed, one.results) for one in searches] == [(True, []), (False, [("", "x"), ("f", "")])]


@pytest.mark.parametrize(
    ("choice", "text", "status", "is_refusal"),
    [
        ({"message": {"content": "<think>a plan</think>hello"}, "finish_reason": "stop"}, "hello", "completed", False),
        ({"message": {"content": None}}, "", "completed", False),
        ({"message": None, "finish_reason": "length"}, "", "incomplete", False),
        ({"message": {"content": "", "refusal": "No."}}, "", "completed", True),
        ({"message": {"content": [{"type": "refusal", "refusal": "No."}]}}, "", "completed", True),
        ({"message": {"content": ["parts"]}}, "", "completed", False),
        (
            {"message": {"content": [{"type": "thinking", "text": "a plan"}, None, {"type": "text", "text": "hello"}]}},
            "hello",
            "completed",
            False,
        ),
        (
            {"message": {"content": "hello", "reasoning_content": "a plan", "reasoning": "a"}},
            "hello",
            "completed",
            False,
        ),
        ({"message": {"content": None, "reasoning_content": "a plan"}, "finish_reason": None}, "", "completed", False),
        ({"message": {"content": "hel"}, "finish_reason": "max_tokens"}, "hel", "incomplete", False),
        ({"message": {"content": "a\x00b\ud800c"}}, "abc", "completed", False),
    ],
)
def test_chat_completion_is_read(choice, text, status, is_refusal):
    answer = read_chat_completion(json.dumps({"choices": [choice], "usage": None}), "asked")

    assert (answer.text, answer.status, answer.is_refusal, answer.model) == (text, status, is_refusal, "asked")


@pytest.mark.parametrize(
    ("choice", "code"),
    [
        ({"message": {"content": ""}, "finish_reason": "error"}, "failed"),
        ({"message": {"content": "hel"}, "error": {"message": "Rate limit exceeded"}}, "rate_limit_exceeded"),
        ({"message": {"content": "hel"}, "error": {"code": 502, "message": "Provider error"}}, "failed"),
    ],
)
def test_choice_that_failed_midway_raises_unavailable_error(choice, code):
    with pytest.raises(AIUnavailableError, match=code):
        read_chat_completion(json.dumps({"choices": [choice]}), "asked")


def test_names_that_the_database_cannot_hold_are_cut():
    answer = read_response(message("hello", model="m" * 500 + "\x00", status="unheard of"), "asked")

    assert (answer.model, answer.status) == ("m" * 100, "completed")


def test_tag_inside_json_is_not_thinking():
    """A grade may quote a person who wrote a tag."""
    text = '{"verdict": "<think>"}'

    assert read_response(message(text), "asked").text == text


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity"])
def test_constants_that_are_not_json_are_our_error(constant):
    body = message("hello").replace('"m"', constant)

    with pytest.raises(AIUnavailableError, match="not_json"):
        read_response(body, "asked")
