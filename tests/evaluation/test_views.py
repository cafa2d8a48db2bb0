import json

import pytest
from django.utils.html import escape

from evaluation.models import Evaluation, Review
from evaluation.services.grading import grade_evaluation
from evaluation.services.reviews import record_review
from recordings.models import Recording
from scenarios.models import Scenario
from tests.support.fixtures import CONTEXT_CANARY, PROMPT_CANARY, SECTIONS_CANARY, add_scenario, client_of, write_turns
from training.models import Assignment, Session
from training.services.assignments import assign
from training.services.session_start import start_free_practice, start_trial
from training.services.sessions import end_session

CANARIES = (PROMPT_CANARY, CONTEXT_CANARY, SECTIONS_CANARY)


@pytest.fixture
def graded_evaluation(queued_evaluation, standin) -> Evaluation:
    grade_evaluation(queued_evaluation.pk)
    queued_evaluation.refresh_from_db()
    return queued_evaluation


def page_text(person, path: str) -> str:
    response = client_of(person).get(path)
    assert response.status_code == 200
    return response.content.decode()


def test_dashboard_shows_open_assignments(counselor, colleague, supervisor, chat_assignment, phone_assignment):
    Assignment.objects.update(due_date="2026-12-24")
    other = add_scenario(counselor.organization, "Only for a colleague")
    assign(other, colleague, supervisor)
    Assignment.objects.filter(pk=phone_assignment.pk).update(status="completed")

    body = page_text(counselor, "/")

    assert "Writing from the train" in body and f"/training/chat/{chat_assignment.pk}/" in body
    assert "Dec 24" in body
    assert "Night shift" not in body and "Only for a colleague" not in body
    assert "/training/voice/free/" in body and "/training/chat/free/" in body
    assert not [canary for canary in CANARIES if canary in body]


def test_dashboard_sorts_assignments_by_due_date(counselor, supervisor, organization):
    for title, due in (("later", "2027-02-01"), ("never", None), ("soon", "2027-01-01")):
        assign(add_scenario(organization, f"case-{title}"), counselor, supervisor, due_date=due)

    body = page_text(counselor, "/")

    assert body.index("case-soon") < body.index("case-later") < body.index("case-never")


def test_empty_dashboard_and_history_show_notice(counselor, supervisor):
    assert "Three short steps, and you are ready for your first call." in page_text(counselor, "/")
    assert "No conversations yet" in page_text(counselor, "/")
    assert "You haven’t practiced yet" in page_text(counselor, "/sessions/")
    assert "No conversation matches" in page_text(counselor, "/sessions/?mode=chat")
    assert "No one has practiced yet" in page_text(supervisor, "/sessions/")


def test_history_is_limited_to_own_or_organization(counselor, colleague, supervisor, stranger, finished_chat):
    link = f"/sessions/{finished_chat.pk}/"

    assert link in page_text(counselor, "/sessions/") and link in page_text(supervisor, "/sessions/")
    assert link not in page_text(colleague, "/sessions/") and link not in page_text(stranger, "/sessions/")


def test_trial_is_listed_only_for_its_owner(supervisor, admin, evaluator, counselor, chat_scenario):
    session, _ = start_trial(supervisor, chat_scenario, "chat")
    link = f"/sessions/{session.pk}/"

    for page in ("/", "/sessions/"):
        mine = page_text(supervisor, page)
        assert link in mine
        assert not [person for person in (admin, evaluator, counselor) if link in page_text(person, page)]


@pytest.mark.parametrize(("mode", "name"), [("phone", "voice"), ("chat", "chat")])
def test_trial_page_links_to_trial_and_scenario(supervisor, chat_scenario, mode, name):
    session, _ = start_trial(supervisor, chat_scenario, mode)
    end_session(session, "hung_up")
    Evaluation.objects.update(status="too_short")
    links = [f"/training/{name}/trial/{chat_scenario.pk}/", f"/scenarios/{chat_scenario.pk}/"]

    page_with_scenario = page_text(supervisor, f"/sessions/{session.pk}/")
    Scenario.objects.all().delete()
    page_without_scenario = page_text(supervisor, f"/sessions/{session.pk}/")

    assert [f'href="{link}"' in page_with_scenario for link in links] == [True, True]
    note = "This is a trial of a draft. It doesn’t count for anyone."
    assert [note in page for page in (page_with_scenario, page_without_scenario)] == [True, True]
    assert [f'href="{link}"' in page_without_scenario for link in links] == [False, False]


