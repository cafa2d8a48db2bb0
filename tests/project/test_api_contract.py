"""Rules that every operation of the API keeps, driven from its schema: errors, parameters, fields, and locations."""

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any
from uuid import uuid4

import jsonschema
import pytest
from django.core.files.base import ContentFile
from django.test import Client
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from rest_framework import serializers

from accounts.integrations.service_tokens import issue_service_token
from accounts.integrations.webhooks import add_webhook
from accounts.web.error_bodies import flatten_errors
from accounts.web.serializers import StrictSerializer
from config.api.schema import ERROR_SCHEMA
from evaluation.models import Flag
from evaluation.services.flags import report_problem
from recordings.models import Recording
from tests.project.test_api_fuzzing import content_of
from tests.support.fixtures import *  # noqa: F403
from tests.support.fixtures import client_of

OPEN = {"/api/schema/", "/api/docs/"}
JSON = "application/json"


@cache
def schema() -> dict[str, Any]:
    described: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
    return json.loads(json.dumps(described, default=str))  # type: ignore[no-any-return]


def operations() -> list[tuple[str, str, dict[str, Any]]]:
    """Return method, path, and description of each operation."""
    return [
        (method.upper(), path, operation)
        for path, methods in schema()["paths"].items()
        for method, operation in methods.items()
    ]


def fill(path: str) -> str:
    return re.sub(r"\{\w+\}", lambda found: "x" if found[0] == "{key}" else str(uuid4()), path)


def properties_of(content: dict[str, Any]) -> dict[str, Any]:
    described = content[next(iter(content))]["schema"]
    name = described.get("$ref", "").rpartition("/")[2]
    return schema()["components"]["schemas"][name]["properties"] if name else described.get("properties", {})


def assert_error(response: Any, status: int) -> dict[str, Any]:
    """Check the status and the shape of an error, and return its body."""
    assert (response.status_code, response["Content-Type"]) == (status, JSON)
    body: dict[str, Any] = response.json()
    assert set(ERROR_SCHEMA["required"]) <= set(body)
    assert body["detail"] and body["code"]
    assert all(isinstance(one, str) for messages in body["fields"].values() for one in messages)
    return body


def test_every_operation_describes_its_errors():
    for method, path, operation in operations():
        errors = {status: one["$ref"] for status, one in operation["responses"].items() if status >= "400"}
        expected = {"400", "405", "429", "500", "503"}
        expected |= set() if path in OPEN else {"401", "403"}
        expected |= {"404"} if "{" in path else set()
        expected |= {"409", "413", "415"} if method != "GET" else set()
        assert expected <= set(errors), (method, path)
        for reference in errors.values():
            response = schema()["components"]["responses"][reference.rpartition("/")[2]]
            assert response["content"][JSON]["schema"]["$ref"] == "#/components/schemas/Error"


def test_operations_without_a_valid_login_are_unauthorized(db):
    anonymous, forged = Client(), Client(headers={"Authorization": "Bearer slt_forged"})
    for method, path, _ in operations():
        if path in OPEN:
            continue
        for client in (anonymous, forged):
            response = client.generic(method, fill(path), "{}", JSON)
            assert_error(response, 401)
            assert response["WWW-Authenticate"] == "Bearer"


def test_schema_and_documentation_need_no_login(db):
    for client in (Client(), Client(headers={"Authorization": "Bearer slt_forged"})):
        assert client.get("/api/docs/").status_code == 200
        for path in ("/api/schema/", "/api/schema/?format=json", "/api/schema/?lang=en-us"):
            assert client.get(path).status_code == 200
    assert Client().get("/api/schema/?format=json").json()["info"]["title"] == "Steadyline"


@pytest.mark.parametrize("path", ["/api/nothing/", "/api/", "/api/sessions/717/", "/api/scenarios/%00/", "/api/me/x/"])
def test_unknown_addresses_answer_in_json(db, counselor, path):
    for client in (Client(headers={"Accept": "text/html"}), client_of(counselor)):
        for method in ("GET", "POST"):
            assert assert_error(client.generic(method, path), 404)["code"] == "not_found"


