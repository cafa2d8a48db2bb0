"""Documents that count only once a person confirms them."""

import html

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.models import Account, ProcedureDocument
from accounts.procedures.document_preparation import NO_SECTIONS_WARNING, prepare_procedures
from accounts.procedures.upload_validation import InvalidProceduresError
from accounts.procedures.uploads import confirm_procedures, upload_procedures
from tests.accounts.pdf_samples import make_pdf
from tests.support.fixtures import client_of

SECTION = "\n6100 Asking about suicide\nAsk directly."
NOTE = "I compared it with the printed manual of line 717."


def upload(account: Account, by, *pages: str) -> ProcedureDocument:
    return upload_procedures(account, SimpleUploadedFile("Manual.pdf", make_pdf(*pages)), by)


@pytest.fixture
def waiting(account, supervisor, standin) -> ProcedureDocument:
    document = upload(account, supervisor, "Crisis line" + SECTION)
    prepare_procedures(document.pk)
    document.refresh_from_db()
    return document


@pytest.mark.parametrize(
    "pages",
    [
        ["Account 7 1 7" + SECTION],
        ["Accounts 716/717" + SECTION],
        ["Crisis line", "Manual", "Line 717" + SECTION],
        ["", "", "Crisis line", "Line 717" + SECTION],
        ["Procedures 717-2024" + SECTION],
    ],
    ids=["spaced", "slash", "third page", "after scanned pages", "year"],
)
def test_number_is_found_on_the_first_three_pages_with_text(account, supervisor, standin, pages):
    Account.objects.create(organization=account.organization, name="Ridge", number="716")

    document = upload(account, supervisor, *pages)

    prepare_procedures(document.pk)
    account.refresh_from_db()
    assert (document.warning, account.procedures) == ("", document)


def test_number_of_another_account_is_rejected(account, supervisor):
    Account.objects.create(organization=account.organization, name="Ridge", number="718")

    with pytest.raises(InvalidProceduresError) as caught:
        upload(account, supervisor, "Ridge State Line, account 718" + SECTION)

    assert str(caught.value).startswith("This document is for account number 718, not for Harbor State Line.")
    assert ProcedureDocument.objects.count() == 0


def test_number_of_another_organization_is_unknown(account, supervisor, other_organization):
    Account.objects.create(organization=other_organization, name="Ridge", number="718")

    assert "don’t mention the account number, 717" in upload(account, supervisor, "Account 718" + SECTION).warning


def test_document_without_number_waits_and_old_one_stays(account, supervisor, standin):
    current = upload(account, supervisor, "Line 717" + SECTION)
    prepare_procedures(current.pk)
    document = upload(account, supervisor, "Crisis line" + SECTION)

    prepare_procedures(document.pk)

    document.refresh_from_db()
    account.refresh_from_db()
    assert (document.status, document.available_at, document.openai_file_id) == ("unconfirmed", None, "")
    assert account.procedures == current


@pytest.mark.parametrize("text", ["Line 717\nBe kind.", "717 State Line\nBe kind."])
def test_document_without_sections_says_so_before_it_counts(account, supervisor, standin, text):
    document = upload(account, supervisor, text)

    prepare_procedures(document.pk)

    document.refresh_from_db()
    account.refresh_from_db()
    assert (document.status, document.warning, account.procedures) == ("unconfirmed", NO_SECTIONS_WARNING, None)
    confirm_procedures(document, supervisor, NOTE)
    prepare_procedures(document.pk)
    account.refresh_from_db()
    assert account.procedures == document


def test_active_document_is_prepared_again_without_confirmation(account, supervisor, standin):
    document = upload(account, supervisor, "Line 717\nBe kind.")
    Account.objects.filter(pk=account.pk).update(procedures=document)

    prepare_procedures(document.pk)

    document.refresh_from_db()
    assert document.status == "ready"


