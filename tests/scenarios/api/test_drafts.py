import json
from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from accounts.models import Organization, User
from config.celery import app as celery
from scenarios.models import Scenario, ScenarioDraft
from scenarios.services.draft_generation import generate_draft
from scenarios.services.drafts import request_draft
from tests.support.fixtures import add_person, client_of
from training.models import Assignment

DRAFTS = "/api/scenarios/drafts/"
UNKNOWN = UUID(int=1)
SOURCE = (
    "Margaret Hollis of 22 Alder Street, number 555-014-2778, works at Brightwater Dairy. After the funeral of her "
    "husband she was put on hold for eleven minutes."
)
DRAFT_TEXTS = {
    "title": "After the funeral",
    "description": "A widow was kept waiting.",
    "prompt": "You are Noor, 61. Your number is 555-014-2778.",
    "evaluator_context": "- Names the loss that Margaret speaks of.",
    "relevant_policy_sections": "2020",
}
CLEAN = {"prompt": "You are Noor, 61.", "evaluator_context": "- Names the loss."}


def send(client: Client, path: str = "", body: object = None, **extra):
    return client.post(DRAFTS + path, json.dumps(body), content_type="application/json", **extra)


@pytest.fixture
def client(supervisor) -> Client:
    return client_of(supervisor)


@pytest.fixture
def new_draft(supervisor, account) -> ScenarioDraft:
    return request_draft(supervisor, SOURCE, "Angrier.", account, "chat", "expert")


@pytest.fixture
def ready_draft(new_draft, organization) -> ScenarioDraft:
    """Return a draft as the model would leave it, without calling a model."""
    ScenarioDraft.objects.update(status=ScenarioDraft.Status.READY, **DRAFT_TEXTS)
    new_draft.refresh_from_db()
    new_draft.skills.set(organization.skills.filter(name="Grief support"))
    return new_draft


@pytest.fixture
def worker() -> Iterator[None]:
    """Run each task as soon as it is queued."""
    celery.conf.task_always_eager = True
    yield
    celery.conf.task_always_eager = False


def test_create_returns_202_with_location(client, supervisor, account):
    options = {"instructions": "Angrier.", "account": str(account.pk), "mode": "chat", "difficulty": "expert"}

    response = send(client, body={"source": SOURCE} | options)

    draft = ScenarioDraft.objects.get()
    data = response.json()
    assert (response.status_code, response["Location"]) == (202, f"{DRAFTS}{draft.pk}/")
    assert {name: data[name] for name in options} == options
    assert (data["status"], data["source"], data["title"], data["personal"]) == ("writing", SOURCE, "", [])
    assert (draft.created_by, draft.organization, draft.account) == (supervisor, supervisor.organization, account)
    assert client.get(response["Location"]).json() == data


def test_create_accepts_file(client):
    file = SimpleUploadedFile("complaint.TXT", f"\ufeff{SOURCE}".encode())

    response = client.post(DRAFTS, {"file": file, "mode": "chat"})

    assert (response.status_code, response.json()["source"], response.json()["mode"]) == (202, SOURCE, "chat")


@pytest.mark.django_db(transaction=True)
def test_prefer_wait_returns_draft(client, standin, worker):
    response = send(client, body={"source": SOURCE}, headers={"Prefer": "wait=10"})

    data = response.json()
    assert (response.status_code, data["status"], data["failure"]) == (201, "ready", "")
    assert data["title"] and data["prompt"] and data["evaluator_context"] and data["skills"]


@pytest.mark.django_db(transaction=True)
def test_prefer_wait_returns_failure_and_allows_retry(client, standin, worker):
    standin.add_fault("POST /v1/responses", {"refusal": True}, times=None)
    failed = send(client, body={"source": SOURCE, "instructions": "Quiet."}, headers={"Prefer": "wait=10"})
    standin.clear_faults()

    path = failed["Location"].removeprefix(DRAFTS) + "again/"
    again = send(client, path, {"instructions": "Angrier."}, headers={"Prefer": "wait=10"})

    assert (failed.status_code, failed.json()["status"], bool(failed.json()["failure"])) == (201, "failed", True)
    assert (failed.json()["source"], failed.json()["instructions"]) == (SOURCE, "Quiet.")
    assert (again.status_code, again.json()["status"], again.json()["instructions"]) == (200, "ready", "Angrier.")


