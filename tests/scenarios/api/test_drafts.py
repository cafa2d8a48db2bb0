import json
from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from accounts.models import Organization, User
from config.celery import app as celery
from scenarios.models import Scenario, ScenarioDraft
from scenarios.services.drafts import generate_draft, request_draft
from tests.support.fixtures import add_person, client_of
from training.models import Assignment

DRAFTS = "/api/scenarios/drafts/"
UNKNOWN = UUID(int=1)
SOURCE = (
    "Margaret Hollis of 22 Alder Street, number 555-014-2778, works at Brightwater Dairy. After the funeral of her "
    "husband she was put on hold for eleven minutes."
)
WRITTEN = {
    "title": "After the funeral",
    "description": "A widow was kept waiting.",
    "prompt": "You are Noor, 61. Your number is 555-014-2778.",
    "evaluator_context": "- Names the loss that Margaret speaks of.",
    "relevant_policy_sections": "2020",
}
CLEAN = {"prompt": "You are Noor, 61.", "evaluator_context": "- Names the loss."}


def send(client: Client, path: str = "", body: object = None, **extra):
    return client.post(DRAFTS + path, json.dumps(body), content_type="application/json", **extra)


@pytest.fixture(autouse=True)
def unthrottled() -> Iterator[None]:
    yield
    cache.clear()


@pytest.fixture
def client(supervisor) -> Client:
    return client_of(supervisor)


@pytest.fixture
def begun(supervisor, account) -> ScenarioDraft:
    return request_draft(supervisor, SOURCE, "Angrier.", account, "chat", "expert")


@pytest.fixture
def ready(begun, organization) -> ScenarioDraft:
    """Return a draft in the state in which the model would leave it, without calling one."""
    ScenarioDraft.objects.update(status=ScenarioDraft.Status.READY, **WRITTEN)
    begun.refresh_from_db()
    begun.skills.set(organization.skills.filter(name="Grief support"))
    return begun


@pytest.fixture
def worker() -> Iterator[None]:
    """Run each task as soon as it is queued."""
    celery.conf.task_always_eager = True
    yield
    celery.conf.task_always_eager = False


def test_a_complaint_is_taken_and_answered_with_where_its_draft_will_be(client, supervisor, account):
    chosen = {"instructions": "Angrier.", "account": str(account.pk), "mode": "chat", "difficulty": "expert"}

    response = send(client, body={"source": SOURCE} | chosen)

    draft = ScenarioDraft.objects.get()
    answer = response.json()
    assert (response.status_code, response["Location"]) == (202, f"{DRAFTS}{draft.pk}/")
    assert {name: answer[name] for name in chosen} == chosen
    assert (answer["status"], answer["source"], answer["title"], answer["personal"]) == ("writing", SOURCE, "", [])
    assert (draft.created_by, draft.organization, draft.account) == (supervisor, supervisor.organization, account)
    assert client.get(response["Location"]).json() == answer


def test_the_complaint_comes_as_a_file_too(client):
    file = SimpleUploadedFile("complaint.TXT", f"\ufeff{SOURCE}".encode())

    response = client.post(DRAFTS, {"file": file, "mode": "chat"})

    assert (response.status_code, response.json()["source"], response.json()["mode"]) == (202, SOURCE, "chat")


@pytest.mark.django_db(transaction=True)
def test_who_would_rather_wait_gets_the_draft(client, standin, worker):
    response = send(client, body={"source": SOURCE}, headers={"Prefer": "wait=10"})

    answer = response.json()
    assert (response.status_code, answer["status"], answer["failure"]) == (201, "ready", "")
    assert answer["title"] and answer["prompt"] and answer["evaluator_context"] and answer["skills"]


@pytest.mark.django_db(transaction=True)
def test_a_refusal_is_told_to_who_waits_and_another_try_is_taken(client, standin, worker):
    standin.add_fault("POST /v1/responses", {"refusal": True}, times=None)
    refused = send(client, body={"source": SOURCE, "instructions": "Quiet."}, headers={"Prefer": "wait=10"})
    standin.clear_faults()

    path = refused["Location"].removeprefix(DRAFTS) + "again/"
    again = send(client, path, {"instructions": "Angrier."}, headers={"Prefer": "wait=10"})

    assert (refused.status_code, refused.json()["status"], bool(refused.json()["failure"])) == (201, "failed", True)
    assert (refused.json()["source"], refused.json()["instructions"]) == (SOURCE, "Quiet.")
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
def test_what_is_wrong_is_said_at_its_field_and_nothing_is_begun(client, account, field, body):
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
def test_a_file_that_is_no_complaint_is_refused(client, name, content):
    response = client.post(DRAFTS, {"file": SimpleUploadedFile(name, content)})

    assert (response.status_code, list(response.json()["fields"])) == (400, ["file"])
    assert ScenarioDraft.objects.count() == 0