def test_every_operation_refuses_unknown_parameters(admin, counselor):
    clients = [client_of(admin), client_of(counselor)]
    for method, path, _ in operations():
        responses = [client.generic(method, f"{fill(path)}?mixx=foo", "{}", JSON) for client in clients]
        refused = [response for response in responses if response.status_code == 400]
        assert refused, (method, path, [response.status_code for response in responses])
        assert "mixx" in assert_error(refused[0], 400)["fields"], (method, path)


def test_every_operation_accepts_the_parameters_that_its_schema_names(admin, counselor):
    clients = [client_of(admin), client_of(counselor)]
    for method, path, operation in operations():
        for parameter in operation.get("parameters", []):
            if parameter["in"] != "query":
                continue
            query = f"{parameter['name']}=no-such-value"
            responses = [client.generic(method, f"{fill(path)}?{query}", "{}", JSON) for client in clients]
            for response in responses:
                if response.streaming:
                    content_of(response)  # closes the file
                problems = response.json()["fields"].get(parameter["name"], []) if response.status_code == 400 else []
                assert not [one for one in problems if one.startswith("There is no such field")], (path, parameter)


@pytest.mark.parametrize(
    "path",
    [
        "/api/recordings/{recording}/download/?mix=stereo",
        "/api/progress/?weeks=13",
        "/api/team/?weeks=",
        "/api/scenarios/export/?as=xml",
        "/api/scenarios/?is_one_time=perhaps",
        "/api/sessions/?date_from=yesterday",
        "/api/sessions/?page_size=0",
        "/api/sessions/?cursor=x",
        "/api/library/?cursor=%C3%96%3C",
        "/api/sessions/?format=xml",
        "/api/schema/?format=xml",
        "/api/schema/?lang=xx",
        "/api/library/?mode=letter",
        "/api/webhooks/{webhook}/deliveries/?page_size=many",
    ],
)
def test_invalid_values_of_parameters_are_refused(admin, finished_chat, path):
    recording = Recording(session=finished_chat, organization=admin.organization, state="completed", size=3, sha256="x")
    recording.file.save("r.wav", ContentFile(b"wav"))
    webhook = add_webhook(admin, "https://example.org/", ["evaluation.ready"])
    ids = {"recording": recording.pk, "webhook": webhook.pk}

    body = assert_error(client_of(admin).get(path.format_map(ids)), 400)

    assert list(body["fields"]) == [path.rpartition("?")[2].split("=")[0]]


def as_json_schema(node: Any) -> Any:
    """Convert a schema of OpenAPI 3.0 to JSON Schema, which has no `nullable`."""
    if isinstance(node, list):
        return [as_json_schema(one) for one in node]
    if not isinstance(node, dict):
        return node
    converted = {name: as_json_schema(value) for name, value in node.items() if name != "nullable"}
    return {"anyOf": [converted, {"type": "null"}]} if node.get("nullable") is True else converted


def test_answers_fit_the_schema(admin, counselor, phone_assignment, chat_scenario, finished_chat):
    components = as_json_schema(schema()["components"])
    checked = []
    for method, path, operation in operations():
        if method != "GET" or path in OPEN:
            continue
        ids: list[str | None] = [None]
        if "{" in path:
            listed = client_of(admin).get(re.sub(r"\{.*", "", path))
            ids = [one["id"] for one in listed.json()["results"]] if listed.status_code == 200 else []
        for pk in ids:
            response = client_of(admin).get(re.sub(r"\{\w+\}", str(pk), path))
            assert str(response.status_code) in operation["responses"], (path, response.status_code)
            described = operation["responses"][str(response.status_code)].get("content", {}).get(JSON)
            content = content_of(response)  # also closes files
            if response.status_code == 200 and described and response["Content-Type"].startswith(JSON):
                body = json.loads(content)
                jsonschema.validate(body, {"components": components} | as_json_schema(described["schema"]))
                checked.append(path)

    assert {"/api/scenarios/", "/api/scenarios/{id}/", "/api/scenarios/export/", "/api/sessions/{id}/"} <= set(checked)


