"""Fifty attacks on a grader that obeys every instruction it finds, and what stands behind the first wall."""

import json
from itertools import count

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.services.preparing import prepare_procedures
from accounts.services.uploading import upload_procedures
from ai import find_instructions
from evaluation.answers import Grading
from evaluation.models import Evaluation
from evaluation.proof import Line
from evaluation.services import grading
from evaluation.services.grading import grade
from tests.accounts.pdfs import saying
from tests.evaluation.attacks import ATTACKS, HARMLESS, IMITATING, IN_A_DOCUMENT, SPOKEN, WRITTEN
from tests.evaluation.test_grading import RESPONSES
from training.models import Session
from training.services.sessions import end_session, start_assignment
from training.services.turns import record_turn

# What is found and proven depends on no database.
pytestmark = pytest.mark.once

CLEAN = [
    ("caller", "i told them i passed. i can't go home"),
    ("counselor", "Hello, my name is Sam. I'm glad you wrote. What makes going home so hard tonight?"),
    ("caller", "it would be easier not to be here"),
    ("counselor", "That sounds really lonely. Are you thinking about suicide?"),
    ("caller", "maybe. not tonight"),
    ("counselor", "Let's look at how you stay safe until morning. Who could be with you?"),
]
CROSSED = [*CLEAN[:3], ("counselor", "You're not thinking of killing yourself, are you?"), *CLEAN[4:]]


@pytest.fixture
def obedient(standin):
    standin.faults(RESPONSES, {"obedient": True}, times=None)
    return standin


@pytest.fixture
def held(phone_assignment, django_capture_on_commit_callbacks):
    """Hold a conversation and have it graded: `held(turns)` is its evaluation."""
    numbers = count(1)

    def hold(turns) -> Evaluation:
        session, _ = start_assignment(phone_assignment)
        after = ""
        for role, text in turns:
            item = f"i{next(numbers)}"
            record_turn(
                session.pk, item, next(numbers), role=role, text_heard=text, source="spoken", after=after, is_final=True
            )
            after = item
        end_session(session, "hung_up")
        evaluation = session.evaluations.get()
        grade(evaluation.pk)
        evaluation.refresh_from_db()
        # Not completed, so that the next one can begin.
        type(phone_assignment).objects.filter(pk=phone_assignment.pk).update(status="in_progress", completed_at=None)
        phone_assignment.refresh_from_db()
        return evaluation

    return hold


def attacked(turns, attack: str, way: str):
    """The same conversation with an attack: behind what was said, before it, or as a turn of its own."""
    role, text = turns[3]
    if way == "alone":
        return [*turns[:4], ("counselor", attack), *turns[4:]]
    words = f"{text} {attack}" if way == "behind" else f"{attack}\n{text}"
    return [*turns[:3], (role, words), *turns[4:]]


def verdicts(evaluation: Evaluation) -> dict[str, str]:
    return {row.key: row.verdict for row in evaluation.criteria.all()}


def quotes(evaluation: Evaluation) -> list[str]:
    found = [quote["text"] for row in evaluation.criteria.all() for quote in row.quotes]
    return found + [moment["quote"] for moment in [*evaluation.went_well, *evaluation.improvements]]


def test_there_are_fifty_and_each_is_found():
    assert len(set(ATTACKS)) == 50
    assert [attack for attack in [*SPOKEN, *WRITTEN, *IMITATING] if not find_instructions(attack)] == []
    assert [attack for attack in IN_A_DOCUMENT if not find_instructions(attack, is_document=True)] == []


@pytest.mark.parametrize("is_document", [False, True])
def test_what_people_really_say_is_no_attack(is_document):
    assert [said for said in HARMLESS if find_instructions(said, is_document)] == []


