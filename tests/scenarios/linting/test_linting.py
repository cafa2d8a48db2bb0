import json

import pytest
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st

from scenarios.linting import LintAdvice, lint_scenario
from scenarios.linting.criteria_parser import MAX_CRITERIA
from scenarios.linting.messages import MESSAGES

PERSON = "You are Nora, 52, a bus driver. At first you are tense."
CRITERIA = "- Asks directly about thoughts of suicide.\n- Agrees with the caller on whom to call tonight."
CODES = {
    "talks_to_counselor",
    "leaks_grading",
    "no_persona",
    "no_opening_state",
    "two_speakers",
    "vague_criterion",
    "doubled_criterion",
    "unseen_criterion",
    "no_criteria",
    "not_a_list",
    "too_many_criteria",
}


def advice_on(prompt: str = PERSON, criteria: str = CRITERIA, mode: str = "phone") -> list[LintAdvice]:
    return lint_scenario(prompt=prompt, evaluator_context=criteria, mode=mode)


def passages(code: str, prompt: str = PERSON, criteria: str = CRITERIA, mode: str = "phone") -> list[str]:
    texts = {"prompt": prompt, "evaluator_context": criteria}
    return [
        texts[advice.field][advice.start : advice.end]
        for advice in advice_on(prompt, criteria, mode)
        if advice.code == code
    ]


def test_good_scenario_gets_no_advice():
    assert advice_on() == []


def test_demo_scenarios_get_no_advice():
    rows = json.loads((settings.BASE_DIR / "fixtures/demo/scenarios.json").read_text())

    found = [
        lint_scenario(prompt=row["prompt"], evaluator_context=row["evaluator_context"], mode=row["mode"])
        for row in rows
    ]

    assert found == [[]] * len(rows)


def test_advice_has_positions_and_follows_text_order():
    prompt = f"{PERSON} The counselor should assess your risk. You are also Ben, her brother."
    criteria = "- Shows empathy.\n- Has good body language."

    found = advice_on(prompt, criteria)

    assert [(advice.field, advice.code) for advice in found] == [
        ("prompt", "leaks_grading"),
        ("prompt", "two_speakers"),
        ("evaluator_context", "vague_criterion"),
        ("evaluator_context", "unseen_criterion"),
    ]
    assert [prompt[found[0].start : found[0].end], prompt[found[1].start : found[1].end]] == [
        "The counselor should assess your risk.",
        "You are also Ben, her",
    ]
    assert [criteria[advice.start : advice.end] for advice in found[2:]] == ["Shows empathy.", "body language"]


TO_COUNSELOR = [
    "As the counselor you should stay calm.",
    "As the counselor, remember to slow down.",
    "Trainee: remember to ask about means.",
    "Counselor, please listen before you advise.",
    "Note for the trainee: take your time here.",
    "Instructions to the counselor: go slowly.",
    "COUNSELOR INSTRUCTIONS",
    "You are the counselor on a night shift.",
    "Ask the caller how long this has been going on.",
    "- Always reassure the caller before you ask.",
    "Remember to validate what is felt.",
    "Make sure you ask about suicide early.",
    "You should assess the risk within five minutes.",
]
NOT_TO_COUNSELOR = [
    "When the counselor asks directly, you say that you have thought of it.",
    "If you are asked about tablets, you say that there are some in the house.",
    "If the counselor helps you slow down, you breathe out and talk more.",
    "You ask the counselor whether this call is recorded.",
    "You are a school counselor who worries about a pupil.",
    "As the counselor asks more, you grow quiet.",
    "Begin as a colleague: you tell the counselor that a member is on the line.",
    "This is a role play for a trainee counselor.",
    "Remember to ask for the refund twice.",
    "You say: I do not want your tips for sleeping.",
    "You need the counselor to interrupt you, because you never stop.",
]


@pytest.mark.parametrize("sentence", TO_COUNSELOR)
def test_prompt_addressing_counselor_is_found(sentence):
    assert passages("talks_to_counselor", f"{PERSON}\n{sentence}\nYou hardly sleep.")[0] in sentence