def test_a_complaint_is_a_text_or_a_file(client):
    response = client.post(DRAFTS, {"file": SimpleUploadedFile("a.txt", SOURCE.encode()), "source": SOURCE})

    assert (response.status_code, list(response.json()["fields"])) == (400, ["source"])


@pytest.mark.parametrize("body", ["", "{", "[]", "null", "[" * 2000])
def test_a_malformed_body_is_400(client, ready, body):
    for path in (DRAFTS, f"{DRAFTS}{ready.pk}/again/", f"{DRAFTS}{ready.pk}/save/"):
        response = client.post(path, body, content_type="application/json")
        if body or path == DRAFTS:
            assert (response.status_code, bool(response.json()["detail"])) == (400, True)


def test_more_than_ten_drafts_in_a_minute_are_429_for_this_person_only(client, trainer):
    answers = [send(client, body={"source": SOURCE}) for _ in range(11)]

    assert [answer.status_code for answer in answers] == [202] * 10 + [429]
    refused = answers[-1].json()
    assert refused["code"] == "throttled"
    assert refused["detail"].startswith("You have requested too many drafts within a minute")
    assert 0 < int(answers[-1]["Retry-After"]) <= 60
    assert client.get(DRAFTS).status_code == 200
    assert send(client_of(trainer), body={"source": SOURCE}).status_code == 202


def test_another_try_counts_as_a_draft(client, ready):
    for _ in range(10):
        send(client, f"{ready.pk}/again/", {})

    assert send(client, f"{ready.pk}/again/", {}).status_code == 429


def test_a_ready_draft_is_shown_with_what_is_personal_in_it(client, ready, account):
    answer = client.get(f"{DRAFTS}{ready.pk}/").json()

    assert {name: answer[name] for name in WRITTEN} == WRITTEN
    assert (answer["skills"], answer["account"], answer["scenario"]) == (["Grief support"], str(account.pk), None)
    found = {(one["field"], one["text"]): one for one in answer["personal"]}
    number, name = found["prompt", "555-014-2778"], found["evaluator_context", "Margaret"]
    assert WRITTEN["prompt"][number["start"] : number["end"]] == "555-014-2778"
    assert (number["kind"], number["is_certain"], name["kind"], name["is_certain"]) == ("number", True, "name", False)


def test_a_list_tells_nothing_of_the_complaints_with_constant_queries(client, supervisor, django_assert_num_queries):
    for count in (2, 20):
        for _ in range(count):
            request_draft(supervisor, SOURCE)
        with django_assert_num_queries(4):  # session, person, page, skills
            page = client.get(DRAFTS + "?page_size=100")

    assert len(page.json()["results"]) == 22
    assert "Margaret" not in page.content.decode()


def test_another_try_is_written_anew(client, ready):
    response = send(client, f"{ready.pk}/again/", {"instructions": "Quieter."})

    ready.refresh_from_db()
    assert (response.status_code, response["Location"]) == (202, f"{DRAFTS}{ready.pk}/")
    assert (response.json()["status"], ready.instructions) == ("writing", "Quieter.")


def test_another_try_keeps_the_instructions_unless_others_are_sent(client, ready):
    assert send(client, f"{ready.pk}/again/").status_code == 400
    assert send(client, f"{ready.pk}/again/", {}).json()["instructions"] == "Angrier."


def test_no_other_try_while_it_is_written_or_saved(client, begun):
    writing = send(client, f"{begun.pk}/again/", {})
    ScenarioDraft.objects.update(status=ScenarioDraft.Status.SAVED)
    saved = send(client, f"{begun.pk}/again/", {})

    assert (writing.status_code, writing.json()["code"]) == (409, "writing")
    assert (saved.status_code, saved.json()["code"]) == (409, "saved")
    assert writing.json()["detail"] == "You can’t do this now. Status of the draft: Being written."


def test_while_something_personal_is_left_a_draft_is_not_saved(client, ready):
    response = send(client, f"{ready.pk}/save/", {})

    answer = response.json()
    assert (response.status_code, answer["code"]) == (409, "personal_left")
    assert {(one["field"], one["text"]) for one in answer["found"]} == {
        ("prompt", "555-014-2778"),
        ("evaluator_context", "Margaret"),
    }
    assert Scenario.objects.count() == 0
    assert client.get(f"{DRAFTS}{ready.pk}/").json()["source"] == SOURCE