@pytest.mark.parametrize(
    ("field", "body"),
    [
        ("source", {}),
        ("source", {"source": ""}),
        ("source", {"source": "too short"}),
        ("source", {"source": "x" * 15_001}),
        ("source", {"source": None}),
        ("source", {"source": [SOURCE]}),
        ("source", {"source": SOURCE + "\ud800"}),
        ("file", {"file": SOURCE}),
        ("instructions", {"source": SOURCE, "instructions": "x" * 1001}),
        ("instructions", {"source": SOURCE, "instructions": {}}),
        ("account", {"source": SOURCE, "account": "717"}),
        ("account", {"source": SOURCE, "account": str(UNKNOWN)}),
        ("mode", {"source": SOURCE, "mode": "\ud800"}),
        ("difficulty", {"source": SOURCE, "difficulty": 7}),
        ("status", {"source": SOURCE, "status": "ready"}),
        ("text", {"text": SOURCE}),
    ],
)
def test_create_with_invalid_fields_starts_nothing(client, account, field, body):
    response = send(client, body=body)

    assert (response.status_code, response.json()["code"], list(response.json()["fields"])) == (400, "invalid", [field])
    assert ScenarioDraft.objects.count() == 0


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("complaint.docx", b"PK\x03\x04" * 20),
        ("complaint.pdf", b"x" * 100),
        ("complaint.pdf", b"%PDF-1.7 and nothing of one" * 5),
        ("complaint.txt", b"\xff" * 100),
        ("complaint.txt", b"short"),
        ("complaint.txt", b"x" * 15_001),
        ("complaint.txt", b"x" * (10 * 1024**2 + 1)),
        ("complaint.txt", b""),
    ],
)
def test_create_rejects_unsupported_file(client, name, content):
    response = client.post(DRAFTS, {"file": SimpleUploadedFile(name, content)})

    assert (response.status_code, list(response.json()["fields"])) == (400, ["file"])
    assert ScenarioDraft.objects.count() == 0


def test_create_requires_either_text_or_file(client):
    response = client.post(DRAFTS, {"file": SimpleUploadedFile("a.txt", SOURCE.encode()), "source": SOURCE})

    assert (response.status_code, list(response.json()["fields"])) == (400, ["source"])


@pytest.mark.parametrize("body", ["", "{", "[]", "null", "[" * 2000])
def test_malformed_body_returns_400(client, ready_draft, body):
    for path in (DRAFTS, f"{DRAFTS}{ready_draft.pk}/again/", f"{DRAFTS}{ready_draft.pk}/save/"):
        response = client.post(path, body, content_type="application/json")
        if body or path == DRAFTS:
            assert (response.status_code, bool(response.json()["detail"])) == (400, True)


def test_draft_above_the_rate_limit_returns_429_and_saves_nothing(client, trainer, settings):
    settings.DRAFTS_PER_HOUR = 2
    responses = [send(client, body={"source": SOURCE}) for _ in range(3)]

    assert [response.status_code for response in responses] == [202, 202, 429]
    error = responses[-1].json()
    assert (error["code"], error["retry_after"]) == ("throttled", int(responses[-1]["Retry-After"]))
    assert error["detail"].startswith("You can request up to 2 drafts an hour. No draft was requested")
    assert 3000 < error["retry_after"] <= 3600
    assert ScenarioDraft.objects.count() == 2
    assert client.get(DRAFTS).status_code == 200
    assert send(client_of(trainer), body={"source": SOURCE}).status_code == 202


def test_retry_counts_toward_rate_limit_and_changes_nothing_above_it(client, ready_draft, settings):
    settings.DRAFTS_PER_HOUR = 1
    send(client, body={"source": SOURCE})

    assert send(client, f"{ready_draft.pk}/again/", {"instructions": "Other."}).status_code == 429
    before = ready_draft.instructions
    ready_draft.refresh_from_db()
    assert (ready_draft.status, ready_draft.instructions) == ("ready", before)


