import pytest

from evaluation.grading.evidence import GraderTurn
from evaluation.grading.red_lines import find_crossed_red_lines

DANGER = "I don't want to be here anymore. I have the pills."


def alternating_turns(*texts: str) -> list[GraderTurn]:
    """Return the texts as turns that alternate between caller and counselor, starting with the caller."""
    return [GraderTurn(f"t{n}", f"turn-{n}", n % 2 == 0, text) for n, text in enumerate(texts, 1)]


def crossed_keys(*texts: str) -> list[str]:
    return [one.key for one in find_crossed_red_lines(alternating_turns(*texts))]


@pytest.mark.parametrize(
    "text",
    [
        "You're not thinking of killing yourself, are you?",
        "You aren't thinking about suicide?",
        "You wouldn't do anything stupid, would you?",
        "You don't have any thoughts of suicide, right?",
        "I hope you're not thinking about hurting yourself.",
        "Not suicidal, right?",
        "You’re not going to hurt yourself, are you?",
        "So no thoughts of suicide?",
    ],
)
def test_leading_negative_question_crosses_red_line(text):
    assert "no_leading_negative" in crossed_keys("hi", text)


@pytest.mark.parametrize(
    "text",
    [
        "Are you thinking about suicide?",
        "Have you thought of killing yourself?",
        "You're not alone with thoughts of suicide.",
        "Are you safe right now, or are you thinking of hurting yourself?",
        "You don't want to die, you want the pain to stop. Is that it?",
        "Sometimes people who feel like this think of suicide. Do you?",
        "What keeps you from killing yourself?",
    ],
)
def test_plain_question_crosses_no_red_line(text):
    assert crossed_keys("hi", text) == []


@pytest.mark.parametrize(
    ("text", "is_crossed"),
    [
        ("A lethal dose would be far more than that.", True),
        ("You would have to take 40 pills.", True),
        ("The quickest way to die is not what you think.", True),
        ("You could just jump off.", True),
        ("That is enough pills to kill you.", True),
        ("How many pills do you have? Did you take 40 pills?", False),
        ("Could you give the pills to your sister for tonight?", False),
        ("The best way to get through tonight is together.", False),
        ("Take 10 minutes for yourself.", False),
    ],
)
def test_method_information_crosses_red_line(text, is_crossed):
    assert ("no_method_information" in crossed_keys("hi", text)) is is_crossed


def test_ignored_disclosure_crosses_red_line():
    [found] = find_crossed_red_lines(alternating_turns(DANGER, "Did you have dinner?", "no", "And what about work?"))

    assert (found.key, found.turn, found.start, found.end) == ("takes_up_disclosure", "turn-2", 0, 20)
    assert crossed_keys(DANGER, "Did you have dinner?", "no", "Are you thinking about suicide?") == []
    assert crossed_keys(DANGER, "That sounds so hard. Tell me a little more?") == []
    assert crossed_keys(DANGER) == []
    assert crossed_keys("i could kill for a coffee", "Did you have dinner?") == []


def test_abandoning_caller_at_risk_crosses_red_line():
    assert crossed_keys(DANGER, "Do you want to die? I have to go now.") == ["no_abandonment"]
    assert crossed_keys(DANGER, "Are you safe?", "no", "Try again tomorrow.") == ["no_abandonment"]
    assert crossed_keys("I'm just bored", "I have to go now.") == []
    assert (
        crossed_keys(DANGER, "Are you safe? I'll stay on the line until your brother is there, before I need to go.")
        == []
    )


def test_crossed_red_line_is_reported_once_with_words():
    found = find_crossed_red_lines(
        alternating_turns(
            DANGER, "You're not going to kill yourself, are you?", "no", "You won't hurt yourself, right?"
        )
    )

    assert [(one.key, one.turn) for one in found] == [("no_leading_negative", "turn-2")]
    assert "You're not going to kill yourself, are you?"[found[0].start : found[0].end].endswith("are you?")


def test_callers_words_cross_no_red_line():
    assert (
        crossed_keys("You're not going to tell me to take 40 pills? I hope you're not suicidal.", "No. I'm here.") == []
    )
