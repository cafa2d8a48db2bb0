"""Every way to a paid request, and the rate limit on it."""

import ast
import json
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.models import ProcedureDocument
from accounts.procedures.uploads import upload_procedures
from evaluation.models import Evaluation, Flag, Guidelines
from scenarios.models import ImportJob, Scenario, ScenarioDraft
from tests.support.fixtures import *  # noqa: F403
from tests.support.fixtures import client_of, write_turns
from training.models import CallTicket, EndReason, Session
from training.services.call_tickets import issue_ticket
from training.services.sessions import end_session

ROOT = Path(__file__).resolve().parents[2]
APPS = ("accounts", "scenarios", "training", "recordings", "evaluation", "voicegateway")
COMPLAINT = "The counselor kept talking over me for eleven minutes and never asked what I needed. " * 3

# Functions that queue a task with paid requests, and the function that counts the use first.
QUEUED_BY = {
    ("prepare_greeting", "training/services/session_start.py", "_create_session"): "_create_session",
    ("grade_session", "evaluation/services/feedback_requests.py", "queue_evaluation"): "queue_evaluation",
    ("review_documentation", "evaluation/services/documentation.py", "submit_documentation"): "submit_documentation",
    ("review_documentation", "evaluation/services/documentation.py", "retry_documentation"): "retry_documentation",
    ("write_draft", "scenarios/services/drafts.py", "_queue_generation"): "request_draft",
    ("prepare_procedures", "accounts/procedures/uploads.py", "_save_document"): "upload_procedures",
    ("prepare_procedures", "accounts/procedures/uploads.py", "_prepare_again"): "_prepare_again",
}
QUEUEING = {"queue_on_commit", "queue_task"}
PAID_TASKS = {task for task, _, _ in QUEUED_BY}


def functions_of(path: str) -> dict[str, ast.FunctionDef]:
    tree = ast.parse((ROOT / path).read_text())
    return {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def calls_in(node: ast.AST) -> set[str]:
    return {ast.unparse(call.func) for call in ast.walk(node) if isinstance(call, ast.Call)}


def queued_in(node: ast.AST) -> set[str]:
    """Return the names of the tasks that a function queues."""
    calls = [call for call in ast.walk(node) if isinstance(call, ast.Call)]
    queued = [ast.unparse(call.args[0]) for call in calls if ast.unparse(call.func) in QUEUEING and call.args]
    return {name.removeprefix("tasks.") for name in queued if name.startswith("tasks.")}


def test_every_function_that_queues_paid_work_counts_it_first():
    found = {
        (task, path, name)
        for source in (path for app in APPS for path in (ROOT / app).rglob("*.py"))
        for path in [source.relative_to(ROOT).as_posix()]
        for name, function in functions_of(path).items()
        for task in queued_in(function) & PAID_TASKS
    }

    assert found == set(QUEUED_BY)
    assert [
        counter for (_, path, _), counter in QUEUED_BY.items() if "spend" not in calls_in(functions_of(path)[counter])
    ] == []


def refused(response) -> bool:
    """Return True if an API answer is a refusal with its time, in the API's shape."""
    error = response.json()
    return (
        (response.status_code, error["code"]) == (429, "throttled")
        and "Try again in" in error["detail"]
        and error["retry_after"] == int(response["Retry-After"]) > 0
    )


def post(person, path: str, body: object = None, **headers: str):
    return client_of(person).post(path, json.dumps(body or {}), content_type="application/json", headers=headers)


def text_file(name: str, text: str = "Line 717\n\n3010 Asking\n\nAsk directly.") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, text.encode())


def page_text(response) -> str:
    return response.content.decode()


# Sessions, tickets, messages