def test_every_read_also_answers_to_head(admin, counselor, finished_chat, phone_assignment):
    client = client_of(admin)
    known = {"sessions": finished_chat.pk, "assignments": phone_assignment.pk}
    for method, path, _ in operations():
        if method == "GET" and path not in OPEN:
            filled = re.sub(r"\{\w+\}", str(known.get(path.split("/")[2], uuid4())), path)
            read, head = client.get(filled), client.head(filled)
            content_of(read)
            assert (head.status_code, content_of(head)) == (read.status_code, b""), path


def test_parameter_sent_twice_is_refused(admin):
    for query in ("page_size=5&page_size=6", "search=a&search=a"):
        name = query.partition("=")[0]
        assert list(assert_error(client_of(admin).get(f"/api/people/?{query}"), 400)["fields"]) == [name]


def test_unknown_person_in_a_parameter_is_a_described_error(supervisor):
    assert_error(client_of(supervisor).get(f"/api/progress/?counselor={uuid4()}"), 404)
    assert "404" in schema()["paths"]["/api/progress/"]["get"]["responses"]


def request_serializers() -> Iterator[tuple[str, serializers.BaseSerializer[Any]]]:
    """Generate the schema, and yield each operation's serializers of its request body, also the nested ones."""
    found: list[tuple[str, Any]] = []
    original = AutoSchema._get_request_body

    def note(self: Any, *args: Any, **kwargs: Any) -> Any:
        if self.method in {"POST", "PUT", "PATCH"}:
            sent = self.get_request_serializer()
            found.extend(
                (f"{self.method} {self.path}", one) for one in (sent.values() if isinstance(sent, dict) else [sent])
            )
        return original(self, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(AutoSchema, "_get_request_body", note)
        SchemaGenerator().get_schema(request=None, public=True)
    for operation, sent in found:
        serializer = sent() if isinstance(sent, type) and issubclass(sent, serializers.BaseSerializer) else sent
        if isinstance(serializer, serializers.BaseSerializer):
            yield from ((operation, one) for one in _with_nested(serializer))


def _with_nested(serializer: Any) -> Iterator[Any]:
    serializer = (
        getattr(serializer, "child", serializer) if serializer.__class__.__name__ == "ListSerializer" else serializer
    )
    yield serializer
    for field in serializer.fields.values():
        if isinstance(field, serializers.BaseSerializer) and not field.read_only:
            yield from _with_nested(field)


def test_every_request_body_is_strict():
    found = list(request_serializers())

    loose = {f"{operation}: {type(one).__name__}" for operation, one in found if not isinstance(one, StrictSerializer)}
    assert loose == set()
    assert {"ExternalPersonSerializer", "OneTimeScenarioSerializer"} <= {type(one).__name__ for _, one in found}


def test_operations_without_a_body_refuse_fields(admin, counselor, supervisor):
    clients = [client_of(one) for one in (admin, counselor, supervisor)]
    checked = 0
    for method, path, operation in operations():
        if method != "POST" or "requestBody" in operation:
            continue
        responses = [client.post(fill(path), {"reazon": "x"}, JSON) for client in clients]
        assert any(one.status_code == 400 and "reazon" in one.json()["fields"] for one in responses), path
        checked += 1

    assert checked >= 12


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("POST", "/api/cohorts/", {"name": "Spring", "members": []}, "members"),
        ("PATCH", "/api/me/", {"mail_asigned": False}, "mail_asigned"),
        ("PATCH", "/api/me/", {"email": "other@example.org"}, "email"),
        ("POST", "/api/tokens/", {"name": "LMS", "scopes": ["sessions:read"], "expires": "2030-01-01"}, "expires"),
        ("POST", "/api/webhooks/", {"url": "https://example.org/", "events": ["evaluation.ready"], "x": 1}, "x"),
        ("POST", "/api/sessions/", {"type": "free_practice", "mode": "chat", "scenario": "x"}, "scenario"),
        (
            "POST",
            "/api/assignments/bulk/",
            {"people": [{"external_id": "a", "emial": "a@example.org"}], "scenarios": [str(uuid4())]},
            "people.0.emial",
        ),
        (
            "POST",
            "/api/assignments/one-time/",
            {"scenario": {"titel": "x"}, "counselors": [str(uuid4())]},
            "scenario.titel",
        ),
    ],
)
def test_unknown_fields_are_refused_by_their_path(admin, supervisor, method, path, body, field):
    client = client_of(supervisor if "assignments" in path else admin)

    response = client.generic(method, path, json.dumps(body), JSON)

    assert field in assert_error(response, 400)["fields"]


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ('{"name": "Spring", "counselors": [], "name": "Autumn"}', "name"),
        ('{"name": "Spring", "counselors": [{"a": 1, "a": 2}]}', "a"),
        ('{"\\ud800": 1, "\\ud800": 2}', "\ufffd"),
    ],
)
def test_a_name_sent_twice_is_refused(admin, body, name):
    response = client_of(admin).post("/api/cohorts/", body, JSON)

    assert f"“{name}” more than once" in assert_error(response, 400)["detail"]