def test_only_what_may_be_a_false_alarm_can_be_dismissed(client, ready):
    found = client.get(f"{DRAFTS}{ready.pk}/").json()["personal"]
    dismissed = [one["dismissal"] for one in found]

    refused = send(client, f"{ready.pk}/save/", {"dismissed": dismissed})
    saved = send(client, f"{ready.pk}/save/", {"dismissed": dismissed, "prompt": CLEAN["prompt"]})

    assert [one["text"] for one in refused.json()["found"]] == ["555-014-2778"]
    assert (saved.status_code, saved.json()["evaluator_context"]) == (201, WRITTEN["evaluator_context"])


def test_an_edited_draft_becomes_a_scenario_once(client, ready, supervisor, account):
    edited = CLEAN | {
        "title": "The eleventh minute",
        "skills": ["termination"],
        "category": "Refresher",
        "estimated_minutes": 25,
        "relevant_policy_sections": "3010",
    }

    response = send(client, f"{ready.pk}/save/", edited)
    again = send(client, f"{ready.pk}/save/", edited)

    scenario = Scenario.objects.get()
    answer = response.json()
    assert response.status_code == 201
    assert {name: answer[name] for name in edited} == edited | {"skills": ["Termination"]}
    # Fields that were not sent keep their drafted values.
    assert (answer["description"], answer["mode"], answer["difficulty"]) == (WRITTEN["description"], "chat", "expert")
    assert (answer["account"], scenario.created_by) == (str(account.pk), supervisor)
    assert client.get(f"/api/scenarios/{scenario.pk}/").json() | {"assignments": []} == answer
    assert scenario.is_one_time is False
    assert (again.status_code, again.json()["code"]) == (409, "saved")
    draft = client.get(f"{DRAFTS}{ready.pk}/").json()
    assert (draft["status"], draft["scenario"], draft["source"]) == ("saved", str(scenario.pk), "")


@pytest.mark.parametrize("is_one_time", [True, False])
def test_a_draft_is_given_to_counselors_as_it_is_saved(client, ready, supervisor, counselor, colleague, is_one_time):
    tomorrow = timezone.localdate() + timedelta(days=1)
    typed = {"due_date": str(tomorrow), "notes": "Take your time.", "require_recording": True}
    people = [str(counselor.pk), str(colleague.pk), str(counselor.pk)]

    response = send(client, f"{ready.pk}/save/", CLEAN | typed | {"is_one_time": is_one_time, "counselors": people})

    scenario, rows = Scenario.objects.get(), Assignment.objects.all()
    assert (response.status_code, scenario.is_one_time) == (201, is_one_time)
    assert {row.counselor for row in rows} == {counselor, colleague} and len(rows) == 2
    assert {(row.scenario, row.assigned_by, row.due_date, row.notes, row.require_recording) for row in rows} == {
        (scenario, supervisor, tomorrow, "Take your time.", True)
    }
    answered = response.json()["assignments"]
    assert {(one["id"], one["notes"]) for one in answered} == {(str(row.pk), "Take your time.") for row in rows}


@pytest.mark.parametrize(
    "sent",
    [
        {"is_one_time": True},
        {"is_one_time": True, "counselors": []},
        {"notes": "Take your time."},
        {"require_recording": True},
    ],
)
def test_what_is_for_somebody_says_for_whom(client, ready, sent):
    response = send(client, f"{ready.pk}/save/", CLEAN | sent)

    assert (response.status_code, list(response.json()["fields"])) == (400, ["counselors"])
    ready.refresh_from_db()
    assert (ready.status, Scenario.objects.count()) == ("ready", 0)


def test_a_draft_is_given_to_nobody_elses_counselors(client, ready, other_organization):
    theirs = add_person(other_organization, User.Role.COUNSELOR, "wombat@example.net")

    response = send(client, f"{ready.pk}/save/", CLEAN | {"counselors": [str(theirs.pk)]})

    assert (response.status_code, list(response.json()["fields"])) == (400, ["counselors"])
    assert (Scenario.objects.count(), Assignment.objects.count()) == (0, 0)


def test_who_cannot_assign_saves_for_the_library_only(trainer, ready, counselor):
    client = client_of(trainer)
    for sent in ({"counselors": [str(counselor.pk)]}, {"counselors": [str(counselor.pk)], "is_one_time": True}):
        assert send(client, f"{ready.pk}/save/", CLEAN | sent).status_code == 403
    assert Scenario.objects.count() == 0

    assert send(client, f"{ready.pk}/save/", CLEAN).status_code == 201