@pytest.mark.parametrize("owner", ["", "ORGANIZATION_"])
def test_session_above_the_limit_is_not_started(settings, counselor, chat_assignment, owner):
    setattr(settings, f"{owner}SESSIONS_PER_HOUR", 0)

    responses = [
        post(counselor, "/api/sessions/", {"type": "assignment", "assignment_id": str(chat_assignment.pk)}),
        post(counselor, "/api/sessions/", {"type": "free_practice", "mode": "phone"}),
    ]
    page = client_of(counselor).post("/training/chat/begin/", {"assignment": chat_assignment.pk}, follow=True)

    assert [refused(response) for response in responses] == [True, True]
    assert page.redirect_chain == [(f"/training/chat/{chat_assignment.pk}/", 302)]
    assert "No session was started. Try again in" in page_text(page)
    chat_assignment.refresh_from_db()
    assert (Session.objects.count(), chat_assignment.status) == (0, "pending")


def test_session_that_is_already_live_costs_nothing(settings, counselor, chat):
    settings.SESSIONS_PER_HOUR = 0
    body = {"type": "assignment", "assignment_id": str(chat.assignment_id)}

    assert post(counselor, "/api/sessions/", body).status_code == 200


def test_ticket_above_the_limit_is_not_issued(settings, counselor, call):
    settings.TICKETS_PER_MINUTE = 0

    assert refused(post(counselor, f"/api/sessions/{call.pk}/ticket/"))
    assert CallTicket.objects.count() == 0


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
def test_message_above_the_limit_is_not_stored(settings, counselor, chat, accept):
    settings.MESSAGES_PER_MINUTE = 0

    response = post(counselor, f"/api/sessions/{chat.pk}/messages/", {"content": "Hello?"}, Accept=accept)

    assert refused(response)
    assert chat.turns.count() == 0


def test_repeated_message_counts_because_it_asks_for_another_reply(settings, counselor, chat):
    settings.MESSAGES_PER_MINUTE = 2

    responses = [post(counselor, f"/api/sessions/{chat.pk}/messages/", {"content": "Hello?"}) for _ in range(3)]

    assert [response.status_code for response in responses] == [503, 503, 429]
    assert chat.turns.count() == 1


def test_message_refused_on_a_page_without_scripts_is_in_its_box_again(settings, counselor, chat):
    settings.MESSAGES_PER_MINUTE = 0
    client = client_of(counselor)

    response = client.post(f"/training/chat/{chat.pk}/say/", {"message": "I <hear> you."})

    assert (response.status_code, int(response["Retry-After"]) > 0) == (429, True)
    assert "required>I &lt;hear&gt; you.</textarea>" in page_text(response)
    assert "Your message was not sent, and the chat is kept. Try again in" in page_text(response)
    assert chat.turns.count() == 0


# Gradings


def test_automatic_grading_is_never_lost_to_a_limit(settings, chat):
    for name in ("GRADINGS_PER_HOUR", "GRADINGS_PER_HOUR_AND_CONVERSATION", "ORGANIZATION_GRADINGS_PER_HOUR"):
        setattr(settings, name, 0)
    write_turns(chat, "Hi.", "Hello, I'm Sam.")

    end_session(chat, EndReason.HUNG_UP)

    assert [row.status for row in Evaluation.objects.filter(session=chat)] == ["queued"]


def test_automatic_grading_does_not_count_toward_requested_ones(settings, counselor, queued_evaluation):
    settings.GRADINGS_PER_HOUR_AND_CONVERSATION = 2
    path = f"/api/sessions/{queued_evaluation.session_id}/evaluation/"

    statuses = []
    for _ in range(3):
        Evaluation.objects.update(status="failed", available_at=None)
        statuses.append(post(counselor, path).status_code)

    assert statuses == [202, 202, 429]
    page = client_of(counselor).post(f"/sessions/{queued_evaluation.session_id}/feedback/", follow=True)
    assert "The conversation is kept. Try again in" in page_text(page)
    assert Evaluation.objects.count() == 3


def test_grading_again_in_the_administration_counts(settings, supervisor, queued_evaluation):
    settings.GRADINGS_PER_HOUR = 0
    Evaluation.objects.update(status="completed", available_at=None)
    chosen = {"action": "grade_again", "_selected_action": [str(queued_evaluation.session_id)], "confirmed": "yes"}

    page = client_of(supervisor).post("/admin/training/session/", chosen, follow=True)

    assert "The conversation and its feedback so far are kept. Try again in" in page_text(page)
    assert Evaluation.objects.count() == 1


# Reports and drafts


