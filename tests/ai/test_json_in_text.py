"""Answers in JSON, found in the text of a model."""

import pytest
from pydantic import BaseModel

from ai import AIUnavailableError, parse_answer


class Verdict(BaseModel):
    verdict: str


@pytest.mark.parametrize(
    "text",
    [
        '{"verdict": "met"}',
        '```json\n{"verdict": "met"}\n```',
        'Here is my verdict:\n\n{"verdict": "met"}\n\nI hope this helps {you}.',
        'As {requested}: {"verdict": "met"}',
        '{"other": 1} {"verdict": "met"}',
        '[{"verdict": "met"}]',
        '```json5\n{verdict: "met"}\n```\n{"verdict": "met"}',
        '{"verdict": "met",}',
        '{"verdict": "met", // as agreed\n}',
        '/* mine */ {"verdict": /* a word */ "met"}',
        "{“verdict”: “met”}",
        '{"verdict": "met", "sure": True, "why": None}',
        '\ufeff{"verdict": "met"}',
        '{"verdict": "met"}\n\n{"verdict": "met"}',  # the same object twice
        '{"verdict": "<think>a plan</think>met"}',
        '{"verdict": "m\\u0000e\\ud800t"}',
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
        '{"verdict": "met", "list": [1, 2,',
        '{"verdict": NaN}',
        '{"verdict": "met", /* never ends',
        '{"verdict": “never ends',
        "{'verdict': 'met'}",
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


def test_line_breaks_in_strings_and_quotes_in_typographic_strings_are_kept():
    assert parse_answer('{"verdict": "one\ntwo"}', Verdict).verdict == "one\ntwo"
    assert parse_answer('{“verdict”: “he said "no"”}', Verdict).verdict == 'he said "no"'


def test_strings_that_look_like_errors_are_kept():
    text = '{"verdict": "see https://example.org, /* True */ [1, 2,] “so”"}'

    assert parse_answer(text, Verdict).verdict == "see https://example.org, /* True */ [1, 2,] “so”"
