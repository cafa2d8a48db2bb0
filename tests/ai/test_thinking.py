"""Removal of thinking from whole texts and from every split of a stream."""

import pytest

from ai.thinking import ThinkingSieve, remove_closed_blocks, remove_thinking

CHANNEL = "<|channel|>"
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
    ("< think >a plan< /think >hello", "hello"),
    ('<think type="deep">a plan</think>hello', "hello"),
    ("<think/>hello", "hello"),
    ("<seed:think>a plan</seed:think>hello", "hello"),
    ("<reflection>a plan</reflection>hello", "hello"),
    ("&lt;think&gt;a plan&lt;/think&gt;hello", "hello"),
    ("<antThinking>a plan</antThinking>hello", "hello"),
    ("<inner_thoughts>a plan</inner_thoughts>hello", "hello"),
    ("<chain_of_thought>a plan</chain_of_thought>hello", "hello"),
    ("<reasoning_content>a plan</reasoning_content>hello", "hello"),
    ("<cot>a plan</cot>hello", "hello"),
    ("<deep_analysis>a plan</deep_analysis>hello", "hello"),
    ("<|thinking|>a plan<|/thinking|>hello", "hello"),
    ("<unused94>a plan<unused95>hello", "hello"),
    ("<｜begin▁of▁thinking｜>a plan<｜end▁of▁thinking｜>hello<｜end▁of▁sentence｜>", "hello"),
    ("<b>bold</b> <unused1> <cotton>", "<b>bold</b> <unused1> <cotton>"),
    ("[THINK]a plan[/THINK]hello", "hello"),
    ("◁think▷a plan◁/think▷hello", "hello"),
    ("<|begin_of_thought|>a plan<|end_of_thought|><|begin_of_solution|>hello<|end_of_solution|>", "hello"),
    ("<|START_THINKING|>a plan<|END_THINKING|>hello", "hello"),
    (f"{CHANNEL}analysis<|message|>a plan<|end|><|start|>assistant{CHANNEL}final<|message|>hello<|return|>", "hello"),
    (f"{CHANNEL}commentary to=f<|message|>a plan<|end|><|start|>assistant{CHANNEL}final<|message|>hello", "hello"),
    (f"{CHANNEL}analysis<|message|>a plan that never ends", ""),
    ("analysisShe wants comfort.assistantfinalhello", "hello"),
    ("analysisShe never ends", ""),
    ("analysis of what", "analysis of what"),
    ("analysis", "analysis"),
    ("hello<|im_end|>", "hello"),
    ("you & me [today]", "you & me [today]"),
    ("a < b and c > d", "a < b and c > d"),
    ("5 <", "5 <"),
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
        ("no thinking today<|im_end|>", "no thinking today"),
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
    ("text", "kept"),
    [
        ("good <think>a plan</think>work", "good work"),
        ("they wrote <think> and went on", "they wrote <think> and went on"),
        ("they wrote </think> and went on", "they wrote </think> and went on"),
    ],
)
def test_only_closed_blocks_are_removed_from_quotes(text, kept):
    assert remove_closed_blocks(text) == kept