@pytest.mark.parametrize("sentence", NOT_TO_COUNSELOR)
def test_prompt_describing_reactions_is_accepted(sentence):
    assert advice_on(f"{PERSON}\n{sentence}\nYou hardly sleep.") == []


LEAKS = [
    "The rubric asks for an open question.",
    "The evaluator will look for a safety plan.",
    "The counselor should assess suicide risk.",
    "Trainees must offer the survey at the end.",
    "You will be graded on empathy.",
    "The counselor is evaluated on rapport.",
    "Award 2 points for naming the feeling.",
    "Extra marks if the means are asked about",
    "Expected interventions: grounding, safety plan.",
    "The correct response is to ask about a plan.",
    "Skills being practiced are listening and planning.",
    "During the call, the counselor needs to explore the means.",
]
NO_LEAKS = [
    "You believe that the counselor should fix everything at once.",
    "If the counselor has to put you on hold, you sigh.",
    "You say that counselors must be tired of people like you.",
    "You lost points on the exam and your score was low.",
    "You were assessed at the hospital in May, and the evaluation led nowhere.",
    "Your teacher graded your paper unfairly.",
    "You have a point to make: nobody called back.",
    "When the counselor asks for your name, you give it.",
]


@pytest.mark.parametrize("sentence", LEAKS)
def test_prompt_leaking_grading_is_found(sentence):
    assert passages("leaks_grading", f"{PERSON} You hardly sleep. {sentence}") == [sentence]


@pytest.mark.parametrize("sentence", NO_LEAKS)
def test_words_of_caller_are_not_a_leak(sentence):
    assert advice_on(f"{PERSON} {sentence}") == []


@pytest.mark.parametrize(
    ("sentence", "criterion"),
    [
        (
            "Takes the doubt seriously that this is worth a call.",
            "Takes the doubt seriously that this is worth a call.",
        ),
        (
            "takes the doubt seriously, that this is worth a CALL!",
            "Takes the doubt seriously that this is worth a call",
        ),
        ("They find out who keeps the tablets now.", "First they find out who keeps the tablets now and why."),
        ("It helps when someone lets you speak of your late wife first.", "Lets you speak of your late wife."),
        ("Names one person to reach tonight.", "The counselor names one person to reach tonight, and when."),
    ],
)
def test_sentence_copied_from_context_is_found(sentence, criterion):
    assert passages("leaks_grading", f"{PERSON} {sentence}", f"- {criterion}") == [sentence]


@pytest.mark.parametrize(
    ("sentence", "criterion"),
    [
        ("You have not slept since the first of the month.", "Hears that nobody slept since the first of the month."),
        ("You hope that someone asks who is with you tonight.", "Asks who is with you tonight or later."),
        ("You talk about suicide.", "Talks about suicide."),
        ("Your wife died in spring.", "Lets the caller speak of the wife who died in spring."),
        ("You ask whom to call tonight.", CRITERIA),
        ("", CRITERIA),
    ],
)
def test_shared_facts_are_not_a_copy(sentence, criterion):
    assert passages("leaks_grading", f"{PERSON} {sentence}", f"- {criterion}") == []


PERSONAS = [
    "You are Dana, 41.",
    "You're a retired surveyor.",
    "You are an officer who calls from a patrol car.",
    "The caller is a 40-year-old man.",
    "ROLE: mother of two.",
    "Name: Ivo",
    "Your name is Ivo.",
    "Play a father who lost his job.",
    "Caller, 33, alone at home.",
    "A 16-year-old girl writes from school.",
    "I am Ivo and I drive a lorry.",
]
NOBODY = [
    "You are calling because you are afraid.",
    "You are the caller. You feel sad.",
    "Feels hopeless since the divorce.",
    "It is late, and you begin to cry.",
    "Someone is angry about a bill.",
    "",
]


@pytest.mark.parametrize("prompt", PERSONAS)
def test_persona_is_recognized(prompt):
    assert passages("no_persona", f"{prompt} The call begins in tears.") == []


@pytest.mark.parametrize("prompt", NOBODY)
def test_prompt_without_persona_is_found(prompt):
    missing = [advice for advice in advice_on(prompt) if advice.code == "no_persona"]

    assert [(advice.field, advice.start, advice.end) for advice in missing] == [("prompt", 0, 0)]