def test_trial_link_is_hidden_without_permission(supervisor, chat_scenario):
    session, _ = start_trial(supervisor, chat_scenario, "chat")
    end_session(session, "hung_up")
    Evaluation.objects.update(status="too_short")
    supervisor.role = "evaluator"
    supervisor.save()

    assert "/trial/" not in page_text(supervisor, f"/sessions/{session.pk}/")


def test_trial_is_graded_and_completes_no_assignment(supervisor, chat_assignment, chat_scenario, standin):
    session, _ = start_trial(supervisor, chat_scenario, "chat")
    write_turns(
        session, "hi", "Hello, I'm Sam. What makes going home so hard?", "i told them i passed", "That is lonely."
    )
    end_session(session, "hung_up")

    grade_evaluation(session.evaluations.get().pk)

    evaluation = session.evaluations.get()
    chat_assignment.refresh_from_db()
    assert evaluation.status == "completed"
    assert [check for check in evaluation.criteria.all() if CONTEXT_CANARY in check.check_text]
    assert chat_assignment.status == Assignment.Status.PENDING


@pytest.mark.parametrize(
    ("page", "message"),
    [
        ("1", "Page 1"),
        ("2", "Page 2"),
        ("999", "No more conversations."),
        *((p, "Page 1") for p in ("-1", "x", "")),
    ],
)
def test_history_handles_any_page_number(counselor, page, message):
    for _ in range(30):
        session, _ = start_free_practice(counselor, "chat")
        end_session(session, "hung_up")

    body = page_text(counselor, f"/sessions/?page={page}")

    assert message in body


def test_feedback_page_shows_evidence(counselor, graded_evaluation, finished_chat):
    summary = page_text(counselor, f"/sessions/{finished_chat.pk}/")
    body = page_text(counselor, f"/sessions/{finished_chat.pk}/checks/")
    transcript = page_text(counselor, f"/sessions/{finished_chat.pk}/transcript/")

    assert f"Grade {graded_evaluation.grade}, {graded_evaluation.score} of 100" in summary
    assert escape(graded_evaluation.rationale) in summary
    for criterion in graded_evaluation.criteria.all():
        assert escape(criterion.check_text) in body
    turns = {str(turn.pk) for turn in finished_chat.transcript()}
    quoted = {quote["turn"] for criterion in graded_evaluation.criteria.all() for quote in criterion.quotes}
    assert quoted and quoted <= turns
    for turn in quoted:
        assert f'transcript/#turn-{turn}"' in body and f'id="turn-{turn}"' in transcript


@pytest.mark.parametrize(
    ("status", "message", "has_form"),
    [
        ("queued", "Waiting for a grader", False),
        ("running", "Reading the conversation", False),
        ("too_short", "Too short to grade", False),
        ("not_gradable", "can’t be graded", False),
        ("failed", "We couldn’t prepare your feedback", True),
    ],
)
def test_feedback_fragment_explains_each_status(counselor, finished_chat, queued_evaluation, status, message, has_form):
    Evaluation.objects.update(status=status)

    body = page_text(counselor, f"/sessions/{finished_chat.pk}/feedback/")

    assert message in body
    assert ("<form" in body) == has_form
    assert ("hx-trigger" in body) == (status in {"queued", "running"})


