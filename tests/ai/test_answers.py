import json

import pytest
from pydantic import BaseModel

from ai import AIUnavailableError, parse_answer
from ai.answers import ThinkingSieve, read_chat_completion, read_response, remove_thinking


class Verdict(BaseModel):
    verdict: str


def message(text, **fields):
    content = [{"type": "output_text", "text": text}]
    return json.dumps({"output": [{"type": "message", "content": content}], "model": "m"} | fields)


THINKING = [
    ("hello there", "hello there"),
    ("<think>a plan</think>hello", "hello"),
    ("<think>a plan</think>\n\nhello", "\n\nhello"),
    ("hi <THINK>a\nplan</THINK>there", "hi there"),
    ("<thinking>one</thinking><think>two</think>hello", "hello"),
    ("<think>never ends", ""),
    ("hello <think>never ends", "hello "),
    ("a plan without a beginning</think>hello", "hello"),
    ("<think>outer<think>inner</think>still</think>hello", "hello"),
    ("i <3 you and 1 < 2", "i <3 you and 1 < 2"),
    ("<thin", "<thin"),
    ("<b>bold</b>", "<b>bold</b>"),
    ("", ""),
]


@pytest.mark.parametrize(("text", "words"), THINKING)
def test_thinking_is_removed(text, words):
    assert remove_thinking(text) == words


@pytest.mark.parametrize(("text", "words"), [one for one in THINKING if "without a beginning" not in one[0]])
@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_thinking_is_removed_from_every_split_of_a_stream(text, words, size):
    sieve = ThinkingSieve()

    shown = [sieve.feed(text[at : at + size]) for at in range(0, len(text), size)]

    assert "".join(shown) + sieve.finish() == words


@pytest.mark.parametrize("size", [1, 3, 50])
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a plan</think>hello", "hello"),
        ("<think>a plan</think>hello", "hello"),
        ("no thinking today", "no thinking today"),
    ],
)
def test_sieve_that_starts_inside_holds_back_until_the_end(text, words, size):
    sieve = ThinkingSieve(starts_inside=True)

    shown = [sieve.feed(text[at : at + size]) for at in range(0, len(text), size)]

    assert "".join(shown) + sieve.finish() == words
    assert not sieve.has_unopened_end


def test_sieve_notices_an_end_without_a_beginning():
    sieve = ThinkingSieve()

    sieve.feed("a plan</thi")
    before = sieve.has_unopened_end
    sieve.feed("nk>hello")

    assert (before, sieve.has_unopened_end) == (False, True)


@pytest.mark.parametrize(
    "text",
    [
        '{"verdict": "met"}',
        '```json\n{"verdict": "met"}\n```',
        'Here is my verdict:\n\n{"verdict": "met"}\n\nI hope this helps {you}.',
        'As {requested}: {"verdict": "met"}',
        '{"other": 1} {"verdict": "met"}',
        '[{"verdict": "met"}]',
    ],
)
def test_answer_is_found_in_code_blocks_and_prose(text):
    assert parse_answer(text, Verdict).verdict == "met"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "I cannot do that.",
        '{"verdict": null}',
        '{"verdict": "met"',
        '{"verdict": "met"} {"verdict": "not_met"}',  # one of them may be planted
        "{" * 100_000,
        '{"a":' * 100_000,
    ],
)
def test_missing_or_ambiguous_answer_is_our_error_without_its_text(text):
    with pytest.raises(AIUnavailableError) as caught:
        parse_answer(text, Verdict)

    assert (caught.value.code, caught.value.retryable) == ("unusable_answer", True)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    "usage", [None, {}, {"input_tokens": None}, "many", {"input_tokens": "3"}, {"input_tokens": -1}]
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
        ({"message": {"content": ["parts"]}}, "", "completed", False),
    ],
)
def test_chat_completion_is_read(choice, text, status, is_refusal):
    answer = read_chat_completion(json.dumps({"choices": [choice], "usage": None}), "asked")

    assert (answer.text, answer.status, answer.is_refusal, answer.model) == (text, status, is_refusal, "asked")