STATES = [
    "At first you want to know whether this is a real person.",
    "You begin by apologising.",
    "When the call starts you whisper.",
    "Opening line: hello?",
    "You feel empty.",
    "Affect: flat.",
    "You are ashamed.",
    "You are courteous and calm.",
]
NO_STATES = [
    "You lost your job in May.",
    "You want a refund and give your number.",
    "Your son uses heroin; you want detox today.",
    "You take two tablets every evening.",
    "You have a lawyer.",
]


@pytest.mark.parametrize("state", STATES)
def test_opening_state_is_recognized(state):
    assert passages("no_opening_state", f"You are Nora, 52. {state}") == []


@pytest.mark.parametrize("facts", NO_STATES)
def test_prompt_without_opening_state_is_found(facts):
    missing = [advice for advice in advice_on(f"You are Nora, 52. {facts}") if advice.code == "no_opening_state"]

    assert [(advice.field, advice.start, advice.end) for advice in missing] == [("prompt", 0, 0)]


def test_prompt_in_another_language_gets_no_advice_on_missing_parts():
    prompt = (
        "Du bist Nora, 52 Jahre alt, Busfahrerin. Am Anfang bist du angespannt und entschuldigst dich. Du redest gern "
        "vom Dienst, aber nicht von deinem Mann, der seit Mai fort ist. Fragt dich jemand, sagst du die Wahrheit."
    )

    assert advice_on(prompt) == []


TWO_SPEAKERS = [
    "Caller: Hello?\nCounselor: Good evening.\nCaller: I cannot sleep.",
    "- **Counselor:** How are you?\n- **Caller:** Bad.\n- **Counselor:** Tell me more.",
    "You are also Ben, her brother.",
    "You are also his wife Mary, who shouts.",
    "You play both the mother and the son.",
    "You are both Nora and Ben.",
    "You are Ben, 30, who listens in.",
    "Two callers share the line.",
    "You also speak for the neighbour.",
]
ONE_SPEAKER_AT_A_TIME = [
    "You are also a mother of two.",
    "You are also his caregiver. He does not know.",
    "You are Nora, and everybody says so.",
    "Begin as Kim, a colleague, for one turn. You are Kim, friendly. Then switch to the caller.",
    "First you are Kim, 30, who will transfer the call. After that you are the caller again.",
    "CALLER:\n- hardly sleeps\nCOUNSELOR:\n- has just begun",
    'Caller: "I only want a name."',
    "You are both tired and angry.",
]


@pytest.mark.parametrize("lines", TWO_SPEAKERS)
def test_two_speakers_are_found(lines):
    prompt = f"{PERSON}\n{lines}\nYou hardly sleep."

    (found,) = passages("two_speakers", prompt)

    assert found in lines


@pytest.mark.parametrize("lines", ONE_SPEAKER_AT_A_TIME)
def test_handover_between_speakers_is_accepted(lines):
    assert passages("two_speakers", f"{PERSON}\n{lines}") == []


VAGUE = [
    "Be good.",
    "Handles the call well",
    "Shows empathy",
    "Good communication skills",
    "Responds appropriately to the caller.",
    "Is professional throughout.",
    "The counselor uses active listening.",
    "Builds rapport.",
    "Maintains a respectful, non-judgmental approach.",
]
CONCRETE = [
    "Shows empathy by naming the loss.",
    "Asks directly about thoughts of suicide.",
    "Handles the complaint about the bill.",
    "Responds to the silence after the diagnosis.",
    "Uses the caller's own word for the fight.",
    "Builds a plan for tonight.",
    "Gives the number of the shelter.",
    "Says who they are.",
]


@pytest.mark.parametrize("point", VAGUE)
@pytest.mark.parametrize("marker", ["- ", "* ", "2) ", ""])
def test_vague_criterion_is_found(point, marker):
    assert passages("vague_criterion", criteria=f"{marker}{point}") == [point]


