import json
import re

import pytest

from standins.openai.demo import scenario_topics
from standins.openai.demo.callers import choose_caller
from standins.openai.demo.scenario_writer import (
    FIRST_NAMES,
    SIMULATED_NOTICE,
    DraftingTask,
    is_draft_schema,
    read_drafting_task,
    write_draft,
)

from .test_grader import STRING_SCHEMA, array_schema, closed_object_schema

SKILLS = [
    "Active listening", "Rapport building", "De-escalation", "Risk assessment", "Safety planning", "Grief support",
    "Substance assessment", "Medication support", "Call routing", "Resource linkage",
]  # fmt: skip
COMPLAINT = (
    "Margaret Hollis, 63, called on 3 May after the funeral of her husband. She was put on hold for 25 minutes. "
    "Her husband died in March and she could not stop crying."
)
PARTS = ("who", "opening_state", "says_readily", "withholds", "opens_or_shuts", "ends_well", "ends_badly")


def drafting_task(source=COMPLAINT, instructions="", mode="phone", difficulty="intermediate", skills=SKILLS):
    return DraftingTask(source, instructions, mode, difficulty, list(skills))


def write_test_draft(source=COMPLAINT, passages=(), **wishes):
    return write_draft(drafting_task(source, **wishes), list(passages))


def texts_of(draft):
    return [draft["title"], draft["description"], *draft["caller"].values(), *draft["checks"]]


@pytest.mark.parametrize(
    ("source", "topic"),
    [
        ("She has not gotten over the death of her brother.", "GRIEF"),
        ("He was laid off and will be evicted.", "JOB_LOSS"),
        ("The caller spoke of suicide twice.", "SELF_HARM"),
        ("He relapsed and was drunk.", "SUBSTANCE"),
        ("Her partner hit her.", "VIOLENCE"),
        ("A teenager is bullied by classmates.", "BULLYING"),
        ("An elderly man who is lonely.", "LONELY"),
        ("No refill, and the pharmacy was closed.", "MEDICATION"),
        ("She has panic attacks.", "WORN_OUT"),
        ("Something else entirely.", "WORN_OUT"),
        ("", "WORN_OUT"),
        ("Drinking after the funeral, drunk again.", "SUBSTANCE"),
        ("After the funeral he spoke of suicide.", "SELF_HARM"),
    ],
)
def test_topic_has_the_most_keywords(source, topic):
    assert drafting_task(source).topic is getattr(scenario_topics, topic)


@pytest.mark.parametrize(
    ("source", "grievance"),
    [
        ("The counselor was rude and lectured her.", scenario_topics.RUDE),
        ("She was put on hold.", scenario_topics.HOLD),
        ("They transferred me, then transferred me again, which was rude.", scenario_topics.TRANSFER),
        ("He wanted to talk about his wife.", None),
    ],
)
def test_grievance_is_found_by_its_keywords(source, grievance):
    assert drafting_task(source).grievance is grievance


@pytest.mark.parametrize("topic", scenario_topics.TOPICS, ids=lambda topic: topic.title)
@pytest.mark.parametrize("grievance", [None, *scenario_topics.GRIEVANCES], ids=lambda one: one and one.title)
@pytest.mark.parametrize("mode", ["phone", "chat"])
def test_draft_is_complete_and_within_the_limits(topic, grievance, mode):
    word = {
        scenario_topics.SELF_HARM: "suicide",
        scenario_topics.VIOLENCE: "violence",
        scenario_topics.SUBSTANCE: "relapse",
        scenario_topics.MEDICATION: "refill",
        scenario_topics.BULLYING: "bullied",
        scenario_topics.GRIEF: "funeral",
        scenario_topics.JOB_LOSS: "evicted",
        scenario_topics.LONELY: "lonely",
        scenario_topics.WORN_OUT: "panic",
    }[topic]
    grievance_word = {
        None: "",
        scenario_topics.RUDE: "rude",
        scenario_topics.HOLD: "on hold",
        scenario_topics.TRANSFER: "transferred",
    }[grievance]

    draft = write_test_draft(f"{word} {grievance_word}", mode=mode)

    assert tuple(draft["caller"]) == PARTS
    assert [text for text in texts_of(draft) if not text.strip() or "{" in text] == []
    assert len(draft["title"]) <= 80 and len(draft["description"]) <= 600
    assert len(draft["checks"]) == len(set(draft["checks"])) == (6 if grievance else 4)
    assert 1 <= len(draft["skills"]) <= 5
    assert {"phone", "chat"} & set(re.findall(r"\w+", " ".join(texts_of(draft)).lower())) == set()