def test_ready_draft_lists_pii(client, ready_draft, account):
    data = client.get(f"{DRAFTS}{ready_draft.pk}/").json()

    assert {name: data[name] for name in DRAFT_TEXTS} == DRAFT_TEXTS
    assert (data["skills"], data["account"], data["scenario"]) == (["Grief support"], str(account.pk), None)
    found = {(one["field"], one["text"]): one for one in data["personal"]}
    number, name = found["prompt", "555-014-2778"], found["evaluator_context", "Margaret"]
    assert DRAFT_TEXTS["prompt"][number["start"] : number["end"]] == "555-014-2778"
    assert (number["kind"], number["is_certain"], name["kind"], name["is_certain"]) == ("number", True, "name", False)


def test_list_omits_complaints_with_constant_queries(client, supervisor, django_assert_num_queries):
    for count in (2, 20):
        for _ in range(count):
            request_draft(supervisor, SOURCE)
        with django_assert_num_queries(4):  # session, person, page, skills
            page = client.get(DRAFTS + "?page_size=100")

    assert len(page.json()["results"]) == 22
    assert "Margaret" not in page.content.decode()


def test_retry_regenerates_draft(client, ready_draft):
    response = send(client, f"{ready_draft.pk}/again/", {"instructions": "Quieter."})

    ready_draft.refresh_from_db()
    assert (response.status_code, response["Location"]) == (202, f"{DRAFTS}{ready_draft.pk}/")
    assert (response.json()["status"], ready_draft.instructions) == ("writing", "Quieter.")


def test_retry_keeps_instructions_by_default(client, ready_draft):
    assert send(client, f"{ready_draft.pk}/again/").status_code == 400
    assert send(client, f"{ready_draft.pk}/again/", {}).json()["instructions"] == "Angrier."


def test_retry_of_writing_or_saved_draft_returns_409(client, new_draft):
    writing = send(client, f"{new_draft.pk}/again/", {})
    ScenarioDraft.objects.update(status=ScenarioDraft.Status.SAVED)
    saved = send(client, f"{new_draft.pk}/again/", {})

    assert (writing.status_code, writing.json()["code"]) == (409, "writing")
    assert (saved.status_code, saved.json()["code"]) == (409, "saved")
    assert writing.json()["detail"] == "You can’t do this now. The draft’s status is “Being written”."


def test_save_with_pii_returns_409(client, ready_draft):
    response = send(client, f"{ready_draft.pk}/save/", {})

    data = response.json()
    assert (response.status_code, data["code"]) == (409, "personal_left")
    assert {(one["field"], one["text"]) for one in data["found"]} == {
        ("prompt", "555-014-2778"),
        ("evaluator_context", "Margaret"),
    }
    assert Scenario.objects.count() == 0
    assert client.get(f"{DRAFTS}{ready_draft.pk}/").json()["source"] == SOURCE


def test_only_uncertain_pii_can_be_dismissed(client, ready_draft):
    found = client.get(f"{DRAFTS}{ready_draft.pk}/").json()["personal"]
    dismissed = [one["dismissal"] for one in found]

    rejected = send(client, f"{ready_draft.pk}/save/", {"dismissed": dismissed})
    saved = send(client, f"{ready_draft.pk}/save/", {"dismissed": dismissed, "prompt": CLEAN["prompt"]})

    assert [one["text"] for one in rejected.json()["found"]] == ["555-014-2778"]
    assert (saved.status_code, saved.json()["evaluator_context"]) == (201, DRAFT_TEXTS["evaluator_context"])


def test_edited_draft_is_saved_once(client, ready_draft, supervisor, account):
    edited = CLEAN | {
        "title": "The eleventh minute",
        "skills": ["termination"],
        "category": "Refresher",
        "estimated_minutes": 25,
        "relevant_policy_sections": "3010",
    }

    response = send(client, f"{ready_draft.pk}/save/", edited)
    again = send(client, f"{ready_draft.pk}/save/", edited)

    scenario = Scenario.objects.get()
    data = response.json()
    assert response.status_code == 201
    assert {name: data[name] for name in edited} == edited | {"skills": ["Termination"]}
    # Fields that were not sent keep their drafted values.
    assert (data["description"], data["mode"], data["difficulty"]) == (DRAFT_TEXTS["description"], "chat", "expert")
    assert (data["account"], scenario.created_by) == (str(account.pk), supervisor)
    assert client.get(f"/api/scenarios/{scenario.pk}/").json() | {"assignments": []} == data
    assert scenario.is_one_time is False
    assert (again.status_code, again.json()["code"]) == (409, "saved")
    draft = client.get(f"{DRAFTS}{ready_draft.pk}/").json()
    assert (draft["status"], draft["scenario"], draft["source"]) == ("saved", str(scenario.pk), "")


