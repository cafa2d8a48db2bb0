import json
from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO
from uuid import UUID, uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from accounts.models import Account
from config.celery import app as celery
from scenarios.models import Category, ImportJob, ImportRow, Scenario
from scenarios.services.import_writing import write_import
from scenarios.services.imports import ImportOptions, stage_import, start_import
from tests.scenarios.import_factories import run_before_query
from tests.support.fixtures import add_scenario, client_of, run_concurrently

IMPORT, IMPORTS = "/api/scenarios/import/", "/api/scenarios/imports/"
CSV = b"title,prompt,category\nOne,You are Dana.,Onboarding\nTwo,You are Noor.,\n"
RESULT = {
    "id", "status", "failure", "source", "filename", "total", "written", "ignored_columns", "new_categories",
    "created_at", "finished_at",
    "created", "updated", "skipped", "invalid", "created_titles", "updated_titles", "skipped_titles", "errors",
    "error_groups", "missing_categories",
}  # fmt: skip


def rows(*titles: str, **fields: object) -> list[dict[str, object]]:
    return [{"title": title, "prompt": f"You are {title}.", **fields} for title in titles]


def post_import(client: Client, pack: object, query: str = "", **headers: str):
    body = pack if isinstance(pack, bytes) else json.dumps(pack).encode()
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.post(f"{IMPORT}{query}", body, content_type="application/json", headers=names)


def id_of(response) -> UUID:
    return UUID(response["Location"].split("/")[-2])


def job_of(response) -> ImportJob:
    return ImportJob.objects.get(pk=id_of(response))


@pytest.fixture
def client(supervisor) -> Client:
    return client_of(supervisor)


@pytest.fixture
def worker() -> Iterator[None]:
    """Run each task as soon as it is queued."""
    celery.conf.task_always_eager = True
    yield
    celery.conf.task_always_eager = False


def test_pack_is_checked_at_once_and_written_by_worker(client, supervisor):
    response = post_import(client, {"scenarios": rows("One", "Two", "one")})

    job = job_of(response)
    assert (response.status_code, set(response.json())) == (202, RESULT)
    summary = {name: response.json()[name] for name in ("status", "total", "created", "skipped", "skipped_titles")}
    assert summary == {"status": "queued", "total": 3, "created": 0, "skipped": 1, "skipped_titles": ["one"]}
    assert (job.created_by, job.source, Scenario.objects.count()) == (supervisor, "api", 0)

    write_import(job.pk)

    data = client.get(response["Location"]).json()
    assert set(data) == RESULT
    assert (data["status"], data["created"], data["skipped"]) == ("completed", 2, 1)
    assert (data["created_titles"], data["written"], data["errors"]) == (["One", "Two"], 2, [])
    assert {scenario.title for scenario in Scenario.objects.all()} == {"One", "Two"}
    assert {scenario.created_by for scenario in Scenario.objects.all()} == {supervisor}


@pytest.mark.django_db(transaction=True)
def test_prefer_wait_returns_201_and_then_200(client, worker):
    first = post_import(client, rows("One", "Two"), Prefer="wait=10")
    again = post_import(client, rows("One", "Two"), Prefer="wait=10")

    assert (first.status_code, first.json()["status"], first.json()["created"]) == (201, "completed", 2)
    assert (again.status_code, again.json()["status"], again.json()["created"]) == (200, "completed", 0)
    assert again.json()["skipped_titles"] == ["One", "Two"]
    assert Scenario.objects.count() == 2


def test_import_without_changes_completes_at_once(client, organization):
    add_scenario(organization, "  ÖNE ".strip())

    response = post_import(client, rows("öne"))

    assert (response.status_code, response.json()["status"], response.json()["skipped"]) == (200, "completed", 1)


@pytest.mark.django_db(transaction=True)
def test_prefer_wait_for_updates_returns_200(client, organization, worker):
    add_scenario(organization, "One", difficulty="beginner")

    response = post_import(client, rows("One", difficulty="expert"), "?update=true", Prefer="wait=10")

    assert (response.status_code, response.json()["updated_titles"]) == (200, ["One"])
    assert Scenario.objects.get().difficulty == "expert"


