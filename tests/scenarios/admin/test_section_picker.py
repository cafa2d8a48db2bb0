import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.procedures.document_preparation import prepare_procedures
from accounts.procedures.uploads import upload_procedures
from tests.accounts.pdf_samples import make_pdf
from tests.support.fixtures import client_of

URL = "/admin/scenarios/scenario/sections/"
MANUAL = make_pdf(
    "Harbor State Line 717\n6100 Asking about suicide\nAsk directly.", "6200 Safety plan\nWork it out together."
)


def picker_html(person, **fields) -> str:
    return client_of(person).post(URL, fields).content.decode()


@pytest.fixture
def current_document(account, supervisor, standin):
    document = upload_procedures(account, SimpleUploadedFile("Manual.pdf", MANUAL), supervisor)
    prepare_procedures(document.pk)
    return document


def test_picker_lists_sections_with_page(current_document, account, supervisor):
    html = picker_html(supervisor, account=account.pk)

    assert 'data-section="6100 Asking about suicide (page 1)"' in html
    assert 'data-section="6200 Safety plan (page 2)"' in html
    assert "Manual.pdf" in html and "Related to your text" not in html


def test_picker_suggests_related_sections(current_document, account, supervisor):
    html = picker_html(supervisor, account=account.pk, evaluator_context="- Makes a safety plan that works.")

    first = html.index("Related to your text")
    assert first < html.index("6200 Safety plan") < html.index("All 2 sections")


@pytest.mark.parametrize("account_id", ["", "nothing", "00000000-0000-4000-8000-000000000000"])
def test_picker_without_account_is_empty(supervisor, account_id):
    assert "Choose an account to pick sections of its procedures here." in picker_html(supervisor, account=account_id)


def test_picker_links_to_upload_without_procedures(account, supervisor):
    html = picker_html(supervisor, account=account.pk)

    assert "has no current procedures" in html and f"/accounts/{account.pk}/" in html


def test_picker_reports_processing_and_failed_document(current_document, account, supervisor, standin):
    document = upload_procedures(account, SimpleUploadedFile("Newer.pdf", MANUAL), supervisor)
    assert "A new document is being prepared" in picker_html(supervisor, account=account.pk)

    standin.add_fault("POST /v1/files", {"status": 400})
    prepare_procedures(document.pk)
    assert "The newest document could not be prepared" in picker_html(supervisor, account=account.pk)


def test_picker_ignores_account_of_another_organization(current_document, account, stranger):
    assert "Choose an account" in picker_html(stranger, account=account.pk)
    assert "6100" not in picker_html(stranger, account=account.pk)
