import json
from base64 import b64encode
from datetime import datetime
from uuid import UUID

import pytest
from asgiref.sync import sync_to_async
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from django.utils import timezone

from accounts.integrations.service_tokens import issue_service_token
from accounts.models import Account
from accounts.procedures.uploads import upload_procedures
from scenarios.models import Category, Scenario, Skill
from scenarios.services.evaluator_contexts import write_evaluator_context
from tests.support.fixtures import CONTEXT_CANARY, PROMPT_CANARY, SECTIONS_CANARY, add_scenario, client_of

SCENARIOS = "/api/scenarios/"
UNKNOWN = UUID(int=1)
SCENARIO_FIELDS = {
    "title": "Night shift",
    "description": "Practise opening.",
    "content_notes": "The death of a child",
    "visitor_survey": {"age": "19", "upset": 4},
    "prompt": "You are Dana, 44.\n\nYou are tired. ",
    "mode": "chat",
    "category": "refresher",
    "difficulty": "expert",
    "estimated_minutes": 20,
    "skills": ["active_listening", "De-escalation"],
    "opens": "caller",
    "patience": "patient",
    "relevant_policy_sections": "3010",
    "is_active": False,
    "evaluator_context": "- Names the loneliness.\r\n- Asks directly.",
}


def send(client: Client, method: str, path: str, body: object = None, **extra):
    return client.generic(method, path, json.dumps(body), content_type="application/json", **extra)


def upload(client: Client, path: str, **parts):
    """Send a multipart PATCH, for which the test client has no method."""
    return client.patch(path, encode_multipart(BOUNDARY, parts), content_type=MULTIPART_CONTENT)


