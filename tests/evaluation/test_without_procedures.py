"""Tests of gradings whose procedures are gone: what is asked, what counts, and what page and API say."""

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from openai import OpenAI

from accounts.models import ProcedureDocument
from accounts.procedures.uploads import upload_procedures
from evaluation.grading.rubric import general_checks, scenario_checks
from evaluation.models import Evaluation
from scenarios.models import ScenarioVersion
from tests.evaluation.test_grading import RESPONSES_ENDPOINT, grade_now, grading_requests
from tests.support.fixtures import SECTIONS_CANARY, client_of, write_turns
from training.models import EndReason
from training.services.sessions import end_session


@pytest.fixture
def asks_about_procedures(finished_chat) -> None:
    """Let the scenario have one check of its own about the procedures."""
    checks = [
        {"text": text, "weight": 2, "expected": "", "phrases": []}
        for text in ("Asks how the night went.", "Offers the callback that section 4.2 asks for.")
    ]
    ScenarioVersion.objects.filter(pk=finished_chat.scenario_version_id).update(checks=checks)


def delete_store(account, procedures, standin, settings):
    with OpenAI(api_key="sk-tests", base_url=standin.base_url) as client:
        client.vector_stores.delete(account.vector_store_id)


def delete_file(account, procedures, standin, settings):
    with OpenAI(api_key="sk-tests", base_url=standin.base_url) as client:
        client.vector_stores.files.delete(procedures.openai_file_id, vector_store_id=account.vector_store_id)
        client.files.delete(procedures.openai_file_id)


def fail_search(account, procedures, standin, settings):
    settings.TASK_ATTEMPTS = 1
    standin.add_fault(RESPONSES_ENDPOINT, {"status": 500}, contains="file_search", times=None)


def point_to_another_file(account, procedures, standin, settings):
    ProcedureDocument.objects.filter(pk=procedures.pk).update(openai_file_id="file-of-somebody-else")


def remove_from_account(account, procedures, standin, settings):
    type(account).objects.filter(pk=account.pk).update(procedures=None)


@pytest.mark.parametrize(
    ("remove", "reason"),
    [
        (delete_store, "missing"),
        (delete_file, "missing"),
        (point_to_another_file, "missing"),
        (remove_from_account, "missing"),
        (fail_search, "search_failed"),
    ],
)
def test_grade_without_the_document_leaves_out_what_rests_on_it(
    queued_evaluation, asks_about_procedures, account, procedures, standin, settings, remove, reason
):
    remove(account, procedures, standin, settings)

    evaluation = grade_now(queued_evaluation)

    assert (evaluation.status, evaluation.used_file_search) == ("completed", False)
    assert (evaluation.without_procedures, evaluation.document_id, evaluation.vector_store_id) == (reason, None, "")
    keys = {result.key for result in evaluation.criteria.all()}
    assert keys == {check.key for check in general_checks()} - {"follows_procedures"} | {"scenario_1"}
    asked = json.dumps(grading_requests(standin)[-1])
    assert "follows_procedures" not in asked and "section 4.2" not in json.dumps(checks_of(standin))
    assert SECTIONS_CANARY not in asked and "file_search" not in asked


def checks_of(standin) -> list[dict]:
    """Return the checks of the last grading request."""
    parts = [part["text"] for part in grading_requests(standin)[-1]["input"][0]["content"]]
    return next(json.loads(part)["criteria"] for part in parts if part.startswith('{"criteria"'))


@pytest.mark.parametrize(
    ("status", "reason", "words"),
    [
        (None, "not_uploaded", "the account has no document"),
        ("processing", "preparing", "the account’s document was still being prepared"),
        ("unconfirmed", "unconfirmed", "no one had confirmed the account’s document"),
        ("failed", "failed", "the account’s document could not be prepared"),
    ],
)
def test_page_and_api_say_why_there_were_no_procedures(
    queued_evaluation, account, supervisor, counselor, standin, status, reason, words
):
    if status:
        upload_procedures(account, simple_upload(), supervisor)
        ProcedureDocument.objects.update(status=status)

    grade_now(queued_evaluation)

    session = queued_evaluation.session_id
    data = client_of(counselor).get(f"/api/sessions/{session}/evaluation/").json()
    page = client_of(counselor).get(f"/sessions/{session}/").content.decode()
    assert (data["used_file_search"], data["without_procedures"], data["document"]) == (False, reason, None)
    assert data["without_procedures_reason"] == f"Graded without the procedures, because {words}."
    assert data["without_procedures_reason"] in page
    assert "follows_procedures" not in {criterion["key"] for criterion in data["criteria"]}


