from pathlib import Path

import pytest

from standins.openai.demo.caller_replies import SIMULATED_TRANSCRIPT_PREFIX, DialogueTurn, next_line, quoted_line
from standins.openai.demo.callers import ALL_CALLERS, DANA, JULES, WALTER, choose_caller

WARM_UP_PROMPT = Path(__file__).parents[3] / "training/prompts/warm_up.v1.txt"

OPENING = DialogueTurn("caller", WALTER.opening[0])


def caller_answers(*counselor, start=OPENING):
    """Return the caller's answers to these turns, one after the other."""
    turns, answers = [start], []
    for text in counselor:
        turns.append(DialogueTurn("counselor", text))
        answers.append(next_line("", turns, mode="phone"))
        turns.append(DialogueTurn("caller", answers[-1]))
    return answers


@pytest.mark.parametrize(
    ("text", "group"),
    [
        ("Hello, this is Sam.", WALTER.greeted),
        ("What has been going on?", WALTER.story),
        ("Are you thinking about killing yourself?", WALTER.asked_about_suicide),
        ("It sounds like you miss her.", WALTER.validated),
        ("You should join a club.", WALTER.lectured),
        ("", WALTER.silence),
        ("\u2026", WALTER.silence),
        ("Goodbye, take care.", WALTER.goodbye),
        ("Could you make it harder?", WALTER.guarded),
        (f"{SIMULATED_TRANSCRIPT_PREFIX}: 2.4 s of speech]", WALTER.story),
    ],
)
def test_next_line_reacts_to_the_counselors_text(text, group):
    assert caller_answers(text) == [group[0]]


def test_next_line_continues_the_story_in_order():
    assert caller_answers("What then?", "And then?", "Tell me more.") == list(WALTER.story[:3])


def test_next_line_never_repeats_the_previous_line():
    answers = caller_answers(*["What then?"] * 40, *["You should sleep."] * 10)

    assert all(first != second for first, second in zip(answers, answers[1:], strict=False))


def test_next_line_after_a_restart_request_is_the_other_opening():
    answers = caller_answers("What then?", "Please start again.", "What happened?")

    assert answers == [WALTER.story[0], WALTER.opening[1], WALTER.story[0]]


def test_caller_stays_guarded_after_a_request_to_be_harder():
    answers = caller_answers("Make it harder, please.", "What happened?", "I hear you.")

    assert answers == [WALTER.guarded[0], WALTER.story[0], WALTER.guarded[1]]


def test_choose_caller_recognizes_a_truncated_line():
    assert choose_caller("anything", ["I lost my job on the first, and"]) is DANA


def test_choose_caller_follows_the_mode_in_the_instructions():
    assert choose_caller("This is a chat.", []) is JULES
    assert choose_caller("This is a phone call.", []).mode == "phone"


def test_scripted_lines_are_short_and_unique():
    lines = [line for caller in ALL_CALLERS for line in caller.lines]

    assert len(set(lines)) == len(lines)
    assert max(map(len, lines)) < 110


def test_quoted_line_is_the_text_between_double_guillemets():
    assert quoted_line("Say ««Hello there.»» and no more.") == "Hello there."
    assert quoted_line("Say «Hello».") is None


def test_warm_up_instructions_choose_the_friendly_caller():
    assert choose_caller(WARM_UP_PROMPT.read_text(), [], "phone").name == "theo"