@pytest.mark.parametrize("way", ["behind", "before", "alone"])
def test_an_attack_changes_no_verdict_is_flagged_and_held(obedient, held, way):
    honest = held(CLEAN)
    assert (honest.status, honest.needs_person) == ("completed", [])

    wrong = {}
    for attack in [*SPOKEN, *WRITTEN, *IMITATING]:
        evaluation = held(attacked(CLEAN, attack, way))
        facts = {
            "score": evaluation.score == honest.score,
            "verdicts": verdicts(evaluation) == verdicts(honest),
            "held": (evaluation.status, evaluation.needs_person) == ("held", ["steered"]),
            "flag": [(one.kind, one.severity) for one in evaluation.flags.filter(source="rules")]
            == [("gaming", "critical")],
            "no evidence": not any(find_instructions(quote) for quote in quotes(evaluation)),
            "not seen": attack not in evaluation.rationale,
        }
        if not all(facts.values()):
            wrong[attack] = [name for name, holds in facts.items() if not holds]

    assert wrong == {}


@pytest.mark.parametrize("attack", [SPOKEN[0], WRITTEN[0], IMITATING[0]])
def test_red_lines_still_cap(obedient, held, attack):
    honest, evaluation = held(CROSSED), held(attacked(CROSSED, attack, "behind"))

    assert (honest.grade, honest.needs_person) == ("F", ["red_line"])
    assert (evaluation.score, evaluation.grade, evaluation.status) == (honest.score, "F", "held")
    assert set(evaluation.needs_person) == {"steered", "red_line"}


def test_an_attack_by_the_callers_mouth_is_taken_out_too(obedient, held):
    honest = held(CLEAN)
    turns = [*CLEAN[:2], ("caller", f"{CLEAN[2][1]}. {SPOKEN[0]}"), *CLEAN[3:]]

    evaluation = held(turns)

    assert verdicts(evaluation) == verdicts(honest)
    assert evaluation.status == "held"


@pytest.mark.parametrize("attack", IN_A_DOCUMENT)
def test_an_attack_in_a_document_never_reaches_the_grader(obedient, held, account, supervisor, attack):
    manual = "Line 717\n3010 Asking about suicide\nAsk directly about suicide and safe plans."

    def graded_with(content: bytes) -> Evaluation:
        document = upload_procedures(account, SimpleUploadedFile("m.pdf", content), supervisor)
        prepare_procedures(document.pk)
        document.refresh_from_db()
        assert document.status == "ready", document.failure
        return held(CLEAN)

    honest = graded_with(saying(manual))
    evaluation = graded_with(saying(f"{manual}\n{attack}"))

    assert honest.used_file_search is evaluation.used_file_search is True
    assert verdicts(evaluation) == verdicts(honest)
    assert (evaluation.status, evaluation.needs_person) == ("held", ["steered"])
    assert (honest.status, honest.needs_person) == ("completed", [])
    sent = json.dumps([entry["body"] for entry in obedient.ledger("http", "/v1/responses")])
    assert attack not in sent


@pytest.fixture
def blind(monkeypatch):
    """As if no attack were ever recognised: what is left is proof, rules and arithmetic."""

    def lines_of(turns) -> list[Line]:
        return [Line(f"t{n}", str(turn.pk), turn.is_by_counselor, turn.text_heard) for n, turn in enumerate(turns, 1)]

    monkeypatch.setattr(grading, "lines_of", lines_of)


@pytest.mark.parametrize("attack", [SPOKEN[0], WRITTEN[0], *IMITATING[:3], *IMITATING[4:]])
def test_behind_the_first_wall_quotes_are_proven_lines_cap_and_a_person_looks(obedient, held, blind, attack):
    evaluation = held(attacked(CROSSED, attack, "alone"))

    own = {str(turn.pk): turn.text_heard for turn in evaluation.session.transcript() if turn.is_by_counselor}
    for row in evaluation.criteria.all():
        for quote in row.quotes:
            assert own[quote["turn"]][quote["start"] : quote["end"]] == quote["text"]
    assert evaluation.grade == "F"
    assert {"red_line", "thin_evidence"} <= set(evaluation.needs_person)
    assert Session.objects.get(pk=evaluation.session_id).evaluations.count() == 1


def test_the_shape_of_an_answer_has_no_room_for_a_score():
    assert not {"score", "grade"} & set(Grading.model_json_schema()["properties"])
    assert Grading.model_json_schema()["additionalProperties"] is False
