import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart

from accounts.models import ProcedureDocument, User
from accounts.procedures.document_preparation import prepare_procedures
from accounts.procedures.uploads import upload_procedures
from tests.accounts.pdf_samples import LOCKED
from tests.accounts.test_views import MANUAL
from tests.support.fixtures import add_person, client_of


def url(account, suffix: str = "") -> str:
    return f"/api/accounts/{account.pk}/{suffix}"


def patch(client, account, content=MANUAL, name="Manual.pdf", **headers):
    body = encode_multipart(BOUNDARY, {"procedures_file": SimpleUploadedFile(name, content)})
    return client.patch(url(account), body, MULTIPART_CONTENT, **headers)


def test_upload_returns_202_with_location(account, supervisor, standin):
    client = client_of(supervisor)

    response = patch(client, account)

    assert (response.status_code, response["Location"]) == (202, url(account))
    assert response.json()["procedures_status"] == "processing"
    prepare_procedures(ProcedureDocument.objects.get().pk)
    data = client.get(url(account)).json()
    assert data["procedures_status"] == "ready"
    assert data["procedures"] == data["history"][0]
    assert data["procedures"]["pages"] == 2
    assert data["procedures"]["uploaded_by"] == "supervisor@example.org"
    assert "vs_" not in json.dumps(data) and "file-" not in json.dumps(data)


def test_openai_ids_are_shown_to_administrators_only(account, organization, supervisor, standin):
    patch(client_of(supervisor), account)
    prepare_procedures(ProcedureDocument.objects.get().pk)
    account.refresh_from_db()
    file_id, shown = account.procedures.openai_file_id, {}

    for role in (User.Role.ADMIN, User.Role.SUPERVISOR, User.Role.TRAINER, User.Role.EVALUATOR):
        client = client_of(add_person(organization, role, f"{role}@center.example"))
        data = client.get(url(account)).json()
        page = client.get(f"/accounts/{account.pk}/").content.decode()
        shown[role] = (data["vector_store_id"], data["file_ids"], account.vector_store_id in page, file_id in page)

    assert account.vector_store_id.startswith("vs_") and file_id
    assert shown.pop(User.Role.ADMIN) == (account.vector_store_id, [file_id], True, True)
    assert set(shown.values()) == {(None, None, False, False)}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (LOCKED, "This PDF is password-protected. Save a copy without the password and upload that."),
        (b"", "This file is empty."),
    ],
)
def test_rejected_upload_returns_reason(account, supervisor, content, message):
    response = patch(client_of(supervisor), account, content)

    assert response.status_code == 400
    assert response.json()["fields"]["procedures_file"][0].startswith(message)


def test_patch_rejects_other_fields(account, supervisor):
    response = client_of(supervisor).patch(url(account), {"name": "Other"}, "application/json")

    assert response.status_code == 400
    assert response.json()["fields"] == {"name": ["You can change this only in the admin."]}


def test_sections_are_listed_and_suggested(account, supervisor, standin):
    client = client_of(supervisor)
    assert client.get(url(account, "sections/")).json() == []
    prepare_procedures(upload_procedures(account, SimpleUploadedFile("m.pdf", MANUAL), supervisor).pk)

    listed = client.get(url(account, "sections/")).json()
    suggested = client.post(
        url(account, "sections/suggest/"), {"text": "They had no safety plan to work with."}, "application/json"
    ).json()

    assert listed == [
        {"number": "6100", "title": "Asking about suicide", "page": 1, "last_page": 1},
        {"number": "6200", "title": "Safety plan", "page": 2, "last_page": 2},
    ]
    assert suggested == [listed[1]]


def test_retry_queues_failed_document(account, supervisor, standin):
    client = client_of(supervisor)
    patch(client, account)
    document = ProcedureDocument.objects.get()
    standin.add_fault("POST /v1/files", {"status": 400, "code": "invalid_file"})
    prepare_procedures(document.pk)
    assert client.get(url(account)).json()["procedures_status"] == "failed"

    response = client.post(url(account, f"procedures/{document.pk}/retry/"))

    assert (response.status_code, response.json()["procedures_status"]) == (202, "processing")


def test_account_list_contains_only_own_organization(account, supervisor, stranger):
    assert [row["name"] for row in client_of(supervisor).get("/api/accounts/").json()["results"]] == [account.name]
    assert client_of(stranger).get("/api/accounts/").json()["results"] == []