def api_timestamp(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def detail_url(scenario: Scenario) -> str:
    return f"{SCENARIOS}{scenario.pk}/"


def titles(client: Client, query: str = "") -> list[str]:
    response = client.get(SCENARIOS + query)
    assert response.status_code == 200, response.json()
    return [row["title"] for row in response.json()["results"]]


@pytest.fixture
def client(supervisor) -> Client:
    return client_of(supervisor)


def test_create_stores_every_field(client, supervisor, account):
    response = send(client, "POST", SCENARIOS, SCENARIO_FIELDS | {"account": str(account.pk)})

    scenario = Scenario.objects.get()
    data = response.json()
    assert response.status_code == 201
    assert data == SCENARIO_FIELDS | {
        "id": str(scenario.pk),
        "category": "Refresher",
        "skills": ["Active listening", "De-escalation"],
        "account": str(account.pk),
        "account_procedures": None,
        "is_one_time": False,
        "created_by": str(supervisor.pk),
        "created_at": api_timestamp(scenario.created_at),
        "updated_at": api_timestamp(scenario.updated_at),
        "evaluator_context": "- Names the loneliness.\n- Asks directly.",
        "checks": [
            {"text": "Names the loneliness.", "weight": 2, "expected": "", "phrases": []},
            {"text": "Asks directly.", "weight": 2, "expected": "", "phrases": []},
        ],
        "checks_are_proposed": True,
        "checks_left_out": [],
    }
    assert (scenario.organization, scenario.created_by) == (supervisor.organization, supervisor)
    assert scenario.evaluator_context == "- Names the loneliness.\n- Asks directly."
    assert client.get(detail_url(scenario)).json() == response.json()


def test_create_uses_defaults(client):
    response = send(client, "POST", SCENARIOS, {"title": "A", "prompt": "You are Dana."})

    assert response.status_code == 201
    defaults = {name: response.json()[name] for name in SCENARIO_FIELDS if name not in ("title", "prompt")}
    assert defaults == {
        "description": "",
        "mode": "phone",
        "category": None,
        "difficulty": "intermediate",
        "estimated_minutes": 15,
        "skills": [],
        "opens": "",
        "content_notes": "",
        "visitor_survey": {},
        "patience": "normal",
        "relevant_policy_sections": "",
        "is_active": True,
        "evaluator_context": "",
    }


def test_scenario_includes_procedures_of_account(client, supervisor, account, chat_scenario):
    document = upload_procedures(account, ContentFile(b"1010 Answer.", name="night.md"), supervisor)
    Account.objects.update(procedures=document)

    procedures = client.get(detail_url(chat_scenario)).json()["account_procedures"]

    assert procedures == {"filename": "night.md", "uploaded_at": api_timestamp(document.uploaded_at)}
    assert client.get(SCENARIOS).json()["results"][0]["account_procedures"] == procedures


def test_list_omits_evaluator_context(client, chat_scenario):
    [row] = client.get(SCENARIOS).json()["results"]

    whole = client.get(detail_url(chat_scenario)).json()
    only_whole = {"evaluator_context", "checks", "checks_are_proposed", "checks_left_out"}
    assert row == {name: value for name, value in whole.items() if name not in only_whole}
    assert PROMPT_CANARY in row["prompt"] and CONTEXT_CANARY in whole["evaluator_context"]


def add_scenarios(organization, account, count: int) -> None:
    category, skills = Category.objects.first(), Skill.objects.filter(organization=organization)[:3]
    for number in range(count):
        scenario = add_scenario(organization, f"case {number:03}", account=account, category=category)
        scenario.skills.set(skills)


def test_list_query_count_is_constant(client, organization, account, django_assert_num_queries):
    client.get(SCENARIOS)
    for count in (10, 190):
        add_scenarios(organization, account, count)
        with django_assert_num_queries(4):  # session, person, page, skills
            assert len(client.get(SCENARIOS + "?page_size=100").json()["results"]) == min(count, 100)


def test_list_pages_are_ordered_by_title(client, organization, account):
    add_scenarios(organization, account, 7)
    seen, path = [], SCENARIOS + "?page_size=3"

    while path:
        page = client.get(path).json()
        seen.append([row["title"] for row in page["results"]])
        path = page["next"]

    assert [len(some) for some in seen] == [3, 3, 1]
    assert sum(seen, []) == [f"case {number:03}" for number in range(7)]


def test_scenarios_with_same_title_appear_once_across_pages(client, organization):
    for _ in range(5):
        add_scenario(organization, "The same")
    first = client.get(SCENARIOS + "?page_size=2").json()
    second = client.get(first["next"]).json()
    third = client.get(second["next"]).json()

    seen = [row["id"] for page in (first, second, third) for row in page["results"]]

    assert len(set(seen)) == len(seen) == 5


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("page_size=0", "page_size"),
        ("page_size=101", "page_size"),
        ("page_size=ten", "page_size"),
        ("page_size=" + "9" * 5000, "page_size"),
        ("cursor=" + b64encode(b"p=%00").decode(), "cursor"),
        ("is_one_time=maybe", "is_one_time"),
        ("mode=letter", "mode"),
        ("mode=%00", "mode"),
        ("difficulty=hard", "difficulty"),
        ("is_active=1", "is_active"),
        ("category=Onbording", "category"),
        ("category=%00", "category"),
        ("skill=Singing", "skill"),
        ("account=718", "account"),
        ("account=%00", "account"),
        ("search=%00", "search"),
        ("categroy=Onboarding", "categroy"),
    ],
)
def test_invalid_filter_returns_400(client, account, query, field):
    for path in (SCENARIOS, SCENARIOS + "export/"):
        if path.endswith("export/") and field in {"page_size", "cursor"}:
            continue
        response = client.get(f"{path}?{query}")
        assert (response.status_code, response.json()["code"]) == (400, "invalid")
        assert list(response.json()["fields"]) == [field]


@pytest.mark.parametrize("cursor", ["x", "%FF", b64encode(b"o=-1").decode(), b64encode(b"r=x").decode()])
def test_invalid_cursor_is_refused(client, cursor):
    response = client.get(SCENARIOS, {"cursor": cursor})

    assert (response.status_code, list(response.json()["fields"])) == (400, ["cursor"])


def test_list_hides_one_time_scenarios_by_default(client, organization):
    add_scenario(organization, "For all")
    one_time = add_scenario(organization, "For one", is_one_time=True)

    assert titles(client) == titles(client, "?is_one_time=false") == ["For all"]
    assert titles(client, "?is_one_time=true") == ["For one"]
    assert titles(client, "?is_one_time=any") == ["For all", "For one"]
    assert client.get(detail_url(one_time)).status_code == 200