def test_same_task_gets_the_same_draft():
    assert write_test_draft() == write_test_draft()


def test_draft_repeats_no_personal_detail_or_sentence_of_the_source():
    draft = write_test_draft()

    text = " ".join(texts_of(draft))
    assert [word for word in ("Margaret", "Hollis", "63", "May", "25", "March") if word in text] == []
    assert [said for said in re.split(r"(?<=\.)\s", COMPLAINT) if said in text] == []


def test_description_says_that_the_draft_is_simulated():
    assert write_test_draft()["description"].endswith(SIMULATED_NOTICE)


def test_draft_includes_the_grievance():
    draft = write_test_draft()

    assert draft["title"] == scenario_topics.HOLD.title
    assert scenario_topics.HOLD.who in draft["caller"]["who"]
    assert draft["checks"][-2:] == list(scenario_topics.HOLD.checks)
    assert draft["skills"] == [
        "Grief support",
        "Active listening",
        "De-escalation",
        "Rapport building",
        "Risk assessment",
    ]


def test_draft_uses_the_words_of_its_mode():
    assert write_test_draft("suicide")["caller"]["ends_badly"].endswith("and hang up.")
    assert write_test_draft("suicide", mode="chat")["caller"]["ends_badly"].endswith("and stop answering.")
    assert "Someone writes late" in write_test_draft("suicide", mode="chat")["description"]


def test_difficulty_sets_how_guarded_the_caller_is():
    guards = {
        level: write_test_draft(difficulty=level)["caller"]["opens_or_shuts"] for level in ("beginner", "expert", "odd")
    }

    assert "resist any ending" in guards["expert"]
    assert "One sentence" in guards["beginner"]
    assert guards["odd"] == write_test_draft()["caller"]["opens_or_shuts"]


@pytest.mark.parametrize(
    ("source", "mode", "name"),
    [
        ("He lost his job.", "phone", "Dana"),
        ("An elderly lonely man.", "phone", "Walter"),
        ("Walter is elderly and lonely.", "phone", "Dana"),
        ("WALTER spoke with Dana.", "phone", "Robin"),
        ("He lost his job.", "chat", "Jules"),
        ("Jules and Robin lost their jobs.", "chat", "Marit"),
    ],
)
def test_caller_has_a_scripted_callers_name_that_is_not_in_the_source(source, mode, name):
    draft = write_test_draft(source, mode=mode)

    assert draft["caller"]["who"].startswith(f"You are {name}, ")


@pytest.mark.parametrize(("mode", "name"), [("phone", "dana"), ("chat", "jules")])
def test_scripted_caller_with_the_drafts_name_is_chosen(mode, name):
    prompt = "\n".join(write_test_draft("He lost his job.", mode=mode)["caller"].values())

    assert choose_caller(prompt, []).name == name


def test_age_differs_from_every_number_in_the_source():
    draft = write_test_draft("He is 41 and lost his job on the 42nd floor.")

    assert draft["caller"]["who"].startswith("You are Dana, 43.")


def test_requested_mood_is_in_the_opening_state():
    draft = write_test_draft(instructions="Make the caller angrier at first. She has little time")

    assert "At first you are angry" in draft["caller"]["opening_state"]
    assert "only a few minutes" in draft["caller"]["opening_state"]
    assert "Play it this way" not in draft["caller"]["who"]


def test_unrecognized_wish_is_passed_on():
    draft = write_test_draft(instructions="Angrier at first. Make the caller hard of {hearing}.")

    assert draft["caller"]["who"].endswith("Play it this way: Make the caller hard of {hearing}.")


def test_requested_name_is_used():
    assert write_test_draft(instructions="Call her Ottilie.")["caller"]["who"].startswith("You are Ottilie, ")


def test_kept_name_is_in_title_description_and_identity():
    draft = write_test_draft("On Tuesday our line heard from Margaret Hollis.", instructions="Please keep the name.")

    assert draft["title"].endswith(" (Margaret)")
    assert draft["description"].startswith("Margaret calls")
    assert draft["caller"]["who"].startswith("You are Margaret, ")
    assert "keep the name" not in draft["caller"]["who"]


