import json
from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Account
from scenarios.models import Scenario
from tests.support.fixtures import (
    CONTEXT_CANARY,
    PROMPT_CANARY,
    SECTIONS_CANARY,
    add_person,
    add_scenario,
    client_of,
    write_turns,
)
from training.models import Assignment, EndReason, Session
from training.services.call_leases import acquire_call
from training.services.call_tickets import redeem_ticket
from training.services.greetings import prepare_greeting
from training.services.sessions import end_session

SESSIONS = "/api/sessions/"
UNKNOWN = uuid4()


def post(client: Client, path: str, body: object = None, **extra):
    return client.post(path, body, content_type="application/json", **extra)


def start_session(client: Client, **body):
    return post(client, SESSIONS, body)


def test_start_assignment_returns_201_with_a_pending_greeting(counselor, chat_assignment):
    response = start_session(client_of(counselor), type="assignment", assignment_id=str(chat_assignment.pk))

    session = Session.objects.get()
    started_at = response.json().pop("started_at")
    assert started_at
    assert response.status_code == 201
    assert response.json() | {"started_at": None} == {
        "id": str(session.pk),
        "mode": "chat",
        "kind": "assignment",
        "status": "active",
        "end_reason": "",
        "greeting": "pending",
        "revision": 0,
        "title": "Writing from the train",
        "name": "",
        "page": f"/sessions/{session.pk}/",
        "counselor": str(session.counselor_id),
        "scenario": str(session.scenario_id),
        "assignment": str(session.assignment_id),
        "attempt": 1,
        "score": None,
        "started_at": None,
        "ended_at": None,
        "transcript": [],
    }


def test_start_assignment_returns_the_live_session_with_200(counselor, chat, chat_assignment):
    response = start_session(client_of(counselor), type="assignment", assignment_id=str(chat_assignment.pk))

    assert (response.status_code, response.json()["id"]) == (200, str(chat.pk))


def test_start_second_call_returns_409_with_the_first_calls_id(counselor, call):
    response = start_session(client_of(counselor), type="free_practice", mode="phone")

    assert response.status_code == 409
    assert response.json() == {
        "detail": "You’re already in another call. End that call first.",
        "code": "call_live",
        "fields": {},
        "request_id": "",
        "session_id": str(call.pk),
    }


def test_start_closed_assignment_returns_409(counselor, chat_assignment):
    Assignment.objects.update(status=Assignment.Status.COMPLETED)

    response = start_session(client_of(counselor), type="assignment", assignment_id=str(chat_assignment.pk))

    assert (response.status_code, response.json()["code"]) == (409, "assignment_closed")


def test_start_accepts_only_the_users_own_id(counselor, colleague, chat_assignment):
    body = {"type": "assignment", "assignment_id": str(chat_assignment.pk)}

    rejected = start_session(client_of(counselor), **body, user_id=str(colleague.pk))
    accepted = start_session(client_of(counselor), **body, user_id=str(counselor.pk))

    assert (rejected.status_code, rejected.json()["code"]) == (403, "permission_denied")
    assert accepted.status_code == 201


def test_start_returns_404_for_other_peoples_and_unknown_assignments(colleague, supervisor, stranger, chat_assignment):
    for person in (colleague, supervisor, stranger):
        client = client_of(person)
        theirs = start_session(client, type="assignment", assignment_id=str(chat_assignment.pk))
        unknown = start_session(client, type="assignment", assignment_id=str(UNKNOWN))
        assert (theirs.status_code, theirs.content) == (404, unknown.content)
    assert theirs.json()["code"] == "not_found"
    assert Session.objects.count() == 0


def test_start_free_practice_accepts_only_library_scenarios(counselor, organization, other_organization, chat_scenario):
    client = client_of(counselor)
    hidden = [
        add_scenario(organization, "One time", is_one_time=True),
        add_scenario(organization, "Retired", is_active=False),
        add_scenario(other_organization, "Theirs"),
    ]

    played = start_session(client, type="free_practice", mode="chat", scenario_id=str(chat_scenario.pk))
    unknown = start_session(client, type="free_practice", mode="chat", scenario_id=str(UNKNOWN))

    assert (played.status_code, played.json()["title"]) == (201, "Writing from the train")
    assert unknown.status_code == 404
    for scenario in hidden:
        response = start_session(client, type="free_practice", mode="chat", scenario_id=str(scenario.pk))
        assert (response.status_code, response.content) == (404, unknown.content)


