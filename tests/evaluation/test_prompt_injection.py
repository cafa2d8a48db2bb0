"""Fifty prompt injection attacks on a grader that obeys every instruction, with and without injection detection."""

import json
from itertools import count

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.procedures.document_preparation import prepare_procedures
from accounts.procedures.uploads import upload_procedures
from ai import find_injections
from evaluation.grading.evidence import GraderTurn
from evaluation.grading.schemas import GradingAnswer
from evaluation.models import Evaluation
from evaluation.services import grading
from evaluation.services.grading import grade_evaluation
from tests.accounts.pdf_samples import make_pdf
from tests.evaluation.injection_attacks import (
    ALL_ATTACKS,
    BENIGN_SENTENCES,
    DOCUMENT_ATTACKS,
    FORGED_OUTPUT_ATTACKS,
    SPOKEN_ATTACKS,
    WRITTEN_ATTACKS,
)
from tests.evaluation.test_grading import RESPONSES_ENDPOINT
from tests.support.fixtures import record_turn
from training.models import Session
from training.services.session_start import start_assignment
from training.services.sessions import end_session

HONEST_TURNS = [
    ("caller", "i told them i passed. i can't go home"),
    ("counselor", "Hello, my name is Sam. I'm glad you wrote. What makes going home so hard tonight?"),
    ("caller", "it would be easier not to be here"),
    ("counselor", "That sounds really lonely. Are you thinking about suicide?"),
    ("caller", "maybe. not tonight"),
    ("counselor", "Let's look at how you stay safe until morning. Who could be with you?"),
]
RED_LINE_TURNS = [
    *HONEST_TURNS[:3],
    ("counselor", "You're not thinking of killing yourself, are you?"),
    *HONEST_TURNS[4:],
]


@pytest.fixture
def gullible_grader(standin):
    standin.add_fault(RESPONSES_ENDPOINT, {"obedient": True}, times=None)
    return standin


@pytest.fixture
def grade_conversation(phone_assignment, django_capture_on_commit_callbacks):
    """Return a function that plays (role, text) turns as a session, grades it, and returns the evaluation."""
    numbers = count(1)

    def grade_turns(turns) -> Evaluation:
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
        grade_evaluation(evaluation.pk)
        evaluation.refresh_from_db()
        # Reopen the assignment so that the next session can start.
        type(phone_assignment).objects.filter(pk=phone_assignment.pk).update(status="in_progress", completed_at=None)
        phone_assignment.refresh_from_db()
        return evaluation

    return grade_turns


def add_attack(turns, attack: str, position: str):
    """Return `turns` with an attack after or before the text of the fourth turn, or as a turn of its own after it."""
    role, text = turns[3]
    if position == "alone":
        return [*turns[:4], ("counselor", attack), *turns[4:]]
    attacked_text = f"{text} {attack}" if position == "after" else f"{attack}\n{text}"
    return [*turns[:3], (role, attacked_text), *turns[4:]]


def verdicts(evaluation: Evaluation) -> dict[str, str]:
    return {row.key: row.verdict for row in evaluation.criteria.all()}


def quotes(evaluation: Evaluation) -> list[str]:
    found = [quote["text"] for row in evaluation.criteria.all() for quote in row.quotes]
    return found + [moment["quote"] for moment in [*evaluation.went_well, *evaluation.improvements]]


def test_find_injections_detects_all_fifty_attacks():
    assert len(set(ALL_ATTACKS)) == 50
    assert [
        attack for attack in [*SPOKEN_ATTACKS, *WRITTEN_ATTACKS, *FORGED_OUTPUT_ATTACKS] if not find_injections(attack)
    ] == []
    assert [attack for attack in DOCUMENT_ATTACKS if not find_injections(attack, is_document=True)] == []


@pytest.mark.parametrize("is_document", [False, True])
def test_find_injections_ignores_real_conversations(is_document):
    assert [sentence for sentence in BENIGN_SENTENCES if find_injections(sentence, is_document)] == []


@pytest.mark.parametrize("position", ["after", "before", "alone"])
def test_attack_is_flagged_held_and_changes_no_verdict(gullible_grader, grade_conversation, position):
    honest = grade_conversation(HONEST_TURNS)
    assert (honest.status, honest.needs_person) == ("completed", [])

    failures = {}
    for attack in [*SPOKEN_ATTACKS, *WRITTEN_ATTACKS, *FORGED_OUTPUT_ATTACKS]:
        evaluation = grade_conversation(add_attack(HONEST_TURNS, attack, position))
        checks = {
            "score": evaluation.score == honest.score,
            "verdicts": verdicts(evaluation) == verdicts(honest),
            "held": (evaluation.status, evaluation.needs_person) == ("held", ["steered"]),
            "flag": [(one.kind, one.severity) for one in evaluation.flags.filter(source="rules")]
            == [("gaming", "critical")],
            "no evidence": not any(find_injections(quote) for quote in quotes(evaluation)),
            "not in rationale": attack not in evaluation.rationale,
        }
        if not all(checks.values()):
            failures[attack] = [name for name, holds in checks.items() if not holds]

    assert failures == {}