def test_pages_hide_prompt_and_criteria_before_feedback(counselor, chat, chat_assignment, call):
    write_turns(chat, "hi", "hello")
    for _ in ("live", "over"):
        for path in (
            "/",
            "/sessions/",
            f"/sessions/{chat.pk}/",
            f"/sessions/{chat.pk}/feedback/",
            f"/sessions/{call.pk}/recording/",
            f"/api/sessions/{chat.pk}/",
            f"/training/chat/{chat_assignment.pk}/",
        ):
            body = page_text(counselor, path)
            assert not [canary for canary in CANARIES if canary in body], path
        end_session(chat, "hung_up")


def test_feedback_shows_scenario_checks_but_not_prompt(counselor, graded_evaluation, finished_chat):
    page = page_text(counselor, f"/sessions/{finished_chat.pk}/")
    api = page_text(counselor, f"/api/sessions/{finished_chat.pk}/evaluation/")

    for body in (page, api):
        assert PROMPT_CANARY not in body and SECTIONS_CANARY not in body


def test_feedback_request_ends_chat(counselor, chat):
    write_turns(chat, "hi", "hello")

    response = client_of(counselor).post(f"/sessions/{chat.pk}/feedback/", follow=True)

    chat.refresh_from_db()
    assert (chat.status, chat.end_reason) == ("completed", "feedback")
    assert "Waiting for a grader" in response.content.decode()


def test_feedback_request_for_live_session_shows_refusal(supervisor, chat):
    response = client_of(supervisor).post(f"/sessions/{chat.pk}/feedback/", follow=True)

    chat.refresh_from_db()
    assert chat.is_live and chat.evaluations.count() == 0
    assert "This conversation is still in progress." in response.content.decode()


def test_history_offers_retry_of_failed_feedback(counselor, finished_chat, queued_evaluation):
    Evaluation.objects.update(status="failed")
    assert "Try again" in page_text(counselor, "/sessions/")

    client_of(counselor).post(f"/sessions/{finished_chat.pk}/feedback/")

    assert [row.status for row in finished_chat.evaluations.newest_first()] == ["queued", "failed"]


def test_feedback_post_by_htmx_returns_fragment(counselor, finished_chat):
    response = client_of(counselor).post(f"/sessions/{finished_chat.pk}/feedback/", headers={"HX-Request": "true"})

    assert response.status_code == 200
    assert response.content.decode().lstrip().startswith("<section")


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ("recording", "is being prepared"),
        ("processing", "is being prepared"),
        ("partial", "Part of the recording is missing"),
        ("absent", "This call has no recording"),
        ("failed", "could not be created"),
    ],
)
def test_recording_fragment_explains_each_state(counselor, call, state, message):
    end_session(call, "hung_up")
    Recording.objects.create(
        session=call, organization_id=call.organization_id, state=state, reason="the disk was full"
    )

    assert message in page_text(counselor, f"/sessions/{call.pk}/recording/")