def test_page_confirms_with_a_note_that_stays_in_the_history(account, supervisor, waiting):
    client, page = client_of(supervisor), f"/accounts/{account.pk}/"
    body = html.unescape(client.get(page).content.decode())
    assert "Manual.pdf isn’t in use yet." in body and waiting.warning in body
    without_note = client.post(f"{page}procedures/{waiting.pk}/confirm/", {"note": " "}, follow=True)

    client.post(f"{page}procedures/{waiting.pk}/confirm/", {"note": NOTE})

    assert "Enter a note." in without_note.content.decode()
    prepare_procedures(waiting.pk)
    account.refresh_from_db()
    waiting.refresh_from_db()
    body = client.get(page).content.decode()
    assert (account.procedures, waiting.status, waiting.confirmed_by) == (waiting, "ready", supervisor)
    assert f"by {supervisor}: {NOTE}" in body and "isn’t in use yet" not in html.unescape(body)
    again = client.post(f"{page}procedures/{waiting.pk}/confirm/", {"note": "Again"}, follow=True).content.decode()
    assert "Manual.pdf doesn’t need confirmation." in html.unescape(again)
    assert ProcedureDocument.objects.get().confirmation_note == NOTE


def test_api_confirms_with_a_note(account, supervisor, waiting):
    client, url = client_of(supervisor), f"/api/accounts/{account.pk}/"
    assert client.get(url).json()["procedures_status"] == "unconfirmed"
    confirm_url = f"{url}procedures/{waiting.pk}/confirm/"

    without_note = client.post(confirm_url, {}, "application/json")
    confirmed = client.post(confirm_url, {"note": NOTE}, "application/json")
    again = client.post(confirm_url, {"note": NOTE}, "application/json")

    assert (without_note.status_code, confirmed.status_code, again.status_code) == (400, 202, 400)
    [entry] = confirmed.json()["history"]
    assert (entry["confirmation_note"], entry["confirmed_by"], entry["status"]) == (
        NOTE,
        supervisor.email,
        "processing",
    )


@pytest.mark.django_db(transaction=True)
def test_admin_confirms_with_a_note(account, supervisor, waiting):
    page = f"/admin/accounts/account/{account.pk}/change/"
    fields = {"name": account.name, "number": "717", "confirmation_note": NOTE}

    client_of(supervisor).post(page, fields)
    second = client_of(supervisor).post(page, fields, follow=True).content.decode()

    waiting.refresh_from_db()
    history = client_of(supervisor).get(page).content.decode()
    assert (waiting.status, waiting.confirmed_by) == ("processing", supervisor)
    assert f"Confirmed by {supervisor}" in history and NOTE in history
    assert "No document is waiting for confirmation." in second


def test_counselor_cannot_confirm(account, counselor, waiting):
    response = client_of(counselor).post(f"/accounts/{account.pk}/procedures/{waiting.pk}/confirm/", {"note": NOTE})

    waiting.refresh_from_db()
    assert (response.status_code, waiting.status) == (403, "unconfirmed")


def test_pages_that_were_not_read_are_named(account, supervisor, standin):
    document = upload(account, supervisor, "Line 717" + SECTION)
    prepare_procedures(document.pk)
    ProcedureDocument.objects.update(unread=[{"kind": "picture_pages", "count": 2, "pages": [3, 4]}])

    body = html.unescape(client_of(supervisor).get(f"/accounts/{account.pk}/").content.decode())
    [entry] = client_of(supervisor).get(f"/api/accounts/{account.pk}/").json()["history"]

    sentence = "Pages 3, 4 have large pictures. We can’t read words in pictures."
    assert sentence in body
    assert entry["unread"] == [sentence]


def test_pages_say_that_a_document_is_waiting_not_that_there_is_none(account, supervisor, standin):
    document = upload_procedures(account, SimpleUploadedFile("p.md", b"# 1 Opening\n\nGreet."), supervisor)
    prepare_procedures(document.pk)
    client = client_of(supervisor)

    listed = client.get("/accounts/").content.decode()
    page = client.get(f"/accounts/{account.pk}/").content.decode()

    assert "A new document is waiting for confirmation" in listed
    assert "No procedures in use yet." in listed
    assert "No procedures in use yet. Until a document is ready" in page
    assert "Until you upload a document" not in page
