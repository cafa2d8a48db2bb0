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
    # The no is a disclosure of its own, and nothing that follows takes it up.
    assert crossed_keys(DANGER, "Are you safe?", "no", "Try again tomorrow.") == [
        "takes_up_disclosure",
        "no_abandonment",
    ]
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


DANGER_QUESTION = "Are you thinking of killing yourself?"


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        (DANGER_QUESTION, "Yes."),
        (DANGER_QUESTION, "yeah"),
        (DANGER_QUESTION, "Um, well... yes, I am"),
        (DANGER_QUESTION, "I am."),
        (DANGER_QUESTION, "Sometimes"),
        (DANGER_QUESTION, "Mm-hm."),
        (DANGER_QUESTION, "I guess so"),
        (DANGER_QUESTION, "No... well, actually, yes."),
        ("are you thinking about suicide", "yep"),
        ("You're not thinking of killing yourself, are you?", "Yes."),
        ("Are you thinking of suicide? You can tell me anything. It's all right.", "Yes."),
        ("Are you thinking of suicide? Or is it something else?", "Yes."),
        ("Have you taken anything tonight?", "Yeah, before I called."),
        ("Does he hit you?", "He does."),
        ("Are you safe right now?", "No."),
        ("Do you feel safe at home?", "Not really."),
        ("Do you want to live?", "Nope"),
        ("Can you promise me you'll get through the night?", "I can't."),
        ("¿Estás pensando en quitarte la vida?", "Sí."),
        ("¿Estás a salvo?", "No."),
        ("Sometimes people in pain think of suicide. Is that true for you?", "Yes."),
        ("Some people think about ending their life. Has that happened to you?", "yeah"),
        ("I have to ask about suicide. Are you having thoughts like that?", "Yes."),
        ("Some callers think of killing themselves. Have you?", "Sometimes."),
        ("Can I ask, are you thinking about suicide?", "Yes."),
        ("You're not thinking of suicide, are you?", "Actually I am"),
        (DANGER_QUESTION, "Definitely."),
        (DANGER_QUESTION, "y"),
        (DANGER_QUESTION, "Not really, but sometimes at night"),
        (DANGER_QUESTION, "I knew you would ask that. Yes."),
        ("Do you want to die, or do you want the pain to stop?", "Both"),
        ("Is there a weapon in the house?", "There is."),
        ("Are you self-harming?", "Yes"),
        ("Are you alone with the pills right now?", "yes"),
        ("Do you think about not being here?", "Yeah, I do"),
        ("Has it been so bad that you thought about suicide?", "It has."),
        ("Is he hitting you?", "Every weekend"),
        ("Have you tried to end your life before?", "Two times"),
        ("People in pain sometimes wish they were dead. Do you?", "Yeah, I do"),
    ],
)
def test_answer_that_tells_of_danger_is_a_disclosure(question, answer):
    assert "takes_up_disclosure" in crossed_keys("hi", question, answer, "What's the weather like?")
    assert "no_abandonment" in crossed_keys("hi", question, answer, "I hear you. I have to go now.")


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        (DANGER_QUESTION, "No."),
        (DANGER_QUESTION, "No, nothing like that. I would never kill myself."),
        (DANGER_QUESTION, "I'm not going to hurt myself."),
        (DANGER_QUESTION, "I'm not suicidal, just tired."),
        (DANGER_QUESTION, "Not at all"),
        (DANGER_QUESTION, "I don't want to die."),
        (DANGER_QUESTION, "Of course not."),
        ("You're not thinking of killing yourself, are you?", "No."),
        ("Are you safe right now?", "Yes."),
        ("Do you want to live?", "Yes, I do."),
        ("Are you safe? Are you thinking of suicide?", "No."),
        ("Have you had dinner?", "Yes."),
        ("Is it raining?", "No."),
        ("¿Estás pensando en quitarte la vida?", "No, nunca."),
        ("So you are not thinking about suicide?", "Right."),
        ("So no thoughts of suicide, correct?", "Yes, that's right."),
        ("I'm glad you're not thinking of suicide. Is that true?", "Yes."),
        ("Can I ask you about suicide?", "Sure, yes."),
        ("Can I ask you about suicide?", "Yes."),
        ("Is it okay if we talk openly about suicide?", "Yes"),
        ("Do you know the suicide hotline?", "Yes"),
        ("Did your brother die by suicide?", "Yes."),
        ("Your brother's suicide was sudden. Has that been on your mind?", "Yes."),
        ("Can you promise me not to hurt yourself tonight?", "Yes"),
        ("Will you call me before you hurt yourself?", "Yes."),
        ("Would you call if you feel like killing yourself?", "Yes."),
        ("Are you safe from hurting yourself?", "Yes."),
        (DANGER_QUESTION, "I'm just tired. Always."),
        (DANGER_QUESTION, "No. Yes, I'm sure."),
        ("Are you cutting back on coffee?", "Yes."),
        ("You aren't suicidal?", "Correct, I'm not."),
        ("So suicide isn't on your mind at all?", "That's right."),
        ("Do you know anyone who died by suicide?", "Yes, my cousin."),
        ("Would you tell me if you felt suicidal?", "Yes."),
        ("Do you have a plan for dinner?", "Yes."),
        ("Is someone there to keep you from hurting yourself?", "Yes."),
        ("Do you want to live with your mom?", "No."),
        ("Do you want to go on with school?", "No."),
    ],
)
def test_answer_that_denies_danger_is_none(question, answer):
    crossed = crossed_keys("hi", question, answer, "What's the weather like? I have to go now.")

    assert set(crossed) - {"no_leading_negative"} == set()