def test_report_above_the_limit_is_not_sent(settings, counselor, finished_chat):
    settings.ORGANIZATION_REPORTS_PER_HOUR = 0

    response = post(counselor, f"/api/sessions/{finished_chat.pk}/report/", {"kind": "other", "text": "It hung."})

    assert refused(response)
    assert Flag.objects.count() == 0


def test_draft_above_the_limit_of_the_organization_is_not_requested(settings, supervisor):
    settings.ORGANIZATION_DRAFTS_PER_HOUR = 0

    assert refused(post(supervisor, "/api/scenarios/drafts/", {"source": COMPLAINT}))
    assert ScenarioDraft.objects.count() == 0


# Uploads


def test_procedures_above_the_limit_are_not_stored(settings, supervisor, admin, account):
    settings.UPLOADS_PER_HOUR = 0
    page = client_of(admin).post(f"/accounts/{account.pk}/procedures/upload/", {"procedures_file": text_file("p.md")})
    inside = client_of(admin).post(
        f"/admin/accounts/account/{account.pk}/change/",
        {"name": account.name, "number": account.number, "procedures_file": text_file("p.md")},
        follow=True,
    )

    assert page.status_code == 429
    assert "This file was not saved, and nothing else was changed. Try again in" in page_text(page)
    assert inside.status_code == 200
    assert ProcedureDocument.objects.count() == 0


def test_failed_procedures_above_the_limit_are_not_retried(settings, admin, account):
    document = upload_procedures(account, text_file("p.md"), admin)
    ProcedureDocument.objects.update(status="failed", available_at=None)
    settings.UPLOADS_PER_HOUR = 0

    api = post(admin, f"/api/accounts/{account.pk}/procedures/{document.pk}/retry/")
    page = client_of(admin).post(f"/accounts/{account.pk}/procedures/{document.pk}/retry/", follow=True)

    assert refused(api)
    assert "Try again in" in page_text(page)
    document.refresh_from_db()
    assert document.status == "failed"


def test_pack_above_the_limit_is_not_read(settings, supervisor):
    settings.UPLOADS_PER_HOUR = 0

    api = post(supervisor, "/api/scenarios/import/", {"scenarios": [{"title": "One", "prompt": "You are Ruth."}]})
    page = client_of(supervisor).post(
        "/admin/scenarios/importjob/add/", {"file": text_file("pack.csv", "title,prompt\nOne,You are Ruth.\n")}
    )

    assert refused(api)
    assert "This file was not saved" in page_text(page)
    assert ImportJob.objects.count() == Scenario.objects.count() == 0


def test_context_file_above_the_limit_changes_nothing(settings, supervisor, chat_scenario):
    settings.UPLOADS_PER_HOUR = 0
    before = chat_scenario.evaluator_context

    response = client_of(supervisor).generic(
        "PATCH",
        f"/api/scenarios/{chat_scenario.pk}/",
        b'--b\r\nContent-Disposition: form-data; name="context_file"; filename="c.md"\r\n\r\n- Asks.\r\n--b--\r\n',
        content_type="multipart/form-data; boundary=b",
    )

    assert refused(response)
    assert Scenario.objects.get(pk=chat_scenario.pk).evaluator_context == before


def test_guidelines_above_the_limit_are_not_kept(settings, admin):
    settings.UPLOADS_PER_HOUR = 0

    page = client_of(admin).post("/admin/evaluation/guidelines/add/", {"file": text_file("g.txt", "Be brief.")})

    assert "This file was not saved" in page_text(page)
    assert Guidelines.objects.count() == 0


def test_page_without_words_of_its_own_shows_the_limit(settings, counselor, call, monkeypatch):
    """Any view that does not handle a limit answers 429 with its words, not 500."""
    settings.TICKETS_PER_MINUTE = 0
    monkeypatch.setattr("evaluation.views.debrief.stop_session", lambda session: issue_ticket(session))

    response = client_of(counselor).post(f"/sessions/{call.pk}/stop/")

    assert (response.status_code, int(response["Retry-After"]) > 0) == (429, True)
    assert "Everything said so far is kept. Try again in" in page_text(response)