@pytest.mark.parametrize("is_one_time", [True, False])
def test_save_assigns_counselors(client, ready_draft, supervisor, counselor, colleague, is_one_time):
    tomorrow = timezone.localdate() + timedelta(days=1)
    terms = {"due_date": str(tomorrow), "notes": "Take your time.", "require_recording": True}
    people = [str(counselor.pk), str(colleague.pk), str(counselor.pk)]

    response = send(
        client, f"{ready_draft.pk}/save/", CLEAN | terms | {"is_one_time": is_one_time, "counselors": people}
    )

    scenario, rows = Scenario.objects.get(), Assignment.objects.all()
    assert (response.status_code, scenario.is_one_time) == (201, is_one_time)
    assert {row.counselor for row in rows} == {counselor, colleague} and len(rows) == 2
    assert {(row.scenario, row.assigned_by, row.due_date, row.notes, row.require_recording) for row in rows} == {
        (scenario, supervisor, tomorrow, "Take your time.", True)
    }
    assignments = response.json()["assignments"]
    assert {(one["id"], one["notes"]) for one in assignments} == {(str(row.pk), "Take your time.") for row in rows}


@pytest.mark.parametrize(
    "data",
    [
        {"is_one_time": True},
        {"is_one_time": True, "counselors": []},
        {"notes": "Take your time."},
        {"require_recording": True},
    ],
)
def test_one_time_save_requires_counselors(client, ready_draft, data):
    response = send(client, f"{ready_draft.pk}/save/", CLEAN | data)

    assert (response.status_code, list(response.json()["fields"])) == (400, ["counselors"])
    ready_draft.refresh_from_db()
    assert (ready_draft.status, Scenario.objects.count()) == ("ready", 0)


def test_save_rejects_counselors_of_another_organization(client, ready_draft, other_organization):
    theirs = add_person(other_organization, User.Role.COUNSELOR, "wombat@example.net")

    response = send(client, f"{ready_draft.pk}/save/", CLEAN | {"counselors": [str(theirs.pk)]})

    assert (response.status_code, list(response.json()["fields"])) == (400, ["counselors"])
    assert (Scenario.objects.count(), Assignment.objects.count()) == (0, 0)


def test_trainer_saves_for_library_only(trainer, ready_draft, counselor):
    client = client_of(trainer)
    chosen = {"counselors": [str(counselor.pk)]}
    for data in (chosen, chosen | {"is_one_time": True}, {"is_one_time": True}):
        assert send(client, f"{ready_draft.pk}/save/", CLEAN | data).status_code == 403
    assert Scenario.objects.count() == 0

    assert send(client, f"{ready_draft.pk}/save/", CLEAN).status_code == 201


def test_restore_brings_back_earlier_draft(client, ready_draft):
    rejected = send(client, f"{ready_draft.pk}/restore/")
    ScenarioDraft.objects.update(status="failed", failure="The model refused.")
    response = send(client, f"{ready_draft.pk}/restore/")

    data = response.json()
    assert (rejected.status_code, rejected.json()["code"]) == (409, "ready")
    assert (response.status_code, data["status"], data["failure"]) == (200, "ready", "")
    assert {name: data[name] for name in DRAFT_TEXTS} == DRAFT_TEXTS
    assert data["personal"] != []


def test_kept_complaint_can_be_deleted(client, ready_draft):
    Organization.objects.update(keeps_sources=True)
    send(client, f"{ready_draft.pk}/save/", CLEAN)
    assert client.get(f"{DRAFTS}{ready_draft.pk}/").json()["source"] == SOURCE

    response = client.delete(f"{DRAFTS}{ready_draft.pk}/source/")

    data = client.get(f"{DRAFTS}{ready_draft.pk}/").json()
    assert (response.status_code, response.content) == (204, b"")
    assert (data["status"], data["source"], data["instructions"]) == ("saved", "", "")
    assert Scenario.objects.count() == 1


def test_complaint_of_open_draft_cannot_be_deleted(client, ready_draft):
    response = client.delete(f"{DRAFTS}{ready_draft.pk}/source/")

    ready_draft.refresh_from_db()
    assert (response.status_code, response.json()["code"], ready_draft.source) == (409, "ready", SOURCE)