def test_every_filter_narrows_list(client, organization, account):
    category, skill = organization.categories.get(name="Advanced"), organization.skills.get(name="Termination")
    fields = {"is_active": False, "difficulty": "beginner", "description": "Ünder way"}
    found = add_scenario(organization, "One", "phone", category=category, account=account, prompt="p", **fields)
    found.skills.add(skill)
    add_scenario(organization, "Other", "chat", description="100% else")

    for query in (
        "mode=phone", "category=Advanced", "category=advanced", "skill=Termination", "difficulty=beginner",
        "account=717", f"account={account.pk}", "is_active=false", "search=one", "search=nder+WAY",
        "mode=phone&category=Advanced&skill=termination&account=717&search=one",
    ):  # fmt: skip
        assert titles(client, "?" + query) == ["One"], query
    for query in ("mode=chat", "category=none", "is_active=true", "search=100%25", "search=noor"):
        assert titles(client, "?" + query) == ["Other"], query
    assert titles(client, "?mode=&category=&search=&account=") == ["One", "Other"]
    assert titles(client, "?mode=chat&category=Advanced") == []


def test_unknown_name_returns_suggestion(client):
    body = {"title": "A", "prompt": "p", "category": "Onbording", "skills": ["Risk assesment", "Termination"]}

    response = send(client, "POST", SCENARIOS, body)

    assert (response.status_code, response.json()["fields"]) == (
        400,
        {
            "category": ["There is no category “Onbording”. Did you mean “Onboarding”?"],
            "skills": ["There is no skill “Risk assesment”. Did you mean “Risk assessment”?"],
        },
    )
    assert Scenario.objects.count() == 0


REFUSED = [
    ("title", ""),
    ("title", "   "),
    ("title", None),
    ("title", []),
    ("title", "x" * 256),
    ("title", "nul\0"),
    ("title", "\ud800"),
    ("description", "x" * 1001),
    ("description", []),
    ("prompt", ""),
    ("prompt", "x" * 10_001),
    ("mode", "letter"),
    ("mode", "\ud800"),
    ("mode", {}),
    ("category", "\ud800"),
    ("category", "\0"),
    ("category", 7),
    ("category", []),
    ("difficulty", "hard"),
    ("estimated_minutes", 4),
    ("estimated_minutes", 121),
    ("estimated_minutes", "soon"),
    ("estimated_minutes", 10**400),
    ("estimated_minutes", None),
    ("skills", "Termination"),
    ("skills", None),
    ("skills", [None]),
    ("skills", [["Termination"]]),
    ("skills", {"a": 1}),
    ("account", "717"),
    ("account", 7),
    ("account", str(UNKNOWN)),
    ("account", "\ud800"),
    ("opens", "nobody"),
    ("patience", "endless"),
    ("relevant_policy_sections", "x" * 2001),
    ("is_one_time", "perhaps"),
    ("is_one_time", []),
    ("is_active", None),
    ("evaluator_context", "x" * 50_001),
    ("evaluator_context", "\ud800"),
    ("evaluator_context", {}),
    ("context_file", "text"),
    ("id", str(UNKNOWN)),
    ("organization", str(UNKNOWN)),
    ("created_by", str(UNKNOWN)),
    ("created_at", "2026-01-01"),
    ("title_key", "x"),
    ("account_procedures", None),
    ("evaluatorContext", "x"),
    ("dscription", "x"),
]


@pytest.mark.parametrize(("field", "value"), REFUSED, ids=lambda value: ascii(value)[:20])
def test_create_or_update_with_invalid_fields_saves_nothing(client, chat_scenario, field, value):
    before = client.get(detail_url(chat_scenario)).json()

    created = send(client, "POST", SCENARIOS, {"title": "A", "prompt": "p", field: value})
    changed = send(client, "PATCH", detail_url(chat_scenario), {"description": "Another.", field: value})

    for response in (created, changed):
        assert (response.status_code, response.json()["code"]) == (400, "invalid")
        assert list(response.json()["fields"]) == [field]
    assert Scenario.objects.count() == 1
    assert client.get(detail_url(chat_scenario)).json() == before


def test_unknown_field_returns_suggestion(client):
    response = send(client, "POST", SCENARIOS, {"title": "A", "prompt": "p", "dscription": "x", "\ud800": 1})

    assert response.json()["fields"] == {
        "dscription": ["There is no such field. Did you mean “description”?"],
        "\ufffd": ["There is no such field."],
    }