def test_start_free_practice_saves_the_focus(counselor):
    response = start_session(client_of(counselor), type="free_practice", mode="chat", focus="long silences")

    assert (response.status_code, response.json()["title"]) == (201, "Free practice")
    assert Session.objects.get().focus == "long silences"


@pytest.mark.parametrize("mode", ["phone", "chat"])
def test_start_trial_works_in_either_mode_and_returns_the_live_trial(trainer, organization, mode):
    draft = add_scenario(organization, "A draft", is_one_time=True, is_active=False)
    client = client_of(trainer)

    first, again = (start_session(client, type="trial", scenario_id=str(draft.pk), mode=mode) for _ in range(2))

    session = Session.objects.get()
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == again.json()["id"] == str(session.pk)
    assert (first.json()["kind"], first.json()["mode"], first.json()["title"]) == ("trial", mode, "A draft")


def test_start_trial_needs_permission_to_change_scenarios(counselor, evaluator, chat_scenario):
    for person in (counselor, evaluator):
        for scenario in (chat_scenario.pk, UNKNOWN):
            response = start_session(client_of(person), type="trial", scenario_id=str(scenario), mode="chat")
            assert (response.status_code, response.json()["code"]) == (403, "permission_denied")
    assert Session.objects.count() == 0


def test_start_trial_returns_404_for_other_organizations_and_unknown_scenarios(stranger, chat_scenario):
    client = client_of(stranger)

    theirs = start_session(client, type="trial", scenario_id=str(chat_scenario.pk), mode="chat")
    unknown = start_session(client, type="trial", scenario_id=str(UNKNOWN), mode="chat")

    assert (theirs.status_code, theirs.content) == (404, unknown.content)
    assert Session.objects.count() == 0


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{",
        "[]",
        "null",
        '"text"',
        "{}",
        '{"type":"trial"}',
        '{"type":"trial","mode":"chat"}',
        '{"type":"trial","scenario_id":"11111111-1111-4111-8111-111111111111"}',
        '{"type":"drill","mode":"chat"}',
        '{"type":"assignment"}',
        '{"type":"assignment","assignment_id":"717"}',
        '{"type":"assignment","assignment_id":null}',
        '{"type":"free_practice"}',
        '{"type":"free_practice","mode":"letter"}',
        '{"type":"free_practice","mode":"chat","scenario_id":"x"}',
        '{"type":"free_practice","mode":"chat","focus":{}}',
        '{"type":"free_practice","mode":"chat","focus":"\\u0000"}',
        '{"type":"free_practice","mode":"chat","focus":"\\ud800"}',
        json.dumps({"type": "free_practice", "mode": "chat", "focus": "x" * 501}),
        '{"type":"free_practice","mode":"chat","user_id":"me"}',
        "[" * 2000,
    ],
)
def test_start_with_malformed_body_returns_400_with_a_message(counselor, body):
    response = post(client_of(counselor), SESSIONS, body)

    assert response.status_code == 400
    assert isinstance(response.json()["detail"], str) and response.json()["detail"]
    assert response.json()["code"]
    assert Session.objects.count() == 0


def test_start_with_another_content_type_returns_415(counselor):
    response = client_of(counselor).post(SESSIONS, {"type": "free_practice", "mode": "chat"})

    assert response.status_code == 415


def test_start_without_csrf_token_is_refused(counselor):
    client = Client(enforce_csrf_checks=True)
    client.force_login(counselor)

    assert start_session(client, type="free_practice", mode="chat").status_code == 403
    assert Session.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_start_with_prefer_wait_returns_the_greeting(counselor, chat_assignment, chat, standin):
    prepare_greeting(chat.pk)
    body = {"type": "assignment", "assignment_id": str(chat_assignment.pk)}

    response = post(client_of(counselor), SESSIONS, body, headers={"Prefer": "wait=10"})

    assert (response.json()["greeting"], len(response.json()["transcript"])) == ("ready", 1)


def test_start_with_prefer_wait_returns_when_the_time_is_up(counselor, chat_assignment):
    body = {"type": "assignment", "assignment_id": str(chat_assignment.pk)}

    response = post(client_of(counselor), SESSIONS, body, headers={"Prefer": "respond-async, wait=0"})

    assert (response.status_code, response.json()["greeting"]) == (201, "pending")