def test_patch_of_a_flag_keeps_the_note_that_it_does_not_send(supervisor, counselor, finished_chat):
    report_problem(finished_chat, counselor, "other", "The caller hung up.")
    client, path = client_of(supervisor), f"/api/flags/{Flag.objects.get().public_id}/"

    first = client.patch(path, {"handling": "reviewed", "handled_note": "Talked to them."}, JSON).json()
    second = client.patch(path, {"handling": "dismissed"}, JSON).json()
    third = client.patch(path, {"handling": "dismissed", "handled_note": ""}, JSON).json()

    assert [one["handled_note"] for one in (first, second, third)] == ["Talked to them.", "Talked to them.", ""]
    assert second["handling"] == "dismissed"


def test_patch_answers_with_every_field_that_it_takes():
    for method, path, operation in operations():
        if method != "PATCH":
            continue
        sent, answered = (
            properties_of(operation["requestBody"]["content"]),
            properties_of(operation["responses"]["200"]["content"]),
        )
        written = {name for name, one in sent.items() if not one.get("readOnly") and not name.endswith("_file")}
        assert written <= set(answered), path


def test_patch_of_a_cohort_answers_with_its_members(admin, counselor, colleague):
    client = client_of(admin)
    cohort = client.post("/api/cohorts/", {"name": "Spring", "counselors": [str(counselor.pk)]}, JSON).json()

    changed = client.patch(f"/api/cohorts/{cohort['id']}/", {"counselors": [str(colleague.pk)]}, JSON).json()

    assert (cohort["counselors"], cohort["size"]) == ([str(counselor.pk)], 1)
    assert (changed["counselors"], changed["size"]) == ([str(colleague.pk)], 1)
    assert "counselors" not in client.get("/api/cohorts/").json()["results"][0]


def test_patch_answers_with_the_name_and_the_note(counselor, supervisor, finished_chat):
    flag = report_problem(finished_chat, counselor, "technical", "No sound.")
    handled = {"handling": "reviewed", "handled_note": "The headset."}

    named = client_of(counselor).patch(f"/api/sessions/{finished_chat.pk}/", {"name": "A hard one"}, JSON).json()
    answered = client_of(supervisor).patch(f"/api/flags/{flag.public_id}/", handled, JSON).json()

    assert named["name"] == "A hard one"
    assert {name: answered[name] for name in handled} == handled


CREATED_WITHOUT_LOCATION = {
    "/api/sessions/{id}/ticket/",  # used once, never read
    "/api/sessions/{id}/report/",  # counselors do not read flags
    "/api/evaluations/{id}/criteria/{id}/dispute/",  # only listed
    "/api/assignments/bulk/",  # several things
}
CREATED = {
    "/api/sessions/": {"type": "free_practice", "mode": "phone"},
    "/api/assignments/": {"counselor": "{counselor}", "scenario": "{scenario}"},
    "/api/assignments/one-time/": {
        "scenario": {"title": "Once", "prompt": "You are a caller who lost a job.", "mode": "chat"},
        "counselors": ["{counselor}"],
    },
    "/api/scenarios/": {"title": "New", "prompt": "You are a caller who lost a job.", "mode": "chat"},
    "/api/cohorts/": {"name": "Spring"},
    "/api/tokens/": {"name": "LMS", "scopes": ["sessions:read"]},
    "/api/webhooks/": {"url": "https://hooks.example.org/x", "events": ["evaluation.ready"]},
    "/api/scenarios/drafts/": {"source": "The counselor interrupted me and never asked how I was."},
}
# Tested where their prerequisites are.
CREATED_ELSEWHERE = {
    "/api/scenarios/import/",
    "/api/scenarios/drafts/{id}/save/",
    "/api/sessions/{id}/messages/",
    "/api/sessions/{id}/comments/",
}


