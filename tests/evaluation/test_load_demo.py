"""History of the demo: each state that pages can show is among its rows."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command

from accounts.models import Account, Organization, ProcedureDocument, User
from accounts.procedures.document_preparation import NO_SECTIONS_WARNING, prepare_procedures
from accounts.procedures.unread_parts import explain_unread_parts
from accounts.procedures.upload_validation import check_procedures
from evaluation.grading.rubric import general_checks
from evaluation.models import CriterionResult, Evaluation, Review
from evaluation.models.evaluations import WithoutProcedures
from evaluation.reports.attention import list_attention
from evaluation.reports.evaluator_report import list_agreement
from scenarios.models import Scenario
from tests.support.fixtures import *  # noqa: F403
from tests.support.fixtures import client_of
from training.models import Assignment, Session

Status = ProcedureDocument.Status


@pytest.fixture
def demo(db, mailoutbox):
    call_command("load_demo", password="a quiet harbor at dawn", short=True)
    return {user.email: user for user in User.objects.all()}


def evaluation_of(email: str, title: str) -> Evaluation:
    return Evaluation.objects.graded().get(session__counselor__email=email, session__scenario__title=title)


def test_demo_has_a_row_for_every_state_of_feedback(demo, mailoutbox):
    crossed = evaluation_of("maya@example.org", "Two cups of coffee")
    alone = evaluation_of("maya@example.org", "The letter from the landlord")
    reviewed = evaluation_of("counselor@example.org", "The letter from the landlord")
    attention = list_attention(demo["supervisor@example.org"])

    assert [row.pk for row in attention["red_lines"].rows] == [crossed.pk]
    assert [row.key for row in crossed.criteria.crossed_red_lines()] == ["no_leading_negative"]
    assert (crossed.status, crossed.needs_person) == (Evaluation.Status.COMPLETED, ["red_line"])
    assert (alone.without_procedures, alone.used_file_search) == (WithoutProcedures.MISSING, False)
    assert "follows_procedures" not in alone.criteria.values_list("key", flat=True)
    overruled = {row.key: row.final_verdict for row in reviewed.criteria.exclude(reviewed_verdict="")}
    assert overruled == {"scenario_2": "met", "resources": "not_met"}
    assert reviewed.final_score != reviewed.score
    assert mailoutbox == []


def test_recorded_answers_cover_the_rubric_and_are_proven(demo):
    rubric = {check.key for check in general_checks()}
    for evaluation in Evaluation.objects.graded():
        rows = list(evaluation.criteria.all())
        met = [row for row in rows if row.verdict == CriterionResult.Verdict.MET and not row.is_red_line]
        without_quote = {row.key for row in met if not row.quotes}

        assert {row.key for row in rows} >= rubric - {"follows_procedures"}
        assert without_quote <= {"one_question", "boundaries", "honest_limits"}
        assert not any(row.verdict == CriterionResult.Verdict.NO_EVIDENCE for row in rows)
        assert evaluation.went_well
        assert all(one["quote"] for one in evaluation.improvements)
        assert not evaluation.used_file_search or any(row.citations for row in rows)
        assert evaluation.completed_at.date() < evaluation.organization.created_at.date()


def test_agreement_has_enough_reviews_in_all_and_too_few_by_criterion(demo):
    rows = list_agreement(Evaluation.objects.graded())
    by_key = {row.key: row.agreement for row in rows}

    assert by_key[""].n >= 30
    assert (by_key[""].is_too_few, by_key[""].kappa is None) == (False, False)
    assert all(found.is_too_few for key, found in by_key.items() if key)
    assert set(Review.objects.values_list("reviewer__role", flat=True)) == {"supervisor", "evaluator"}


def test_stopped_session_has_no_attempt_and_the_next_one_is_the_first(demo):
    assignment = Assignment.objects.get(scenario__title="The letter from the landlord")
    stopped, finished = assignment.sessions.order_by("started_at")

    assert (stopped.was_stopped, stopped.attempt, finished.attempt) == (True, None, 1)
    assert assignment.status == Assignment.Status.COMPLETED
    assert not Session.objects.live().exists()
    assert Assignment.objects.open().count() == 3


def test_scenario_names_the_points_that_its_context_left_out(demo):
    scenario = Scenario.objects.get(title="The letter from the landlord")

    checks = client_of(demo["supervisor@example.org"]).get(f"/api/scenarios/{scenario.pk}/").json()

    left_out = {row["text"]: row["reason"] for row in checks["checks_left_out"]}
    reason = "“About the caller” is about the caller or the situation."
    assert left_out == {
        "Noor lost hours at the bakery and is two months behind.": reason,
        "The children do not know about the letter.": reason,
    }
    assert [row["text"] for row in checks["checks"]] == [
        "Hears the fear before looking for a way out.",
        "Asks what weighs most.",
        "Finds one person who can read the letter with the caller, and when.",
    ]


def test_documents_are_ready_unconfirmed_and_partly_unread(demo, standin):
    for document in ProcedureDocument.objects.all():
        prepare_procedures(document.pk)
    found = {account.name: account.documents.get() for account in Account.objects.all()}

    assert {name: document.status for name, document in found.items()} == {
        "Harbor State Line": Status.READY,
        "Lakeshore Youth Line": Status.UNCONFIRMED,
        "Prairie County Line": Status.READY,
        "Ridgeview Health Plan": Status.UNCONFIRMED,
    }
    prairie = found["Prairie County Line"]
    with prairie.file.open("rb") as file:
        assert check_procedures(prairie.account, SimpleUploadedFile(prairie.filename, file.read())) == ""
    assert "824" in found["Lakeshore Youth Line"].warning
    assert found["Ridgeview Health Plan"].warning == str(NO_SECTIONS_WARNING)
    assert explain_unread_parts(prairie.unread) == [
        "Page 2 has a large picture. We can’t read words in pictures.",
        "1 attached file was not read.",
    ]


def test_organizations_differ_in_time_zone_and_language_and_loading_again_changes_nothing(demo):
    call_command("load_demo", password="another harbor at dawn", short=True)

    assert set(Organization.objects.values_list("time_zone", "transcription_language")) == {
        ("America/New_York", "en"),
        ("America/Denver", "es"),
    }
    assert Session.objects.count() == 6