def test_session_detail_includes_the_transcript(counselor, supervisor, finished_chat):
    path = f"{SESSIONS}{finished_chat.pk}/"

    counselor_response, supervisor_response = client_of(counselor).get(path), client_of(supervisor).get(path)

    turns = counselor_response.json()["transcript"]
    assert (counselor_response.status_code, supervisor_response.json()) == (200, counselor_response.json())
    assert [turn["role"] for turn in turns] == ["caller", "counselor", "caller", "counselor"]
    fields = {"id", "revision", "item", "after", "role", "text", "final", "source", "interrupted", "start_ms", "end_ms"}
    assert set(turns[0]) == fields
    assert (turns[0]["after"], turns[1]["after"]) == (None, turns[0]["item"])


@pytest.mark.parametrize("action", ["", "messages/", "end/", "ticket/", "evaluation/"])
def test_session_detail_returns_404_for_other_peoples_and_unknown_sessions(action, chat, colleague, stranger):
    for person in (colleague, stranger):
        client = client_of(person)
        body = {"content": "hi"} if action == "messages/" else {}
        send_request = client.get if not action else lambda path, client=client, body=body: post(client, path, body)
        theirs, unknown = send_request(f"{SESSIONS}{chat.pk}/{action}"), send_request(f"{SESSIONS}{UNKNOWN}/{action}")
        assert (theirs.status_code, theirs.content) == (404, unknown.content)


@pytest.mark.parametrize("action", ["messages/", "ticket/"])
def test_supervisor_cannot_take_part_in_a_session(action, chat, call, supervisor):
    for session in (chat, call):
        assert post(client_of(supervisor), f"{SESSIONS}{session.pk}/{action}", {"content": "hi"}).status_code == 404
        session.refresh_from_db()
        assert session.is_live and session.turns.count() == 0


def test_session_end_can_be_repeated(counselor, chat):
    client = client_of(counselor)

    first, again = (post(client, f"{SESSIONS}{chat.pk}/end/") for _ in range(2))

    assert (first.status_code, again.status_code) == (200, 200)
    assert (first.json()["status"], first.json()["end_reason"]) == ("completed", "hung_up")
    assert again.json() == first.json()
    assert chat.evaluations.count() == 1


def test_session_ticket_returns_the_socket_url(counselor, call, settings):
    response = post(client_of(counselor), f"{SESSIONS}{call.pk}/ticket/")

    assert response.status_code == 201
    assert response.json()["url"] == f"{settings.GATEWAY_URL}/ws/calls/{call.pk}/"
    assert response.json()["ticket"] not in response.json()["url"]
    assert redeem_ticket(response.json()["ticket"], call.pk) is not None


def test_session_ticket_returns_409_for_chats_and_for_calls_that_ended_or_are_in_use(counselor, call, chat):
    client = client_of(counselor)

    def request_ticket(session: Session) -> tuple[int, str]:
        response = post(client, f"{SESSIONS}{session.pk}/ticket/")
        return response.status_code, response.json()["code"]

    assert request_ticket(chat) == (409, "not_a_call")
    acquire_call(call)
    assert request_ticket(call) == (409, "in_use")
    end_session(call, EndReason.HUNG_UP)
    assert request_ticket(call) == (409, "session_over")


@pytest.mark.django_db(transaction=True)
def test_message_returns_both_turns(counselor, chat, standin):
    response = post(client_of(counselor), f"{SESSIONS}{chat.pk}/messages/", {"content": "Hello, I'm Sam."})

    mine, theirs = response.json()["turns"]
    assert response.status_code == 201
    assert (mine["role"], mine["text"], mine["source"]) == ("counselor", "Hello, I'm Sam.", "typed")
    assert (theirs["role"], theirs["after"]) == ("caller", mine["item"])
    assert [str(turn.pk) for turn in chat.transcript()] == [mine["id"], theirs["id"]]


@pytest.mark.parametrize(
    "content", [None, "", "   ", 7.5, [], {}, "x" * 10_001, "nul\0", "\ud800"], ids=lambda content: repr(content)[:12]
)
def test_invalid_message_returns_400(counselor, chat, content):
    if isinstance(content, float):
        content = [content]

    response = post(client_of(counselor), f"{SESSIONS}{chat.pk}/messages/", {"content": content})

    assert (response.status_code, response.json()["code"]) == (400, "invalid")
    assert response.json()["detail"]
    assert chat.transcript() == []


@pytest.mark.django_db(transaction=True)
def test_message_of_the_maximum_length_is_accepted(counselor, chat, standin):
    response = post(client_of(counselor), f"{SESSIONS}{chat.pk}/messages/", {"content": "x" * 10_000})

    assert response.status_code == 201