@pytest.mark.parametrize("body", ["", "{", "[]", "null", '"x"', "7", "[" * 2000, "\udcff", '{"title":NaN}', "{}"])
def test_malformed_body_returns_400(client, chat_scenario, body):
    data = body.encode(errors="surrogateescape")
    for method, path in (("POST", SCENARIOS), ("PATCH", detail_url(chat_scenario)), ("POST", SCENARIOS + "lint/")):
        response = client.generic(method, path, data, content_type="application/json")
        if (method, body) in {("PATCH", "{}"), ("PATCH", "")}:
            assert response.status_code == 200
        else:
            assert (response.status_code, bool(response.json()["detail"])) == (400, True)
    assert Scenario.objects.count() == 1


def test_oversized_body_returns_413(client, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000

    response = send(client, "POST", SCENARIOS, SCENARIO_FIELDS | {"evaluator_context": "x" * 1000})

    assert (response.status_code, response.json()["code"]) == (413, "too_large")


def test_other_content_types_return_415(client):
    assert client.post(SCENARIOS, b"title: A", content_type="application/yaml").status_code == 415


def test_eleven_skills_are_rejected(client, organization):
    names = [skill.name for skill in organization.skills.all()[:11]]

    rejected = send(client, "POST", SCENARIOS, {"title": "A", "prompt": "p", "skills": names})
    accepted = send(client, "POST", SCENARIOS, {"title": "A", "prompt": "p", "skills": names[:10]})

    assert (rejected.status_code, rejected.json()["fields"]) == (
        400,
        {"skills": ["Choose at most 10 skills. You chose 11."]},
    )
    assert (accepted.status_code, sorted(accepted.json()["skills"])) == (201, sorted(names[:10]))


def test_update_changes_given_fields(client, chat_scenario):
    before = client.get(detail_url(chat_scenario)).json()

    response = send(client, "PATCH", detail_url(chat_scenario), {"title": " Anew ", "skills": ["Termination"]})

    changed = {"title": "Anew", "skills": ["Termination"], "updated_at": response.json()["updated_at"]}
    assert (response.status_code, response.json()) == (200, before | changed)
    assert client.get(detail_url(chat_scenario)).json() == response.json()
    assert response.json()["updated_at"] > before["updated_at"]


def test_update_clears_related_fields(client, chat_scenario, organization):
    Scenario.objects.update(category=organization.categories.first())
    chat_scenario.skills.set(organization.skills.all()[:2])
    cleared = {"category": None, "account": None, "evaluator_context": "", "skills": []}

    response = send(client, "PATCH", detail_url(chat_scenario), cleared)

    assert response.status_code == 200
    assert {name: response.json()[name] for name in cleared} == cleared
    assert Scenario.objects.get().evaluator_context == ""


def test_context_can_be_sent_as_file(client, chat_scenario):
    file = SimpleUploadedFile("criteria.MD", "\ufeff- Wartet.\r\n- Fragt „Was?“".encode())

    response = upload(client, detail_url(chat_scenario), context_file=file, title="With a file")

    assert response.status_code == 200
    assert response.json()["evaluator_context"] == "- Wartet.\n- Fragt „Was?“"
    assert response.json()["title"] == "With a file"
    assert Scenario.objects.get().evaluator_context == "- Wartet.\n- Fragt „Was?“"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("criteria.pdf", b"%PDF-1.7"),
        ("criteria.docx", b"PK\x03\x04"),
        ("criteria.txt", b"%PDF-1.7"),
        ("criteria.txt", b"\xff\xfe"),
        ("criteria.txt", b"x" * 50_001),
        ("criteria.txt", b"x" * (1024**2 + 1)),
        ("criteria.txt", b"\0"),
        ("criteria.txt", b""),
        ("criteria", b"text"),
    ],
)
def test_invalid_context_file_keeps_old_context(client, chat_scenario, name, content):
    response = upload(client, detail_url(chat_scenario), context_file=SimpleUploadedFile(name, content))

    assert (response.status_code, list(response.json()["fields"])) == (400, ["context_file"])
    assert CONTEXT_CANARY in Scenario.objects.get().evaluator_context