def test_save_keeps_suggested_skills(client, ready_draft):
    response = send(client, f"{ready_draft.pk}/save/", CLEAN)

    assert (response.status_code, response.json()["skills"]) == (201, ["Grief support"])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", ""),
        ("title", "x" * 256),
        ("prompt", None),
        ("skills", ["Singing"]),
        ("skills", "Termination"),
        ("category", "Onbording"),
        ("estimated_minutes", 4),
        ("evaluator_context", "x" * 50_001),
        ("counselors", ["Margaret"]),
        ("counselors", [str(UNKNOWN)]),
        ("due_date", "2020-01-01"),
        ("notes", "x" * 1001),
        ("dismissed", "Margaret"),
        ("dismissed", ["x"] * 201),
        ("dismissed", [None]),
        ("source", "Another."),
    ],
)
def test_save_with_invalid_fields_keeps_draft(client, ready_draft, field, value):
    response = send(client, f"{ready_draft.pk}/save/", CLEAN | {field: value})

    named = [path.split(".")[0] for path in response.json()["fields"]]
    assert (response.status_code, named) == (400, [field])
    ready_draft.refresh_from_db()
    assert (ready_draft.status, ready_draft.prompt, Scenario.objects.count()) == ("ready", DRAFT_TEXTS["prompt"], 0)


def test_save_rejects_overlong_generated_text(client, ready_draft):
    ScenarioDraft.objects.update(description="x" * 1001)

    response = send(client, f"{ready_draft.pk}/save/", CLEAN)

    assert (response.status_code, list(response.json()["fields"])) == (400, ["description"])


def test_save_of_writing_or_failed_draft_returns_409(client, new_draft):
    for status in ("writing", "failed"):
        ScenarioDraft.objects.update(status=status)
        response = send(client, f"{new_draft.pk}/save/", {"title": "A", "prompt": "p"})
        assert (response.status_code, response.json()["code"]) == (409, status)
    assert Scenario.objects.count() == 0


def test_destroy_discards_draft_and_complaint(client, ready_draft):
    response = client.delete(f"{DRAFTS}{ready_draft.pk}/")

    assert (response.status_code, response.content) == (204, b"")
    assert ScenarioDraft.objects.get().source == ""
    assert (
        client.get(f"{DRAFTS}{ready_draft.pk}/").status_code
        == client.delete(f"{DRAFTS}{ready_draft.pk}/").status_code
        == 404
    )
    assert client.get(DRAFTS).json()["results"] == []


def test_destroy_of_saved_draft_returns_409(client, ready_draft):
    ScenarioDraft.objects.update(status=ScenarioDraft.Status.SAVED)

    response = client.delete(f"{DRAFTS}{ready_draft.pk}/")

    assert (response.status_code, response.json()["code"]) == (409, "saved")


def test_draft_discarded_during_generation_stays_discarded(client, new_draft):
    client.delete(f"{DRAFTS}{new_draft.pk}/")

    generate_draft(new_draft.pk)

    new_draft.refresh_from_db()
    assert (new_draft.status, new_draft.title) == ("discarded", "")


def test_drafts_of_another_organization_return_404(stranger, ready_draft, account):
    other = client_of(stranger)

    def request_all(pk: object) -> list[bytes]:
        path = f"{DRAFTS}{pk}/"
        responses = [
            other.get(path),
            other.delete(path),
            send(other, f"{pk}/again/", {}),
            send(other, f"{pk}/save/", {}),
        ]
        assert {response.status_code for response in responses} == {404}
        return [response.content for response in responses]

    assert request_all(ready_draft.pk) == request_all(UNKNOWN)
    assert other.get(DRAFTS).json()["results"] == []
    assert send(other, body={"source": SOURCE, "account": str(account.pk)}).status_code == 400
    ready_draft.refresh_from_db()
    assert (ready_draft.status, ready_draft.source) == ("ready", SOURCE)


def test_trainer_can_draft_and_evaluator_cannot_see_complaints(trainer, evaluator, ready_draft):
    assert client_of(trainer).delete(f"{DRAFTS}{ready_draft.pk}/").status_code == 204
    for path in (DRAFTS, f"{DRAFTS}{ready_draft.pk}/"):
        assert client_of(evaluator).get(path).status_code == 403