def test_message_to_a_call_or_an_ended_chat_returns_409(counselor, call, finished_chat):
    client = client_of(counselor)

    to_call = post(client, f"{SESSIONS}{call.pk}/messages/", {"content": "hi"})
    too_late = post(client, f"{SESSIONS}{finished_chat.pk}/messages/", {"content": "hi"})

    assert (to_call.status_code, to_call.json()["code"]) == (409, "not_a_chat")
    assert (too_late.status_code, too_late.json()["code"]) == (409, "session_over")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("fault", [{"status": 500}, {"drop": True}, {"refusal": True}])
def test_message_without_a_reply_is_kept_and_can_be_retried(counselor, chat, standin, fault):
    client = client_of(counselor)
    standin.add_fault("POST /v1/responses", fault, times=None)

    failed = post(client, f"{SESSIONS}{chat.pk}/messages/", {"content": "Are you there?"})

    assert failed.status_code == 503
    assert failed.json()["code"] == "caller_unavailable"
    assert failed.json()["retryable"] is True
    assert [turn.text_heard for turn in chat.transcript()] == ["Are you there?"]

    standin.clear_faults()
    answered = post(client, f"{SESSIONS}{chat.pk}/messages/", {"content": "Are you there?"})

    assert answered.status_code == 201
    assert [turn.role for turn in chat.transcript()] == ["counselor", "caller"]


async def post_message_and_read_events(client, session: Session, content: str) -> list[tuple[str, dict]]:
    response = await client.post(
        f"{SESSIONS}{session.pk}/messages/",
        {"content": content},
        content_type="application/json",
        headers={"Accept": "text/event-stream"},
    )
    assert response.status_code == 200
    assert response["Content-Type"] == "text/event-stream"
    text = b"".join([part async for part in response.streaming_content]).decode()
    blocks = [block.split("\n") for block in text.strip().split("\n\n")]
    return [(name.removeprefix("event: "), json.loads(data.removeprefix("data: "))) for name, data in blocks]