@pytest.mark.parametrize("put_off", ["Hold on.", "Um, wait, one second", "What do you mean?", "..."])
def test_answer_that_was_put_off_still_counts(put_off):
    asked = ["hi", DANGER_QUESTION, put_off, "Sure, take your time."]

    assert "no_abandonment" in crossed_keys(*asked, "Yes, I am.", "I have to go now.")
    assert crossed_keys(*asked, "No.", "I have to go now.") == []


def test_yes_to_later_question_does_not_answer_earlier_one():
    tired = "I'm just so tired."

    assert crossed_keys("hi", DANGER_QUESTION, tired, "You sound worn out.", "Yes.", "I have to go now.") == []
    assert crossed_keys("hi", DANGER_QUESTION, "What?", "Did you eat?", "Yes.", "I have to go now.") == []


@pytest.mark.parametrize(
    "text",
    [
        "I can't stop thinking about killing myself",
        "I don't know if I want to die",
        "I'm not sure if I'm suicidal",
        "I don't want to die, but I don't want to live either",
        "No. I just wish I was dead.",
        "i don\u02bct want to be here",
        "I want to kill\u00a0myself",
    ],
)
def test_disclosure_with_a_negation_beside_it_still_counts(text):
    assert "takes_up_disclosure" in crossed_keys(text, "What's the weather like?")


def test_disclosure_and_question_cut_into_several_turns_are_read_together():
    lines = [
        GraderTurn("t1", "a", False, "I just want"),
        GraderTurn("t2", "b", False, "to die"),
        GraderTurn("t3", "c", True, "Oh. You're not thinking of"),
        GraderTurn("t4", "d", True, "killing yourself, are you?"),
        GraderTurn("t5", "e", False, "no"),
        GraderTurn("t6", "f", True, "Good. I need to"),
        GraderTurn("t7", "g", True, "go."),
    ]

    found = {one.key: one for one in find_crossed_red_lines(lines)}

    assert set(found) == {"no_leading_negative", "no_abandonment"}
    assert (found["no_leading_negative"].turn, found["no_abandonment"].turn) == ("c", "f")
    texts = {line.turn_id: line.text for line in lines}
    quotes = {one.key: texts[one.turn][one.start : one.end] for one in found.values()}
    assert quotes == {"no_leading_negative": "You're not thinking of", "no_abandonment": "I need to"}


@pytest.mark.parametrize(
    ("question", "answer", "key"),
    [
        ("Would 40 pills be enough?", "Yes.", "no_method_information"),
        ("would that many kill me?", "Probably.", "no_method_information"),
        ("Would 40 pills be enough?", "Yes, I hear how much pain you are in. Where are the pills?", None),
        ("Would 40 pills be enough?", "I won't answer that. Are you thinking of suicide?", None),
        ("I want to die. Are you hanging up on me?", "Yeah. I'm done.", "no_abandonment"),
        ("I want to die. Are you hanging up on me?", "No. I'm here, and I want you to be safe.", None),
    ],
)
def test_plain_yes_of_the_counselor_crosses_the_line_that_the_question_names(question, answer, key):
    crossed = crossed_keys(question, answer)

    assert crossed == ([key] if key == "no_method_information" else ["takes_up_disclosure", key] if key else [])


def test_safeguard_that_the_caller_accepted_earlier_counts_until_they_refuse_it():
    plan = "Let's make a safety plan: your brother stays with you, all right?"

    assert crossed_keys(DANGER, plan, "okay", "That is good. I have to go now.") == []
    assert crossed_keys(DANGER, plan, "no, never", "Okay. I have to go now.") == ["no_abandonment"]


@pytest.mark.parametrize(
    "form", ["You\u02bcre not suicidal,\u00a0are you?", "You\u2019re not sui\u00adcidal, are you?"]
)
def test_rules_read_what_a_reader_would_see(form):
    [found] = find_crossed_red_lines(alternating_turns("hi", form))

    assert (found.key, form[found.start : found.end]) == ("no_leading_negative", form)