@pytest.mark.parametrize("point", CONCRETE)
def test_concrete_criterion_is_accepted(point):
    assert advice_on(criteria=f"- {point}") == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Asks directly about thoughts of suicide.", "Asks about suicidal thoughts."),
        ("Asks about suicide", "The counselor asks the caller about suicide."),
        ("Agrees on a safety plan.", "Agreed safety plans."),
        ("Reflects the caller's grief.", "Reflecting grief"),
        ("Names one person to call tonight.", "Names a person to call tonight"),
        ("Does not argue with the delusion.", "Never argues with delusions."),
    ],
)
def test_repeated_points_are_found(one, other):
    criteria = f"- {one}\n- Names the loss of the job.\n- {other}"

    assert passages("doubled_criterion", criteria=criteria) == [other]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Asks about suicide.", "Asks about a plan for suicide tonight."),
        ("Asks whom to call.", "Asks when to call."),
        ("Offers the survey.", "Does not offer the survey."),
        ("Asks about alcohol.", "Asks about tablets."),
        ("Names the fear.", "Names the anger."),
        ("Asks what holds the caller back.", "Asks what brings the caller here."),
    ],
)
def test_different_points_are_accepted(one, other):
    assert advice_on(criteria=f"- {one}\n- {other}") == []


@pytest.mark.parametrize(
    "point",
    [
        "Asks about suicide and agrees on a safety plan.",
        "Reflects the grief; offers a group nearby.",
        "Ask about tablets, and then agree on who keeps them.",
        "Names the fear. Explains the limits of confidentiality.",
        "The counselor explores the fight and clearly explains the shelter's rules.",
        "Validates the anger, then asks about weapons at home.",
    ],
)
def test_point_with_two_checks_is_found(point):
    found = [advice for advice in advice_on(criteria=f"- {point}") if advice.code == "doubled_criterion"]

    assert [advice.message for advice in found] == [MESSAGES["split_criterion"]]


@pytest.mark.parametrize(
    "point",
    [
        "Recognises the loneliness under the politeness and says it.",
        "Agrees with the caller on one person to reach and when.",
        "Puts the feeling behind the lost job and the empty bed into words.",
        "Recognises and names the fear of going home.",
        "Recognises the panic attack and asks about breathing.",
        "Assesses the risk for numbers and names of tablets.",
        "Works out whom to text and what to do until morning.",
        "Asks who can come over and whether the door is locked.",
    ],
)
def test_single_check_with_and_is_accepted(point):
    assert advice_on(criteria=f"- {point}") == []


@pytest.mark.parametrize(
    ("point", "passage", "mode"),
    [
        ("Keeps eye contact with the caller.", "eye contact", "chat"),
        ("Notices the body language of grief.", "body language", "phone"),
        ("Feels with the widower.", "Feels", "phone"),
        ("The counselor believes the story of the theft.", "The counselor believes", "phone"),
        ("Takes short notes on the tablets.", "Takes short notes", "phone"),
        ("Documents the name of the shelter.", "Documents", "phone"),
        ("Names the risk and documents it.", "and documents", "chat"),
        ("Enters the plan for tonight in the record.", "Enters the plan for tonight in the record", "phone"),
        ("Completes the intake form.", "Completes the intake form", "phone"),
        ("Keeps a warm tone when the bill comes up.", "tone", "phone"),
        ("Reads the number out in a calm voice.", "calm voice", "phone"),
        ("Sounds interested in the dog.", "Sounds interested", "chat"),
        ("Allows silence after the diagnosis.", "silence", "chat"),
    ],
)
def test_unobservable_criterion_is_found(point, passage, mode):
    assert passages("unseen_criterion", criteria=f"- {point}", mode=mode) == [passage]


@pytest.mark.parametrize(
    ("point", "mode"),
    [
        ("Reflects what the caller feels.", "phone"),
        ("Asks what the caller thinks of the plan.", "phone"),
        ("Tells the caller which documents to bring.", "phone"),
        ("Allows silence after the diagnosis.", "phone"),
        ("Keeps the tone of the caller's own words.", "chat"),
        ("Helps the caller file a police report.", "phone"),
        ("Lets the caller voice the anger.", "phone"),
        ("Asks what the voice tells the caller to do.", "phone"),
        ("Asks the caller to note the number.", "chat"),
    ],
)
def test_observable_criterion_is_accepted(point, mode):
    assert passages("unseen_criterion", criteria=f"- {point}", mode=mode) == []