def test_after_a_failure_the_draft_that_was_there_is_restored(client, ready):
    refused = send(client, f"{ready.pk}/restore/")
    ScenarioDraft.objects.update(status="failed", failure="The model refused.")
    response = send(client, f"{ready.pk}/restore/")

    answer = response.json()
    assert (refused.status_code, refused.json()["code"]) == (409, "ready")
    assert (response.status_code, answer["status"], answer["failure"]) == (200, "ready", "")
    assert {name: answer[name] for name in WRITTEN} == WRITTEN
    assert answer["personal"] != []


def test_a_kept_complaint_is_deleted(client, ready):
    Organization.objects.update(keeps_sources=True)
    send(client, f"{ready.pk}/save/", CLEAN)
    assert client.get(f"{DRAFTS}{ready.pk}/").json()["source"] == SOURCE

    response = client.delete(f"{DRAFTS}{ready.pk}/source/")

    answer = client.get(f"{DRAFTS}{ready.pk}/").json()
    assert (response.status_code, response.content) == (204, b"")
    assert (answer["status"], answer["source"], answer["instructions"]) == ("saved", "", "")
    assert Scenario.objects.count() == 1


def test_the_complaint_of_an_open_draft_is_not_deleted_alone(client, ready):
    response = client.delete(f"{DRAFTS}{ready.pk}/source/")

    ready.refresh_from_db()
    assert (response.status_code, response.json()["code"], ready.source) == (409, "ready", SOURCE)


def test_a_draft_is_saved_with_the_skills_that_were_suggested(client, ready):
    response = send(client, f"{ready.pk}/save/", CLEAN)

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
def test_what_is_wrong_is_said_at_its_field_and_the_draft_stays(client, ready, field, value):
    response = send(client, f"{ready.pk}/save/", CLEAN | {field: value})

    assert (response.status_code, list(response.json()["fields"])) == (400, [field])
    ready.refresh_from_db()
    assert (ready.status, ready.prompt, Scenario.objects.count()) == ("ready", WRITTEN["prompt"], 0)


def test_what_a_model_wrote_too_long_is_said_at_its_field(client, ready):
    ScenarioDraft.objects.update(description="x" * 1001)

    response = send(client, f"{ready.pk}/save/", CLEAN)

    assert (response.status_code, list(response.json()["fields"])) == (400, ["description"])


def test_what_is_being_written_or_failed_is_not_saved(client, begun):
    for status in ("writing", "failed"):
        ScenarioDraft.objects.update(status=status)
        response = send(client, f"{begun.pk}/save/", {"title": "A", "prompt": "p"})
        assert (response.status_code, response.json()["code"]) == (409, status)
    assert Scenario.objects.count() == 0


def test_a_draft_that_is_given_up_is_gone_with_its_complaint(client, ready):
    response = client.delete(f"{DRAFTS}{ready.pk}/")

    assert (response.status_code, response.content) == (204, b"")
    assert ScenarioDraft.objects.get().source == ""
    assert client.get(f"{DRAFTS}{ready.pk}/").status_code == client.delete(f"{DRAFTS}{ready.pk}/").status_code == 404
    assert client.get(DRAFTS).json()["results"] == []


def test_a_saved_draft_is_not_given_up(client, ready):
    ScenarioDraft.objects.update(status=ScenarioDraft.Status.SAVED)

    response = client.delete(f"{DRAFTS}{ready.pk}/")

    assert (response.status_code, response.json()["code"]) == (409, "saved")


def test_what_is_given_up_while_it_is_written_stays_so(client, begun):
    client.delete(f"{DRAFTS}{begun.pk}/")

    generate_draft(begun.pk)

    begun.refresh_from_db()
    assert (begun.status, begun.title) == ("discarded", "")


def test_another_organizations_drafts_are_404_and_its_account_is_unknown(stranger, ready, account):
    other = client_of(stranger)

    def ask(pk: object) -> list[bytes]:
        path = f"{DRAFTS}{pk}/"
        answers = [other.get(path), other.delete(path), send(other, f"{pk}/again/", {}), send(other, f"{pk}/save/", {})]
        assert {answer.status_code for answer in answers} == {404}
        return [answer.content for answer in answers]

    assert ask(ready.pk) == ask(UNKNOWN)
    assert other.get(DRAFTS).json()["results"] == []
    assert send(other, body={"source": SOURCE, "account": str(account.pk)}).status_code == 400
    ready.refresh_from_db()
    assert (ready.status, ready.source) == ("ready", SOURCE)


def test_trainers_draft_and_evaluators_do_not_see_complaints(trainer, evaluator, ready):
    assert client_of(trainer).delete(f"{DRAFTS}{ready.pk}/").status_code == 204
    for path in (DRAFTS, f"{DRAFTS}{ready.pk}/"):
        assert client_of(evaluator).get(path).status_code == 403