def test_context_as_text_and_file_is_rejected(client, chat_scenario):
    file = SimpleUploadedFile("criteria.txt", b"- Waits.")

    response = upload(client, detail_url(chat_scenario), context_file=file, evaluator_context="- Asks.")

    assert (response.status_code, list(response.json()["fields"])) == (400, ["context_file"])


@pytest.mark.parametrize("parameter", ["", "; boundary="])
def test_malformed_form_returns_400(client, chat_scenario, parameter):
    kind = f"multipart/form-data{parameter}"

    response = client.generic("PATCH", detail_url(chat_scenario), b"--x\r\nnothing", content_type=kind)

    assert (response.status_code, bool(response.json()["detail"])) == (400, True)


def test_mode_is_locked_after_assignment(client, chat_scenario, chat_assignment):
    rejected = send(client, "PATCH", detail_url(chat_scenario), {"mode": "phone", "title": "Anew"})
    accepted = send(client, "PATCH", detail_url(chat_scenario), {"mode": "chat", "title": "Anew"})

    assert (rejected.status_code, list(rejected.json()["fields"])) == (400, ["mode"])
    assert rejected.json()["detail"] == "mode: The mode is locked because this scenario has been assigned."
    assert (accepted.status_code, accepted.json()["title"]) == (200, "Anew")