def test_existing_scenario_stays_without_update(client, organization):
    add_scenario(organization, "One", difficulty="beginner")

    response = post_import(client, rows("One", difficulty="expert"))

    assert (response.status_code, response.json()["skipped"]) == (200, 1)
    assert Scenario.objects.get().difficulty == "beginner"


def post_csv(client: Client):
    return client.post(IMPORT, CSV, content_type="text/csv; charset=utf-8")


def post_form(client: Client):
    return client.post(IMPORT, {"file": SimpleUploadedFile("Spring pack.csv", CSV)})


def post_large_form(client: Client):
    """Post a file larger than the size up to which Django keeps an upload in memory."""
    return client.post(IMPORT, {"file": SimpleUploadedFile("large.csv", CSV + b"\n" * 3_000_000)})


@pytest.mark.parametrize(
    ("post", "name"), [(post_csv, "pack.csv"), (post_form, "Spring pack.csv"), (post_large_form, "large.csv")]
)
def test_pack_is_accepted_as_csv_or_form(client, post, name):
    response = post(client)

    assert (response.status_code, response.json()["total"], response.json()["filename"]) == (202, 2, name)


@pytest.mark.parametrize("post", [post_csv, post_form, lambda client: post_import(client, rows("One"))])
def test_session_requires_csrf_token(supervisor, post):
    client = Client(enforce_csrf_checks=True)
    client.force_login(supervisor)
    assert post(client).status_code == 403

    client.get("/account/password/change/")
    client.defaults["HTTP_X_CSRFTOKEN"] = client.cookies["csrftoken"].value

    assert post(client).status_code == 202


INVALID = [*rows("One"), {"title": "Two", "mode": "letter", "skills": ["Singing"]}, *rows("Three")]


def test_invalid_rows_reject_pack(client):
    response = post_import(client, {"scenarios": INVALID})

    data = response.json()
    assert (response.status_code, data["code"]) == (400, "invalid_rows")
    assert (data["total"], data["invalid"], data["created"]) == (3, 1, 0)
    assert data["detail"].startswith("Nothing was imported. 1 of 3 rows is invalid.")
    assert {"row", "line", "column", "field", "message", "title"} == set(data["errors"][0])
    assert {(error["row"], error["title"], error["field"]) for error in data["errors"]} == {
        (2, "Two", "prompt"), (2, "Two", "mode"), (2, "Two", "skills"),
    }  # fmt: skip
    assert ImportJob.objects.count() == ImportRow.objects.count() == Scenario.objects.count() == 0


def test_partial_imports_valid_rows(client):
    response = post_import(client, {"scenarios": INVALID}, "?partial=true")

    write_import(id_of(response))

    data = client.get(response["Location"]).json()
    assert response.status_code == 202
    assert (data["created_titles"], data["invalid"]) == (["One", "Three"], 1)
    assert {error["row"] for error in data["errors"]} == {2}


def test_partial_pack_without_valid_rows_completes_at_once(client):
    response = post_import(client, [{"title": "Two"}], "?partial=true")

    assert (response.status_code, response.json()["invalid"], response.json()["created"]) == (200, 1, 0)


def test_dry_run_reports_each_row_and_keeps_nothing(client, organization):
    add_scenario(organization, "There")
    add_scenario(organization, "Old", difficulty="beginner")
    pack = rows("New", "There", "New") + rows("Old", difficulty="expert") + [{"title": "Bad"}]

    response = post_import(client, pack, "?dry_run=true&update=true", Idempotency_Key="k")

    data = response.json()
    assert response.status_code == 200
    assert [(row["row"], row["title"], row["outcome"]) for row in data["rows"]] == [
        (1, "New", "new"), (2, "There", "changed"), (3, "New", "duplicate"),
        (4, "Old", "changed"), (5, "Bad", "invalid"),
    ]  # fmt: skip
    counts = {name: data[name] for name in ("created", "updated", "skipped", "invalid")}
    assert counts == {"created": 1, "updated": 2, "skipped": 1, "invalid": 1}
    assert ImportJob.objects.count() == 0
    assert post_import(client, rows("Other"), Idempotency_Key="k").status_code == 202


