"""The complete workflow of an external learning system that has only a service token."""

import pytest
from django.test import Client

from accounts.integrations.service_tokens import issue_service_token
from evaluation.services.grading import grade_evaluation
from tests.support.fixtures import *  # noqa: F403
from tests.support.fixtures import PROMPT_CANARY, write_turns
from training.models import Assignment, EndReason, Session
from training.services.session_start import start_assignment
from training.services.sessions import end_session

SCOPES = ["scenarios:write", "assignments:write", "assignments:read", "sessions:read", "evaluations:read"]


@pytest.fixture
def api_client(admin) -> Client:
    _, secret = issue_service_token(admin, "Learning system", [*SCOPES, "evaluations:write"])
    return Client(headers={"Authorization": f"Bearer {secret}"})


def post(client: Client, path: str, body: object = None, **headers: str):
    return client.post(path, body or {}, content_type="application/json", headers=headers)


def practice(assignment: Assignment) -> Session:
    session, _ = start_assignment(assignment)
    write_turns(session, "hi", "Hello, my name is Sam. What happened tonight?", "i failed", "That sounds lonely.")
    end_session(session, EndReason.HUNG_UP)
    return session


def test_external_system_assigns_practice_and_reads_every_attempt(api_client, standin):
    scenario = post(api_client, "/api/scenarios/", {"title": "Late train", "prompt": "You are Noor.", "mode": "chat"})
    person = {"external_id": "student-9", "email": "nine@example.org", "first_name": "Nia"}
    wanted = {"person": person, "scenario": scenario.json()["id"], "pass_mark": 100, "attempts_allowed": 2}
    created = post(api_client, "/api/assignments/", wanted, **{"Idempotency-Key": "enrol-9"})
    repeated = post(api_client, "/api/assignments/", wanted, **{"Idempotency-Key": "enrol-9"})
    assert (scenario.status_code, created.status_code, repeated.json()) == (201, 201, created.json())
    assignment = Assignment.objects.get()
    assert assignment.counselor.external_id == "student-9"

    for _ in range(2):
        session = practice(assignment)
        response = post(api_client, f"/api/sessions/{session.pk}/evaluation/")
        assert response.status_code == 202
        grade_evaluation(session.evaluations.get().pk)
        assignment.refresh_from_db()

    attempts = api_client.get(f"/api/sessions/?assignment={assignment.pk}&external_id=student-9").json()["results"]
    assert [(row["attempt"], row["score"]) for row in attempts] == [
        (2, attempts[0]["score"]),
        (1, attempts[1]["score"]),
    ]
    assert all(0 <= row["score"] < 100 for row in attempts)
    first = api_client.get(f"/api/sessions/{attempts[1]['id']}/").json()
    assert [turn["role"] for turn in first["transcript"]] == ["caller", "counselor", "caller", "counselor"]
    result = api_client.get(f"/api/sessions/{attempts[1]['id']}/evaluation/").json()
    assert (result["status"], result["score"]) == ("completed", attempts[1]["score"])
    assert PROMPT_CANARY not in str(first) + str(result)
    done = api_client.get(f"/api/assignments/{assignment.pk}/").json()
    assert (done["status"], done["passed"], done["score"]) == (
        "completed", False, max(row["score"] for row in attempts),
    )  # fmt: skip


def test_token_without_a_scope_is_refused_and_the_scope_is_named(admin):
    _, secret = issue_service_token(admin, "Reader", ["sessions:read"])
    client = Client(headers={"Authorization": f"Bearer {secret}"})

    refused = post(client, "/api/assignments/bulk/", {})

    assert (refused.status_code, refused.json()["detail"]) == (403, "This token needs the scope assignments:write.")