def simple_upload() -> SimpleUploadedFile:
    return SimpleUploadedFile("p.md", b"# Line 717\n\n## 3010 Asking\n\nAsk directly about suicide.\n")


def test_feedback_names_document_rubric_and_model(queued_evaluation, procedures, counselor, standin, settings):
    client, session = client_of(counselor), queued_evaluation.session_id
    before = client.get(f"/api/sessions/{session}/evaluation/").json()

    grade_now(queued_evaluation)

    data = client.get(f"/api/sessions/{session}/evaluation/").json()
    page = client.get(f"/sessions/{session}/checks/").content.decode()
    assert (before["used_file_search"], before["document"]) == (None, None)
    assert (data["used_file_search"], data["without_procedures"], data["without_procedures_reason"]) == (True, "", "")
    assert data["document"]["filename"] == "p.md" and data["document"]["version"] == 1
    assert data["document"]["uploaded_at"] and data["document"]["id"] == str(procedures.pk)
    assert (data["rubric_version"], data["model"]) == ("general-2", settings.EVALUATOR_MODEL)
    assert "p.md, version 1, uploaded" in page and "general-2" in page and settings.EVALUATOR_MODEL in page


def test_grade_of_an_older_version_of_the_code_never_says_null(queued_evaluation, counselor, standin):
    grade_now(queued_evaluation)
    Evaluation.objects.update(used_file_search=None)  # as a worker of the previous version stores it

    data = client_of(counselor).get(f"/api/sessions/{queued_evaluation.session_id}/evaluation/").json()

    assert data["used_file_search"] is False


def test_practice_without_an_account_has_no_warning(free_chat, counselor, procedures, standin):
    write_turns(free_chat, "hi", "Hello, I'm Sam.")
    end_session(free_chat, EndReason.HUNG_UP)

    evaluation = grade_now(free_chat.evaluations.get())

    page = client_of(counselor).get(f"/sessions/{free_chat.pk}/").content.decode()
    assert (evaluation.used_file_search, evaluation.without_procedures) == (False, "no_account")
    assert "Graded without the procedures" not in page


@pytest.mark.parametrize(
    ("text", "is_about"),
    [
        ("Follows the account's procedures for transfers.", True),
        ("Offers the callback that section 4.2 asks for.", True),
        ("Acts as §3010 says.", True),
        ("Follows the line's protocol for third-party callers.", True),
        ("Names the three questions that the handbook lists.", True),
        ("Ends the call as SOP 4b describes.", True),
        ("Keeps to the agency's confidentiality policy.", True),
        ("Offers a callback, per our protocol.", True),
        ("Reads the greeting in the document word for word.", True),
        ("Notifies the county in line with the reporting guidelines.", True),
        ("Uses the center’s opening script.", True),
        ("Says who may be told, see sec. 12.", True),
        ("Asks how the surgical procedure went.", False),
        ("Asks whether their procedure is still planned.", False),
        ("Helps to look for Section 8 housing.", False),
        ("Asks what the insurance policy covers.", False),
        ("Follows what the client says without judging.", False),
        ("Acknowledges the rules at the caller's school.", False),
        ("Asks about the court documents that came in the mail.", False),
        ("Asks directly about suicide.", False),
        ("Makes a safety plan with the caller.", False),
        ("Explains the section of town where the shelter is.", False),
    ],
)
def test_scenario_checks_about_procedures_are_recognized(text, is_about):
    [check] = scenario_checks([{"text": text, "weight": 1, "expected": "", "phrases": []}])

    assert check.is_about_procedures is is_about