def test_categories_are_created_on_request(client):
    rejected = post_import(client, rows("One", category="Night line"))
    response = post_import(client, rows("One", category="Night line"), "?create_categories=true")

    assert rejected.json()["errors"][0]["field"] == "category"
    assert (response.status_code, Category.objects.filter(name="Night line").count()) == (202, 0)
    write_import(id_of(response))
    assert Scenario.objects.get().category == Category.objects.get(name="Night line")


@pytest.mark.parametrize("account_key", [lambda account: account.number, lambda account: account.pk])
def test_account_option_applies_to_rows_without_account(client, organization, account, account_key):
    other = Account.objects.create(organization=organization, name="Other", number="718")

    response = post_import(client, rows("One") + rows("Two", account="718"), f"?account={account_key(account)}")

    write_import(id_of(response))
    assert {scenario.title: scenario.account for scenario in Scenario.objects.all()} == {"One": account, "Two": other}


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("dry_run=perhaps", "dry_run"),
        ("dry_run=", "dry_run"),
        ("dryrun=true", "dryrun"),
        ("partial=2", "partial"),
        ("account=999", "account"),
        ("account=%00", "account"),
    ],
)
def test_invalid_option_imports_nothing(client, account, query, field):
    response = post_import(client, rows("One"), f"?{query}")

    assert (response.status_code, list(response.json()["fields"])) == (400, [field])
    assert ImportJob.objects.count() == 0


def test_hundred_rows_take_at_most_36_queries(client, account, django_assert_max_num_queries):
    pack = rows(
        *(f"case {number}" for number in range(100)), category="Advanced", skills=["Termination", "Grief support"],
        account="717", evaluator_context="- Asks.",
    )  # fmt: skip

    with django_assert_max_num_queries(36):
        response = post_import(client, pack)
        write_import(id_of(response))

    assert Scenario.objects.filter(account=account).count() == 100
    assert Scenario.skills.through.objects.count() == 200


def test_pack_over_row_limit_is_rejected_with_alternatives(client):
    response = post_import(client, rows(*(f"case {number}" for number in range(101))))

    detail = response.json()["detail"]
    assert (response.status_code, response.json()["code"]) == (400, "too_many_rows")
    assert "more than 100 rows" in detail and "import_scenarios" in detail and "import page" in detail
    assert ImportJob.objects.count() == Scenario.objects.count() == 0


UNREADABLE = [
    (b'{"scenarios": [', "application/json"),
    (b'[{"title": "One", "prompt": NaN}', "application/json"),
    (b"[" * 5000, "application/json"),
    (b'{"scenarios": 7}', "application/json"),
    (b"null", "application/json"),
    (b"\xff\xfe{", "application/json"),
    (b"PK\x03\x04", "application/json"),
    (b"   ", "application/json"),
    (b"title;prompt\n\x81;x", "text/csv"),
    (b'title,prompt\n"One', "text/csv"),
    (b"\0", "text/csv"),
]


@pytest.mark.parametrize(("body", "kind"), UNREADABLE, ids=lambda value: ascii(value)[:20])
def test_unreadable_pack_is_rejected_with_position(client, body, kind):
    response = client.post(IMPORT, body, content_type=kind)

    data = response.json()
    assert (response.status_code, data["code"], bool(data["detail"])) == (400, "unreadable", True)
    assert {"detail", "code", "fields", "request_id", "line", "column"} == set(data)
    assert ImportJob.objects.count() == 0


def test_error_position_is_exact(client):
    data = post_import(client, b'{"scenarios": [\n  {"title": "One" "prompt": "x"}\n]}').json()

    assert (data["line"], data["column"]) == (2, 19)
    assert data["detail"].startswith("Line 2, column 19: ")