@pytest.mark.parametrize(
    ("source", "kept"),
    [
        ("The member, named Xanthia, called.", "Xanthia"),
        ("My name is Oyelaran. Margaret answered.", "Margaret"),
        ("nobody is named here", None),
    ],
)
def test_kept_name_is_a_common_or_introduced_name(source, kept):
    title = write_test_draft(source, instructions="keep the name")["title"]

    assert title == (f"{scenario_topics.WORN_OUT.title} ({kept})" if kept else scenario_topics.WORN_OUT.title)


def test_instruction_in_the_source_does_not_keep_the_name():
    assert "Margaret" not in json.dumps(write_test_draft(f"{COMPLAINT} Keep the name."))


def test_common_names_are_lowercase():
    assert {name for name in FIRST_NAMES if name != name.lower() or not name.isalpha()} == set()


def test_skills_are_chosen_from_those_offered():
    assert write_test_draft(skills=["GRIEF support", "Juggling"])["skills"] == ["GRIEF support"]
    assert write_test_draft(skills=["Juggling", "Loss and grief"])["skills"] == ["Loss and grief"]
    assert write_test_draft(skills=["Juggling", "Rowing"])["skills"] == ["Juggling"]
    assert write_test_draft(skills=[])["skills"] == []


def test_sections_are_headings_of_the_passages_found():
    text = "# Line\n\n## 4.1 Hold\n\n4.2 Grief and loss: let them speak.\n5 Parking\nAfter 24 hours of grief, call.\n"

    sections = write_test_draft(passages=[{"text": text}, {"text": text}])["sections"]

    assert [(section["number"], section["title"]) for section in sections] == [
        ("4.1", "Hold"),
        ("4.2", "Grief and loss"),
    ]
    assert sections[1]["why"] == f"It bears on {scenario_topics.GRIEF.about}."


def test_draft_without_passages_has_no_sections():
    assert write_test_draft()["sections"] == []


def test_drafting_task_is_read_from_json_parts():
    wanted = {"mode": "chat", "difficulty": "expert", "skills": ["Grief support"], "instructions": "quiet"}
    parts = [json.dumps({"wanted": wanted}), json.dumps({"quoted_material": '{"wanted": 1}'}), "Write a draft."]

    assert read_drafting_task(parts) == DraftingTask('{"wanted": 1}', "quiet", "chat", "expert", ["Grief support"])
    assert read_drafting_task(["nothing"]) == DraftingTask("", "", "phone", "", [])


SECTION = closed_object_schema(number=STRING_SCHEMA, title=STRING_SCHEMA, why=STRING_SCHEMA)
DRAFT = closed_object_schema(
    title=STRING_SCHEMA,
    description=STRING_SCHEMA,
    caller=closed_object_schema(**dict.fromkeys(PARTS, STRING_SCHEMA)),
    checks=array_schema(STRING_SCHEMA),
    skills=array_schema(STRING_SCHEMA),
    sections=array_schema(SECTION),
)


def test_draft_schema_is_recognized_by_its_fields():
    assert is_draft_schema(DRAFT) is True
    assert is_draft_schema(closed_object_schema(criteria=array_schema(STRING_SCHEMA), title=STRING_SCHEMA)) is False


def test_draft_response_matches_the_schema_and_names_the_sections_found(client, procedures):
    wanted = {"wanted": {"mode": "phone", "skills": SKILLS}}
    parts = [json.dumps(wanted), json.dumps({"quoted_material": "She spoke of suicide."})]

    response = client.responses.create(
        model="gpt-5.6",
        instructions="Write a draft.",
        input=[{"role": "user", "content": [{"type": "input_text", "text": part} for part in parts]}],
        tools=[{"type": "file_search", "vector_store_ids": [procedures]}],
        include=["file_search_call.results"],
        text={"format": {"type": "json_schema", "name": "draft", "strict": True, "schema": DRAFT}},
    )

    draft = json.loads(response.output_text)
    assert draft.keys() == DRAFT["properties"].keys()
    assert draft["title"] == scenario_topics.SELF_HARM.title
    assert {"number": "4.2", "title": "Suicide inquiry"}.items() <= draft["sections"][0].items()
    assert response.output[0].queries == [scenario_topics.SELF_HARM.query]