def test_session_page_escapes_transcript(counselor, chat):
    write_turns(chat, "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>')

    body = page_text(counselor, f"/sessions/{chat.pk}/")

    assert "<script>alert" not in body and "<img src=x" not in body


def test_session_page_offers_retry_only_for_open_assignment(
    counselor, graded_evaluation, finished_chat, chat_assignment
):
    retry = f"/training/chat/{chat_assignment.pk}/"
    assert retry not in page_text(counselor, f"/sessions/{finished_chat.pk}/")

    Assignment.objects.update(status="pending")

    assert retry in page_text(counselor, f"/sessions/{finished_chat.pk}/")


# The number of queries must not grow with the number of rows.


def add_sessions(counselor, supervisor, count: int) -> None:
    for number in range(count):
        scenario = add_scenario(counselor.organization, f"Case {Session.objects.count()} {number}")
        assign(scenario, counselor, supervisor)
        session, _ = start_free_practice(counselor, "chat", scenario)
        write_turns(session, "hi", "hello")
        end_session(session, "hung_up")


@pytest.mark.parametrize(
    ("path", "role"),
    [
        ("/", "counselor"),
        ("/", "supervisor"),
        ("/sessions/", "counselor"),
        ("/sessions/", "supervisor"),
        ("/admin/training/session/", "supervisor"),
        ("/admin/training/assignment/", "supervisor"),
        ("/admin/scenarios/scenario/", "supervisor"),
        ("/admin/evaluation/evaluation/", "supervisor"),
    ],
)
def test_lists_take_fixed_number_of_queries(
    path, role, counselor, supervisor, django_assert_num_queries, django_assert_max_num_queries
):
    client = client_of(counselor if role == "counselor" else supervisor)
    add_sessions(counselor, supervisor, 1)
    limit = 24 if (path, role) == ("/", "supervisor") else 20  # a supervisor's Today is six lists and a checklist
    with django_assert_max_num_queries(limit) as queries:
        client.get(path)

    add_sessions(counselor, supervisor, 29)

    with django_assert_num_queries(len(queries)):
        client.get(path)


@pytest.mark.parametrize(
    "path", ["/sessions/{}/", "/sessions/{}/transcript/", "/api/sessions/{}/", "/sessions/{}/feedback/"]
)
def test_session_page_takes_fixed_number_of_queries(
    path, counselor, chat, django_assert_num_queries, django_assert_max_num_queries
):
    client = client_of(counselor)
    write_turns(chat, "hi", "hello")
    with django_assert_max_num_queries(20) as queries:
        client.get(path.format(chat.pk))

    write_turns(chat, *["and then"] * 28)

    with django_assert_num_queries(len(queries)):
        client.get(path.format(chat.pk))


def test_feedback_api_returns_score_grade_and_criteria(counselor, graded_evaluation, finished_chat):
    body = json.loads(page_text(counselor, f"/api/sessions/{finished_chat.pk}/evaluation/"))

    assert (body["status"], body["score"], body["grade"]) == (
        "completed",
        graded_evaluation.score,
        graded_evaluation.grade,
    )
    assert len(body["criteria"]) == graded_evaluation.criteria.count()
    assert set(body["criteria"][0]) == {
        "key", "check", "source", "branch", "is_red_line", "weight", "verdict", "reviewed_verdict", "final_verdict",
        "reason", "quotes", "citations",
    }  # fmt: skip


def test_feedback_api_returns_202_with_location_then_200(counselor, chat, standin):
    write_turns(chat, "hi", "Hello, I'm Sam.")
    client, path = client_of(counselor), f"/api/sessions/{chat.pk}/evaluation/"

    created = client.post(path)
    polled = client.get(path)
    grade_evaluation(chat.evaluations.get().pk)
    existing = client.post(path)

    assert (created.status_code, created["Location"], created.json()["status"]) == (202, path, "queued")
    assert (polled.status_code, polled.json()["status"]) == (200, "queued")
    assert (existing.status_code, existing.json()["status"]) == (200, "completed")
    assert chat.evaluations.count() == 1


def test_feedback_api_returns_404_before_feedback_is_requested(counselor, chat):
    response = client_of(counselor).get(f"/api/sessions/{chat.pk}/evaluation/")

    assert (response.status_code, response.json()["code"]) == (404, "not_found")


def test_feedback_api_refuses_live_session_of_another_person(supervisor, chat):
    response = client_of(supervisor).post(f"/api/sessions/{chat.pk}/evaluation/")

    assert (response.status_code, response.json()["code"]) == (409, "session_live")


def test_feedback_page_shows_both_verdicts(counselor, evaluator, graded_evaluation, finished_chat):
    check = graded_evaluation.criteria.first()
    record_review(
        graded_evaluation,
        evaluator,
        Review.Verdict.OVERRULE,
        "You did say it, in other words.",
        check,
        "not_applicable",
    )

    body = page_text(counselor, f"/sessions/{finished_chat.pk}/checks/")
    summary = page_text(counselor, f"/sessions/{finished_chat.pk}/")

    assert f"<strong>{evaluator} changed the verdict to “Not applicable”.</strong> You did say it" in body
    assert f"The evaluator’s verdict was “{check.get_verdict_display()}”." in body
    grade = f"{graded_evaluation.grade}, {graded_evaluation.score} out of 100"
    assert f"The evaluator’s grade was {grade}. The reviewed grade takes precedence." in summary