def test_missing_pack_returns_400_and_other_type_415(client):
    missing = client.post(IMPORT, b"", content_type="application/json")
    empty = client.post(IMPORT, {"file": SimpleUploadedFile("pack.json", b"")})
    text = client.post(IMPORT, {"file": "title,prompt"})
    form = client.post(IMPORT, {"file": SimpleUploadedFile("pack.csv", CSV), "partial": "true"})
    yaml = client.post(IMPORT, b"title: One", content_type="application/yaml")

    for response in (missing, empty, text):
        assert (response.status_code, list(response.json()["fields"])) == (400, ["file"])
    assert (form.status_code, list(form.json()["fields"])) == (400, ["partial"])
    assert yaml.status_code == 415
    assert ImportJob.objects.count() == 0


def test_large_body_is_not_held_in_memory(client, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000

    response = post_import(client, rows("One", evaluator_context="x" * 10_000))

    assert response.status_code == 202


def test_same_key_and_body_replay_import(client):
    first = post_import(client, rows("One"), Idempotency_Key="pack 1")
    again = post_import(client, rows("One"), Idempotency_Key="pack 1")

    assert (first.status_code, again.status_code) == (202, 202)
    assert (again["Location"], again.json()) == (first["Location"], first.json())
    assert (first.has_header("Idempotent-Replayed"), again["Idempotent-Replayed"]) == (False, "true")
    assert ImportJob.objects.count() == 1

    write_import(id_of(first))

    finished = post_import(client, rows("One"), Idempotency_Key="pack 1")
    assert (finished.status_code, finished.json()["created_titles"], finished["Idempotent-Replayed"]) == (
        201,
        ["One"],
        "true",
    )
    assert Scenario.objects.count() == 1


@pytest.mark.parametrize("change", [{"pack": rows("Two")}, {"query": "?partial=true"}, {"query": "?account=717"}])
def test_same_key_with_different_body_returns_422(client, account, change):
    arguments = {"pack": rows("One"), "query": "", "Idempotency_Key": "k"}
    post_import(client, **arguments)

    response = post_import(client, **arguments | change)

    assert (response.status_code, response.json()["code"]) == (422, "key_reused")
    assert ImportJob.objects.count() == 1


def test_key_can_be_reused_after_rejection(client):
    rejected = post_import(client, {"scenarios": INVALID}, Idempotency_Key="k")
    unreadable = post_import(client, b"{", Idempotency_Key="k")
    corrected = post_import(client, rows("One"), Idempotency_Key="k")

    assert (rejected.status_code, unreadable.status_code, corrected.status_code) == (400, 400, 202)


@pytest.mark.parametrize("key", ["", "x" * 256, "schlüssel", "a\tb"])
def test_invalid_key_is_rejected(client, key):
    response = post_import(client, rows("One"), Idempotency_Key=key)

    assert (response.status_code, list(response.json()["fields"])) == (400, ["Idempotency-Key"])
    assert post_import(client, rows("One"), Idempotency_Key="~" * 255).status_code == 202


def test_keys_are_separate_per_organization(client, stranger):
    post_import(client, rows("One"), Idempotency_Key="k")

    theirs = post_import(client_of(stranger), rows("Two"), Idempotency_Key="k")

    assert (theirs.status_code, ImportJob.objects.count()) == (202, 2)


def test_import_being_deleted_returns_409(client, supervisor):
    def mark_forgotten() -> None:
        ImportJob.objects.update(status=ImportJob.Status.FORGOTTEN)

    with run_before_query('UPDATE "scenarios_importjob" SET "fence"', mark_forgotten):
        response = post_import(client, rows("One"), Idempotency_Key="k")

    assert (response.status_code, response.json()["code"]) == (409, "busy")


def test_key_of_pack_being_read_returns_409(client, supervisor):
    post_import(client, rows("One"), Idempotency_Key="k")
    ImportJob.objects.update(status=ImportJob.Status.CHECKING)

    response = post_import(client, rows("One"), Idempotency_Key="k")

    assert (response.status_code, response.json()["code"]) == (409, "busy")


def test_unfinished_check_is_not_treated_as_empty(client):
    post_import(client, rows("One"), Idempotency_Key="k")
    ImportJob.objects.update(status=ImportJob.Status.CHECKING)
    early = ImportJob.objects.get()
    early.to_write = 0
    ImportJob.objects.update(status=ImportJob.Status.CHECKED)

    assert start_import(early) is False
    assert ImportJob.objects.get().status == ImportJob.Status.CHECKED


def test_key_can_be_reused_after_reader_was_lost(client, settings):
    post_import(client, rows("One"), Idempotency_Key="k")
    long_ago = timezone.now() - timedelta(seconds=settings.IMPORT_LOST_AFTER + 1)
    ImportJob.objects.update(status=ImportJob.Status.CHECKING, created_at=long_ago)

    response = post_import(client, rows("One"), Idempotency_Key="k")

    assert (response.status_code, response.has_header("Idempotent-Replayed")) == (202, False)
    assert ImportJob.objects.count() == 1


def test_checked_import_is_started_by_next_request(client):
    """Repeat the request after a process was killed between the check and the start."""
    post_import(client, rows("One"), Idempotency_Key="k")
    ImportJob.objects.update(status=ImportJob.Status.CHECKED)

    response = post_import(client, rows("One"), Idempotency_Key="k")

    assert (response.status_code, response.json()["status"]) == (202, "queued")


@pytest.mark.django_db(transaction=True)
def test_concurrent_requests_with_one_key_create_one_import(supervisor):
    clients = [client_of(supervisor) for _ in range(3)]

    pack = rows("One", "Two")
    responses = run_concurrently(
        *(lambda client=client: post_import(client, pack, Idempotency_Key="k") for client in clients)
    )

    assert {response.status_code for response in responses} <= {202, 409}
    assert ImportJob.objects.count() == 1
    write_import(ImportJob.objects.get().pk)
    assert Scenario.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_concurrent_invalid_requests_keep_nothing(supervisor):
    clients = [client_of(supervisor) for _ in range(3)]

    responses = run_concurrently(
        *(lambda client=client: post_import(client, INVALID, Idempotency_Key="k") for client in clients)
    )

    assert {response.status_code for response in responses} <= {400, 409}
    assert ImportJob.objects.count() == Scenario.objects.count() == 0


def test_failed_import_returns_reason(client):
    response = post_import(client, rows("One"))
    ImportJob.objects.update(status=ImportJob.Status.FAILED, failure="The rest could not be written.")

    failed = client.get(response["Location"])

    assert (failed.json()["status"], failed.json()["failure"]) == ("failed", "The rest could not be written.")


def test_list_is_newest_first_with_constant_queries(client, django_assert_num_queries):
    for count in (2, 20):
        for number in range(count):
            post_import(client, rows(f"{count} {number}"))
        with django_assert_num_queries(3):  # session, person, page
            page = client.get(IMPORTS + "?page_size=100").json()
    created = [row["created_at"] for row in page["results"]]

    assert len(created) == 22 and created == sorted(created, reverse=True)
    assert set(page["results"][0]) < RESULT and "errors" not in page["results"][0]
    assert client.get(IMPORTS + "?cursor=cD1zb29u").status_code == 400


def test_imports_of_another_organization_return_404(client, stranger, account, organization):
    add_scenario(organization, "One", difficulty="beginner")
    mine = post_import(client, rows("Two"))["Location"]
    other = client_of(stranger)

    unknown = other.get(f"{IMPORTS}{uuid4()}/")
    theirs = other.get(mine)
    assert (theirs.status_code, theirs.content) == (404, unknown.content)
    assert other.get(IMPORTS).json()["results"] == []
    for query in ("?account=717", f"?account={account.pk}"):
        assert post_import(other, rows("Three"), query).status_code == 400
    assert post_import(other, rows("Three", account="717")).json()["errors"][0]["field"] == "account"

    response = post_import(other, rows("One", difficulty="expert"), "?update=true")
    write_import(id_of(response))

    assert Scenario.objects.get(organization=organization).difficulty == "beginner"
    assert Scenario.objects.get(organization=stranger.organization).title == "One"


def test_imports_from_page_and_command_are_visible(client, supervisor, organization):
    job = stage_import(organization, supervisor, BytesIO(CSV), "a.csv", ImportJob.ImportSource.PAGE, ImportOptions())

    data = client.get(f"{IMPORTS}{job.pk}/").json()

    assert (data["status"], data["source"], data["total"]) == ("checked", "page", 2)