def test_delete_removes_unassigned_scenario_and_file(client, chat_scenario, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        response = client.delete(detail_url(chat_scenario))

    assert (response.status_code, response.content) == (204, b"")
    assert Scenario.objects.count() == 0
    assert not chat_scenario.evaluator_context_file.storage.exists(chat_scenario.evaluator_context_file.name)
    assert client.get(detail_url(chat_scenario)).status_code == 404


def test_delete_of_assigned_scenario_returns_409_with_count(client, chat_scenario, chat_assignment):
    response = client.delete(detail_url(chat_scenario))

    data = response.json()
    assert response.status_code == 409
    assert (data["code"], data["assignments"]) == ("in_use", 1)
    assert data["detail"].startswith("This scenario has 1 assignment, so it can’t be deleted.")
    assert Scenario.objects.get() == chat_scenario


@pytest.mark.parametrize("body", [{}, {"nothing_personal_left": False}, {"nothing_personal_left": "no"}])
def test_promote_requires_pii_confirmation(client, organization, body):
    scenario = add_scenario(organization, "Made for one", is_one_time=True)

    response = send(client, "POST", detail_url(scenario) + "promote/", body)

    [question] = response.json()["fields"]["nothing_personal_left"]
    assert response.status_code == 400 and "contains no personal details" in question
    assert Scenario.objects.get().is_one_time is True


def test_promote_and_demote(client, organization):
    scenario = add_scenario(organization, "Made for one", is_one_time=True)

    promoted = send(client, "POST", detail_url(scenario) + "promote/", {"nothing_personal_left": True})
    assert (promoted.status_code, promoted.json()["is_one_time"], titles(client)) == (200, False, ["Made for one"])

    demoted = client.post(detail_url(scenario) + "demote/")
    assert (demoted.status_code, demoted.json()["is_one_time"], titles(client)) == (200, True, [])


def test_demote_of_assigned_scenario_returns_409(client, chat_scenario, chat_assignment):
    response = client.post(detail_url(chat_scenario) + "demote/")

    assert (response.status_code, response.json()["code"], response.json()["assignments"]) == (409, "in_use", 1)
    assert Scenario.objects.get().is_one_time is False


def test_update_cannot_promote(client, organization):
    scenario = add_scenario(organization, "Made for one", is_one_time=True)

    rejected = send(client, "PATCH", detail_url(scenario), {"is_one_time": False})
    same = send(client, "PATCH", detail_url(scenario), {"is_one_time": True})

    assert (rejected.status_code, list(rejected.json()["fields"])) == (400, ["is_one_time"])
    assert same.status_code == 200
    assert Scenario.objects.get().is_one_time is True


def test_lint_returns_passage(client):
    prompt = "You are Dana, 44, and at first you are tense. You will be graded on rapport."

    response = send(client, "POST", SCENARIOS + "lint/", {"prompt": prompt, "evaluator_context": "- Is empathetic."})

    assert response.status_code == 200
    assert {"field", "code", "message", "start", "end"} == set(response.json()["advice"][0])
    found = [advice for advice in response.json()["advice"] if advice["code"] == "leaks_grading"]
    assert [advice["field"] for advice in found] == ["prompt"]
    assert "graded" in prompt[found[0]["start"] : found[0]["end"]]


def test_lint_accepts_empty_text_and_both_modes(client):
    empty = send(client, "POST", SCENARIOS + "lint/", {"prompt": ""})
    spoken = {"prompt": "p", "evaluator_context": "- Speaks with a warm tone of voice.", "mode": "chat"}
    chat = send(client, "POST", SCENARIOS + "lint/", spoken)

    assert "no_persona" in [advice["code"] for advice in empty.json()["advice"]]
    assert "unseen_criterion" in [advice["code"] for advice in chat.json()["advice"]]


@pytest.mark.parametrize(
    ("field", "body"),
    [
        ("prompt", {}),
        ("prompt", {"prompt": "x" * 10_001}),
        ("prompt", {"prompt": None}),
        ("mode", {"prompt": "p", "mode": "letter"}),
        ("evaluator_context", {"prompt": "p", "evaluator_context": "x" * 50_001}),
        ("title", {"prompt": "p", "title": "A"}),
    ],
)
def test_lint_of_invalid_text_returns_400(client, field, body):
    response = send(client, "POST", SCENARIOS + "lint/", body)

    assert (response.status_code, list(response.json()["fields"])) == (400, [field])


ALL_ROUTES = [
    ("GET", ""), ("POST", ""), ("GET", "{}/"), ("PATCH", "{}/"), ("DELETE", "{}/"), ("POST", "{}/promote/"),
    ("POST", "{}/demote/"), ("POST", "lint/"), ("GET", "export/"), ("POST", "import/"), ("GET", "imports/"),
    ("GET", "imports/{}/"), ("GET", "drafts/"), ("POST", "drafts/"), ("GET", "drafts/{}/"), ("DELETE", "drafts/{}/"),
    ("POST", "drafts/{}/again/"), ("POST", "drafts/{}/save/"), ("OPTIONS", ""), ("HEAD", "{}/"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path"), ALL_ROUTES)
def test_counselor_is_denied_everywhere(counselor, chat_scenario, method, path):
    response = send(client_of(counselor), method, SCENARIOS + path.format(chat_scenario.pk), {})

    assert response.status_code == 403
    if method != "HEAD":
        assert response.json()["code"] == "permission_denied"
    canaries = (PROMPT_CANARY, CONTEXT_CANARY, SECTIONS_CANARY)
    assert not [canary for canary in canaries if canary in response.content.decode()]


@pytest.mark.parametrize(("method", "path"), ALL_ROUTES)
def test_anonymous_user_is_denied_everywhere(db, method, path):
    response = send(Client(), method, SCENARIOS + path.format(UNKNOWN), {})

    assert (response.status_code, response["WWW-Authenticate"]) == (401, "Bearer")


def test_evaluator_can_only_read(evaluator, chat_scenario):
    client = client_of(evaluator)

    assert titles(client) == [chat_scenario.title]
    assert client.get(detail_url(chat_scenario)).status_code == 200
    for method, path in ALL_ROUTES:
        if method not in {"GET", "HEAD", "OPTIONS"}:
            response = send(client, method, SCENARIOS + path.format(chat_scenario.pk), {})
            assert response.status_code == 403, (method, path)


def test_trainer_can_write_but_not_delete(trainer, chat_scenario):
    client = client_of(trainer)

    assert send(client, "POST", SCENARIOS, {"title": "A", "prompt": "p"}).status_code == 201
    assert send(client, "PATCH", detail_url(chat_scenario), {"title": "B"}).status_code == 200
    assert client.delete(detail_url(chat_scenario)).status_code == 403


def test_stranger_cannot_see_or_change_scenarios(stranger, chat_scenario, account):
    client = client_of(stranger)
    before = Scenario.objects.values().get()

    assert titles(client, "?is_one_time=any") == []
    for method, path in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "promote/"), ("POST", "demote/")):
        body = {"title": "Taken"} if method == "PATCH" else {"nothing_personal_left": True}
        body = {} if path == "demote/" else body
        theirs = send(client, method, detail_url(chat_scenario) + path, body)
        unknown = send(client, method, f"{SCENARIOS}{UNKNOWN}/{path}", body)
        assert (theirs.status_code, theirs.content) == (404, unknown.content), (method, path)
    for body in ({"account": str(account.pk)}, {"organization": str(account.organization_id)}):
        assert send(client, "POST", SCENARIOS, {"title": "A", "prompt": "p"} | body).status_code == 400
    for query in (f"account={account.pk}", "account=717"):
        assert client.get(f"{SCENARIOS}?{query}").status_code == 400
    assert Scenario.objects.values().get() == before


def test_names_of_another_organization_are_unknown(stranger, organization):
    Category.objects.create(organization=organization, name="Ours")
    Skill.objects.create(organization=organization, name="Ours")

    body = {"title": "A", "prompt": "p", "category": "Ours", "skills": ["Ours"]}
    response = send(client_of(stranger), "POST", SCENARIOS, body)

    assert (response.status_code, set(response.json()["fields"])) == (400, {"category", "skills"})
    assert "Did you mean" not in response.content.decode()


def test_account_of_another_organization_is_unknown(stranger, account):
    theirs = send(client_of(stranger), "POST", SCENARIOS, SCENARIO_FIELDS | {"account": str(account.pk)})
    unknown = send(client_of(stranger), "POST", SCENARIOS, SCENARIO_FIELDS | {"account": str(UNKNOWN)})

    errors = [response.json()["fields"]["account"] for response in (theirs, unknown)]
    assert (theirs.status_code, unknown.status_code) == (400, 400)
    assert errors == [[f"There is no account {account.pk}."], [f"There is no account {UNKNOWN}."]]


def test_filter_suggestion_names_own_organization_only(stranger, organization):
    organization.categories.create(name="Harbor onboarding")

    error = client_of(stranger).get(f"{SCENARIOS}?category=harbor onboardin").json()

    assert "Harbor onboarding" not in json.dumps(error)
    assert "category" in error["fields"]


def test_service_token_can_read_scenarios(supervisor, chat_scenario):
    _, secret = issue_service_token(supervisor, "Learning system", ["scenarios:read"])

    response = Client().get(SCENARIOS, headers={"Authorization": f"Bearer {secret}"})

    assert (response.status_code, len(response.json()["results"])) == (200, 1)


def test_session_requires_csrf_token(supervisor):
    client = Client(enforce_csrf_checks=True)
    client.force_login(supervisor)

    assert send(client, "POST", SCENARIOS, {"title": "A", "prompt": "p"}).status_code == 403
    assert Scenario.objects.count() == 0


@pytest.mark.parametrize("method", ["PUT", "TRACE", "PURGE"])
def test_other_methods_return_405(client, chat_scenario, method):
    for path in (SCENARIOS, detail_url(chat_scenario)):
        assert client.generic(method, path).status_code == 405


def test_options_describe_fields_without_rows(client, account):
    response = client.options(SCENARIOS)

    fields = response.json()["actions"]["POST"]
    assert response.status_code == 200
    assert [choice["value"] for choice in fields["mode"]["choices"]] == ["phone", "chat"]
    assert not [name for name in ("category", "skills", "account") if "choices" in fields[name]]


def add_library(organization, account) -> None:
    category = organization.categories.get(name="Advanced")
    whole = add_scenario(
        organization, 'Ärger, "laut"', "phone", account=account, category=category,
        description="Two\nlines", estimated_minutes=30, difficulty="expert", opens="caller", is_active=False,
    )  # fmt: skip
    whole.skills.set(organization.skills.filter(name__in=["Termination", "Grief support"]))
    write_evaluator_context(whole, "- Hört zu.\n- Fragt.")
    add_scenario(organization, "Plain")
    add_scenario(organization, "For one", is_one_time=True)


async def download_export(client, query: str):
    response = await client.get(f"{SCENARIOS}export/{query}")
    return response, b"".join([block async for block in response.streaming_content])


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", ["json", "csv"])
async def test_importing_export_changes_nothing(supervisor, organization, account, log_in, kind):
    await sync_to_async(add_library)(organization, account)
    client = await log_in(supervisor)

    response, body = await download_export(client, f"?as={kind}&is_one_time=any")

    assert response.status_code == 200
    types = {"json": "application/json; charset=utf-8", "csv": "text/csv; charset=utf-8"}
    assert response["Content-Type"] == types[kind]
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Disposition"] == (
        f'attachment; filename="scenarios-{timezone.localdate():%Y-%m-%d}.{kind}"'
    )
    again = await client.post(SCENARIOS + "import/?update=true", body, content_type=types[kind].split(";")[0])
    assert (again.status_code, again.json()["skipped"], again.json()["errors"]) == (200, 3, [])