@pytest.mark.parametrize("path", CREATED)
def test_location_names_the_new_thing(admin, counselor, phone_scenario, path):
    ids = {"{counselor}": str(counselor.pk), "{scenario}": str(phone_scenario.pk)}
    sent = json.dumps(CREATED[path])
    for place, pk in ids.items():
        sent = sent.replace(place, pk)
    client = client_of(admin)

    response = client.post(path, sent, JSON)

    assert response.status_code in {201, 202}, response.json()
    created = response.json().get("scenario", response.json()) if path.endswith("one-time/") else response.json()
    assert response["Location"].endswith(f"/{created['id']}/")
    assert client.get(response["Location"]).json()["id"] == created["id"]


def test_every_creating_operation_is_tested_for_its_location():
    creating = {
        re.sub(r"\{\w+\}", "{id}", path)
        for method, path, operation in operations()
        if method == "POST" and "201" in operation["responses"]
    }

    assert creating == set(CREATED) | CREATED_WITHOUT_LOCATION | CREATED_ELSEWHERE


def test_counselor_reads_what_may_be_played(counselor, phone_assignment, chat_scenario, other_organization):
    client = client_of(counselor)
    hidden = {"prompt", "evaluator_context", "relevant_policy_sections", "skills", "account", "opens", "patience"}

    listed = client.get("/api/library/", query_params={"mode": "chat"}).json()["results"]
    one = client.get(f"/api/library/{chat_scenario.pk}/").json()
    assigned = client.get(f"/api/assignments/{phone_assignment.pk}/").json()

    assert listed == [one]
    assert (one["title"], one["mode"], one["description"]) == (chat_scenario.title, "chat", chat_scenario.description)
    scenario = phone_assignment.scenario
    assert (assigned["title"], assigned["mode"]) == (scenario.title, "phone")
    assert assigned["description"] == scenario.description
    assert not hidden & (set(one) | set(assigned))


def test_library_leaves_out_what_may_not_be_played(counselor, stranger, chat_scenario, phone_scenario):
    type(chat_scenario).objects.filter(pk=chat_scenario.pk).update(is_active=False)
    type(phone_scenario).objects.filter(pk=phone_scenario.pk).update(is_one_time=True)

    assert client_of(counselor).get("/api/library/").json()["results"] == []
    assert client_of(stranger).get(f"/api/library/{phone_scenario.pk}/").status_code == 404


def test_library_is_open_to_a_token_for_sessions(admin, chat_scenario):
    _, secret = issue_service_token(admin, "Own client", ["sessions:read"])

    listed = Client(headers={"Authorization": f"Bearer {secret}"}).get("/api/library/").json()["results"]

    assert [row["title"] for row in listed] == [chat_scenario.title]


@pytest.mark.parametrize(
    ("errors", "flat"),
    [
        (["One.", "Two."], {"non_field_errors": ["One.", "Two."]}),
        ({"a": ["One."]}, {"a": ["One."]}),
        ({"a": "One."}, {"a": ["One."]}),
        ({"a": {"b": ["One."], "non_field_errors": ["Two."]}}, {"a.b": ["One."], "a": ["Two."]}),
        ([{}, {"a": ["One."]}], {"1.a": ["One."]}),
        ({"a": {0: ["One."]}}, {"a.0": ["One."]}),
        ({"a": [{}, {"b": [{"c": ["One."]}]}]}, {"a.1.b.0.c": ["One."]}),
    ],
)
def test_errors_are_flattened(errors, flat):
    assert flatten_errors(errors) == flat