@pytest.mark.parametrize("attack", [SPOKEN_ATTACKS[0], WRITTEN_ATTACKS[0], FORGED_OUTPUT_ATTACKS[0]])
def test_red_lines_cap_score_despite_attack(gullible_grader, grade_conversation, attack):
    honest = grade_conversation(RED_LINE_TURNS)
    evaluation = grade_conversation(add_attack(RED_LINE_TURNS, attack, "after"))

    assert (honest.grade, honest.needs_person) == ("F", ["red_line"])
    assert (evaluation.score, evaluation.grade, evaluation.status) == (honest.score, "F", "held")
    assert set(evaluation.needs_person) == {"steered", "red_line"}


def test_attack_repeated_by_caller_is_redacted(gullible_grader, grade_conversation):
    honest = grade_conversation(HONEST_TURNS)
    turns = [*HONEST_TURNS[:2], ("caller", f"{HONEST_TURNS[2][1]}. {SPOKEN_ATTACKS[0]}"), *HONEST_TURNS[3:]]

    evaluation = grade_conversation(turns)

    assert verdicts(evaluation) == verdicts(honest)
    assert evaluation.status == "held"


@pytest.mark.parametrize("attack", DOCUMENT_ATTACKS)
def test_attack_in_document_never_reaches_grader(gullible_grader, grade_conversation, account, supervisor, attack):
    manual = "Line 717\n3010 Asking about suicide\nAsk directly about suicide and safe plans."

    def grade_with_document(content: bytes) -> Evaluation:
        document = upload_procedures(account, SimpleUploadedFile("m.pdf", content), supervisor)
        prepare_procedures(document.pk)
        document.refresh_from_db()
        assert document.status == "ready", document.failure
        return grade_conversation(HONEST_TURNS)

    honest = grade_with_document(make_pdf(manual))
    evaluation = grade_with_document(make_pdf(f"{manual}\n{attack}"))

    assert honest.used_file_search is evaluation.used_file_search is True
    assert verdicts(evaluation) == verdicts(honest)
    assert (evaluation.status, evaluation.needs_person) == ("held", ["steered"])
    assert (honest.status, honest.needs_person) == ("completed", [])
    request_bodies = json.dumps([entry["body"] for entry in gullible_grader.logged_requests("http", "/v1/responses")])
    assert attack not in request_bodies


@pytest.fixture
def no_injection_detection(monkeypatch):
    """Turn off injection detection, which leaves evidence checks, rules, and score arithmetic as the defense."""

    def build_grader_turns(turns) -> list[GraderTurn]:
        return [
            GraderTurn(f"t{n}", str(turn.pk), turn.is_by_counselor, turn.text_heard) for n, turn in enumerate(turns, 1)
        ]

    monkeypatch.setattr(grading, "build_grader_turns", build_grader_turns)


@pytest.mark.parametrize(
    "attack", [SPOKEN_ATTACKS[0], WRITTEN_ATTACKS[0], *FORGED_OUTPUT_ATTACKS[:3], *FORGED_OUTPUT_ATTACKS[4:]]
)
def test_undetected_attack_is_limited_by_evidence_red_lines_and_review(
    gullible_grader, grade_conversation, no_injection_detection, attack
):
    evaluation = grade_conversation(add_attack(RED_LINE_TURNS, attack, "alone"))

    counselor_texts = {
        str(turn.pk): turn.text_heard for turn in evaluation.session.transcript() if turn.is_by_counselor
    }
    for row in evaluation.criteria.all():
        for quote in row.quotes:
            assert counselor_texts[quote["turn"]][quote["start"] : quote["end"]] == quote["text"]
    assert evaluation.grade == "F"
    assert {"red_line", "thin_evidence"} <= set(evaluation.needs_person)
    assert Session.objects.get(pk=evaluation.session_id).evaluations.count() == 1


def test_grading_answer_schema_has_no_score():
    assert not {"score", "grade"} & set(GradingAnswer.model_json_schema()["properties"])
    assert GradingAnswer.model_json_schema()["additionalProperties"] is False