@pytest.mark.django_db(transaction=True)
async def test_export_applies_filters(supervisor, organization, account, stranger, log_in):
    await sync_to_async(add_library)(organization, account)
    client = await log_in(supervisor)

    async def names(client, query: str) -> list[str]:
        response, body = await download_export(client, query)
        return [row["title"] for row in json.loads(body)["scenarios"]]

    assert await names(client, "") == ["Plain", 'Ärger, "laut"']
    assert await names(client, "?is_one_time=true") == ["For one"]
    assert await names(client, "?mode=phone&as=json") == ['Ärger, "laut"']
    assert await names(await log_in(stranger), "?is_one_time=any") == []


@pytest.mark.parametrize("query", ["?as=xml", "?as=", "?as=%00"])
def test_unknown_export_format_returns_400(client, query):
    response = client.get(f"{SCENARIOS}export/{query}")

    assert (response.status_code, list(response.json()["fields"])) == (400, ["as"])


@pytest.mark.django_db(transaction=True)
async def test_export_ignores_accept_header(supervisor, log_in):
    client = await log_in(supervisor)

    response = await client.get(f"{SCENARIOS}export/?as=csv", headers={"Accept": "text/csv"})

    body = b"".join([block async for block in response.streaming_content])
    assert (response.status_code, body[:10]) == (200, '\ufeff"title"'.encode())