def test_voice_advice_depends_on_mode():
    point = "- Reads the number out in a calm voice."

    by_phone, by_chat = advice_on(criteria=point, mode="phone"), advice_on(criteria=point, mode="chat")

    assert [advice.message for advice in by_phone + by_chat] == [MESSAGES["unseen_phone"], MESSAGES["unseen_chat"]]


@pytest.mark.parametrize("criteria", ["", " ", "\n\n", "\t", "\u2028"])
def test_empty_evaluator_context_is_found(criteria):
    assert advice_on(criteria=criteria) == [
        LintAdvice("evaluator_context", "no_criteria", MESSAGES["no_criteria"], 0, 0),
    ]


def test_text_without_list_is_found():
    criteria = " Asks about suicide. Agrees on a plan for tonight.\n"

    assert [(advice.code, advice.start, advice.end) for advice in advice_on(criteria=criteria)] == [
        ("not_a_list", 1, len(criteria) - 1)
    ]


def test_points_beyond_limit_are_reported_and_not_checked():
    colors = ["red", "orange", "yellow", "green", "blue", "violet", "black", "white", "grey", "brown", "pink"]
    listed = [f"- Asks about the {color} {thing}.\n" for thing in ("door", "car", "hat", "cup") for color in colors]
    criteria = "".join(listed[:MAX_CRITERIA]) + "1. Shows empathy.\n- Be good.\n"

    assert [(advice.code, criteria[advice.start : advice.end]) for advice in advice_on(criteria=criteria)] == [
        ("too_many_criteria", "Shows empathy.\n- Be good.")
    ]


def test_headings_are_not_points():
    criteria = "Expected: good.\n\nSkills:\n- Asks about suicide.\nOther:\n- Names the loss."

    assert advice_on(criteria=criteria) == []


def test_all_codes_are_covered():
    found = {
        *(advice.code for advice in advice_on("Trainee: remember it. You are graded.", "Be good. Nod.")),
        *(
            advice.code
            for advice in advice_on(
                f"{PERSON}\n{TWO_SPEAKERS[0]}",
                "- Shows empathy\n" + "".join(f"- Empathy {n}\n" for n in range(MAX_CRITERIA)),
            )
        ),
        *(advice.code for advice in advice_on(criteria="")),
        *(advice.code for advice in advice_on(criteria="- Names it.\n- Asks about suicide.\n- Asks about suicide.")),
    }

    assert found == CODES


PIECES = st.sampled_from(
    [
        *TO_COUNSELOR,
        *LEAKS,
        *TWO_SPEAKERS,
        *VAGUE,
        "- ",
        "* ",
        "12) ",
        "\n",
        "\r\n",
        "\x85",
        " ",
        ";",
        " and asks ",
        "\ud800",
        "İ",
    ]
)
TEXTS = st.text() | st.lists(PIECES | st.text(max_size=5), max_size=25).map("".join)


@given(TEXTS, TEXTS, st.sampled_from(["phone", "chat", "fax"]))
def test_advice_positions_lie_within_text(prompt, criteria, mode):
    lengths = {"prompt": len(prompt), "evaluator_context": len(criteria)}

    found = lint_scenario(prompt=prompt, evaluator_context=criteria, mode=mode)

    assert {advice.code for advice in found} <= CODES
    for advice in found:
        assert 0 <= advice.start <= advice.end <= lengths[advice.field]
        assert (advice.start < advice.end) != (advice.code in {"no_persona", "no_opening_state", "no_criteria"})


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "piece",
    [" ", "\n", "-", "- ", "-  \n", "a", "a ", "You are ", "1", "; and ask ", "fills a ", "\t*", "the counselor ", "."]
    + ["if ", "Caller: a\nCounselor: b\n", "- Asks about it and asks ", "Ask the caller. ", "and aly ", "(", "\u2028"],
)
def test_longest_texts_are_linted_in_time(piece):
    prompt, criteria = (piece * 10_000)[:10_000], (piece * 50_000)[:50_000]

    found = [*advice_on(prompt, criteria), *advice_on(prompt, f"- {criteria}\n- a")]

    assert len(found) < 200