@pytest.mark.django_db(transaction=True)
async def test_reply_streams_as_it_is_generated(counselor, chat, standin, log_in, settings):
    settings.OPENAI_SEPARATES_THINKING = True
    client = await log_in(counselor)

    events = await post_message_and_read_events(client, chat, "Hello, I'm Sam.\nWhat happened?")

    names = [name for name, _ in events]
    pieces = [data["text"] for name, data in events if name == "delta"]
    assert (names[0], names[-1], set(names[1:-1])) == ("turn", "turn", {"delta"})
    assert events[0][1]["text"] == "Hello, I'm Sam.\nWhat happened?"
    assert len(pieces) > 1
    assert events[-1][1]["text"] == "".join(pieces).strip()
    assert events[-1][1]["after"] == events[0][1]["item"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("fault", [{"status": 500}, {"drop_after": 900}, {"drop": True}, {"refusal": True}])
async def test_interrupted_reply_sends_an_error_event_and_keeps_the_message(counselor, chat, standin, log_in, fault):
    client = await log_in(counselor)
    standin.add_fault("POST /v1/responses", fault, times=None)

    events = await post_message_and_read_events(client, chat, "Are you there?")

    assert (events[0][0], events[-1][0]) == ("turn", "error")
    assert (events[-1][1]["code"], events[-1][1]["retryable"]) == ("caller_unavailable", True)
    assert [turn.text_heard async for turn in chat.turns.all()] == ["Are you there?"]

    standin.clear_faults()
    again = await post_message_and_read_events(client, chat, "Are you there?")

    assert again[0][1]["id"] == events[0][1]["id"]
    assert again[-1][0] == "turn"
    assert await chat.turns.acount() == 2


@pytest.mark.django_db(transaction=True)
async def test_stream_request_gets_refusals_as_json(counselor, finished_chat, log_in):
    client = await log_in(counselor)

    response = await client.post(
        f"{SESSIONS}{finished_chat.pk}/messages/",
        {"content": "hi"},
        content_type="application/json",
        headers={"Accept": "text/event-stream"},
    )

    assert (response.status_code, response.json()["code"]) == (409, "session_over")


@pytest.mark.django_db(transaction=True)
def test_caller_receives_prompt_and_conversation_but_no_criteria(counselor, chat, standin):
    Scenario.objects.update(description="Practise a written opening.")
    prepare_greeting(chat.pk)
    post(client_of(counselor), f"{SESSIONS}{chat.pk}/messages/", {"content": "Hello, I'm Sam."})

    bodies = [json.dumps(entry["body"]) for entry in standin.logged_requests("http", "/v1/responses")]

    assert len(bodies) == 2
    for body in bodies:
        assert PROMPT_CANARY in body
        for secret in (
            CONTEXT_CANARY,
            SECTIONS_CANARY,
            "file_search",
            "vs_",
            "Writes briefly",
            "Asks at least one open",
        ):
            assert secret not in body
        assert json.loads(body)["store"] is False


@pytest.mark.django_db(transaction=True)
def test_trial_caller_receives_the_same_text_as_any_other_caller(supervisor, chat_scenario, standin):
    start_session(client_of(supervisor), type="trial", scenario_id=str(chat_scenario.pk), mode="chat")
    session = Session.objects.get()
    prepare_greeting(session.pk)
    post(client_of(supervisor), f"{SESSIONS}{session.pk}/messages/", {"content": "Make it harder."})

    bodies = [json.dumps(entry["body"]) for entry in standin.logged_requests("http", "/v1/responses")]

    assert len(bodies) == 2
    for body in bodies:
        assert PROMPT_CANARY in body
        assert not [secret for secret in (CONTEXT_CANARY, SECTIONS_CANARY, "file_search", "vs_") if secret in body]


ONE_TIME = "/api/assignments/one-time/"
SCENARIO = {"title": "After last week's call", "prompt": f"You are Noor, 20. {PROMPT_CANARY}"}


def test_one_time_endpoint_returns_the_scenario_and_its_assignments(supervisor, counselor, colleague, account):
    tomorrow = (timezone.localdate() + timedelta(days=1)).isoformat()
    scenario = SCENARIO | {
        "description": "Practise a written opening.",
        "evaluator_context": f" - Asks before advising. {CONTEXT_CANARY}\r\n",
        "mode": "chat",
        "category": "refresher",
        "skills": ["Grief support", "DE-ESCALATION"],
        "difficulty": "advanced",
        "estimated_minutes": 20,
        "account": str(account.pk),
        "opens": "counselor",
        "content_notes": "",
        "visitor_survey": {},
        "patience": "normal",
        "relevant_policy_sections": "3010",
    }
    people = {"counselors": [str(counselor.pk), str(colleague.pk)], "due_date": tomorrow}
    options = {"notes": "Take your time.", "require_recording": True}

    response = post(client_of(supervisor), ONE_TIME, {"scenario": scenario} | people | options)

    body, created = response.json(), Scenario.objects.get()
    assert response.status_code == 201
    assert body["scenario"].pop("created_at") and body["scenario"].pop("updated_at")
    assert body["scenario"] == {name: value for name, value in scenario.items() if name != "evaluator_context"} | {
        "id": str(created.pk),
        "account_procedures": None,
        "created_by": str(supervisor.pk),
        "category": "Refresher",
        "skills": ["De-escalation", "Grief support"],
        "is_one_time": True,
        "is_active": True,
    }
    assert created.evaluator_context == f" - Asks before advising. {CONTEXT_CANARY}\n"
    assert [(row["counselor"], row["scenario"]) for row in body["assignments"]] == [
        (str(counselor.pk), str(created.pk)),
        (str(colleague.pk), str(created.pk)),
    ]
    for row in body["assignments"]:
        assert (row["due_date"], row["notes"], row["require_recording"]) == (tomorrow, "Take your time.", True)
        assert (row["status"], row["completed_at"]) == ("pending", None)
    assert {row["id"] for row in body["assignments"]} == {str(row.pk) for row in Assignment.objects.all()}


def test_one_time_endpoint_needs_only_the_required_fields(admin, counselor):
    response = post(client_of(admin), ONE_TIME, {"scenario": SCENARIO, "counselors": [str(counselor.pk)]})

    scenario = response.json()["scenario"]
    assert response.status_code == 201
    assert (scenario["mode"], scenario["difficulty"], scenario["estimated_minutes"]) == ("phone", "intermediate", 15)
    assert (scenario["category"], scenario["skills"], scenario["account"], scenario["opens"]) == (None, [], None, "")


def test_one_time_endpoint_needs_both_permissions(counselor, trainer, evaluator):
    for person in (counselor, trainer, evaluator):
        response = post(client_of(person), ONE_TIME, {"scenario": SCENARIO, "counselors": [str(counselor.pk)]})
        assert (response.status_code, response.json()["code"]) == (403, "permission_denied")
    assert Scenario.objects.count() == 0


def test_one_time_endpoint_reports_all_errors_and_saves_nothing(supervisor, counselor, other_organization):
    theirs = Account.objects.create(organization=other_organization, name="Theirs")
    scenario = {
        "title": " ",
        "description": "x" * 1001,
        "prompt": "x" * 10_001,
        "evaluator_context": "x" * 50_001,
        "mode": "letter",
        "category": "Juggling",
        "skills": ["Grief support", "Juggling"],
        "difficulty": "easy",
        "estimated_minutes": 4,
        "account": str(theirs.pk),
        "opens": "nobody",
        "relevant_policy_sections": "x" * 2001,
    }
    people = {"counselors": [str(counselor.pk), str(UNKNOWN)], "due_date": "2020-01-31", "notes": "x" * 1001}

    response = post(client_of(supervisor), ONE_TIME, {"scenario": scenario} | people)

    errors = response.json()["fields"]
    assert (response.status_code, response.json()["code"]) == (400, "invalid")
    expected = {"counselors", "due_date", "notes", *(f"scenario.{name}" for name in scenario)}
    assert {path.removesuffix(".0") for path in errors} == expected
    assert errors["counselors"] == [f"Unknown ID: {UNKNOWN}."]
    assert [message.split(". ")[0] for message in errors["scenario.category"]] == ["There is no category “Juggling”"]
    assert [message.split(". ")[0] for message in errors["scenario.skills"]] == ["There is no skill “Juggling”"]
    assert errors["scenario.account"] == [f"There is no account {theirs.pk}."]
    assert errors["due_date"] == ["January 31, 2020 is in the past. Choose today or a later date."]
    assert (Scenario.objects.count(), Assignment.objects.count()) == (0, 0)


def test_one_time_endpoint_refuses_counselors_of_another_organization(
    supervisor, evaluator, counselor, other_organization
):
    inactive = add_person(supervisor.organization, "counselor", "inactive@example.org")
    inactive.is_active = False
    inactive.save()
    theirs = add_person(other_organization, "counselor", "theirs@example.net")

    for person in (evaluator, supervisor, inactive, theirs):
        people = [str(counselor.pk), str(person.pk)]
        response = post(client_of(supervisor), ONE_TIME, {"scenario": SCENARIO, "counselors": people})
        assert response.status_code == 400
        assert response.json()["fields"] == {"counselors": [f"Unknown ID: {person.pk}."]}
    assert (Scenario.objects.count(), Assignment.objects.count()) == (0, 0)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        "null",
        "{}",
        '{"scenario":[],"counselors":[]}',
        '{"scenario":{"title":"x","prompt":"y"},"counselors":"all"}',
        '{"scenario":{"title":"x","prompt":"y"},"counselors":["717"]}',
        '{"scenario":{"title":"x","prompt":"y\\u0000"},"counselors":[]}',
        '{"scenario":{"title":"x","prompt":"y","skills":{}},"counselors":[]}',
        '{"scenario":{"title":"x","prompt":"y","evaluator_context":"\\ud800"},"counselors":[]}',
        json.dumps({"scenario": {"title": "x", "prompt": "y"}, "counselors": [str(UNKNOWN)] * 51}),
        json.dumps({"scenario": {"title": "x", "prompt": "y", "skills": ["Grief support"] * 11}, "counselors": []}),
    ],
)
def test_one_time_endpoint_with_malformed_body_returns_400(supervisor, body):
    response = post(client_of(supervisor), ONE_TIME, body)

    assert response.status_code == 400
    assert isinstance(response.json()["detail"], str) and response.json()["detail"]
    assert Scenario.objects.count() == 0


def test_api_never_shows_a_counselor_the_prompt_or_criteria(counselor, chat, chat_assignment, call):
    write_turns(chat, "hi")
    client = client_of(counselor)
    responses = [
        start_session(client, type="assignment", assignment_id=str(chat_assignment.pk)),
        client.get(f"{SESSIONS}{chat.pk}/"),
        client.get(f"{SESSIONS}{call.pk}/"),
        post(client, f"{SESSIONS}{call.pk}/ticket/"),
        post(client, f"{SESSIONS}{chat.pk}/end/"),
        client.get(f"{SESSIONS}{chat.pk}/evaluation/"),
    ]

    for response in responses:
        assert response.status_code in {200, 201}
        text = response.content.decode()
        assert not [canary for canary in (PROMPT_CANARY, CONTEXT_CANARY, SECTIONS_CANARY) if canary in text]