def test_openapi_schema_is_valid(db, tmp_path):
    call_command("spectacular", validate=True, fail_on_warn=True, file=str(tmp_path / "schema.yaml"))

    assert "/api/scenarios/import/" in (tmp_path / "schema.yaml").read_text()


# ---- Unreadable contexts


@pytest.fixture
def unreadable_scenario(chat_scenario) -> Scenario:
    """Return a scenario whose evaluator context file is missing."""
    write_evaluator_context(chat_scenario, "- Asks directly.")
    chat_scenario.evaluator_context_file.storage.delete(chat_scenario.evaluator_context_file.name)
    return chat_scenario


def is_unavailable(response) -> bool:
    data = response.json()
    return (response.status_code, data["code"], data["retryable"]) == (503, "storage_unavailable", True)


def test_unavailable_context_returns_503(client, unreadable_scenario, caplog):
    response = client.get(detail_url(unreadable_scenario))

    assert is_unavailable(response)
    assert response.json()["detail"] == (
        "The evaluator context can’t be read right now. Nothing was changed. Try again in a moment."
    )
    [record] = [record for record in caplog.records if record.name.startswith("scenarios.models")]
    assert record.scenario_id == unreadable_scenario.pk
    assert client.get(SCENARIOS).status_code == 200


@pytest.mark.parametrize("kind", ["json", "csv"])
def test_failed_export_returns_503(client, unreadable_scenario, kind):
    assert is_unavailable(client.get(f"{SCENARIOS}export/?as={kind}"))


def test_unavailable_context_prevents_write(client, unreadable_scenario):
    one_time = {"is_one_time": True, "is_active": True}
    Scenario.objects.filter(pk=unreadable_scenario.pk).update(**one_time)
    before = Scenario.objects.values().get(pk=unreadable_scenario.pk)

    responses = [
        send(client, "PATCH", detail_url(unreadable_scenario), {"title": "Renamed"}),
        send(client, "PATCH", detail_url(unreadable_scenario), {"evaluator_context": "- Waits."}),
        send(client, "POST", f"{detail_url(unreadable_scenario)}promote/", {"nothing_personal_left": True}),
        send(client, "POST", f"{detail_url(unreadable_scenario)}demote/"),
    ]

    assert [is_unavailable(response) for response in responses] == [True] * 4
    assert Scenario.objects.values().get(pk=unreadable_scenario.pk) == before
