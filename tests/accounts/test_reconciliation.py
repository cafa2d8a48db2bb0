import pytest
from openai import OpenAI

from accounts.models import Account, ProcedureDocument
from accounts.procedures.document_preparation import prepare_procedures
from accounts.procedures.openai_vector_store import VectorStoreClient
from accounts.procedures.reconciliation import reconcile_procedures
from accounts.procedures.uploads import upload_procedures
from tests.accounts.test_document_preparation import (
    TEXT,
    all_file_ids,
    expire_claim,
    prepare_ready_document,
    store_file_ids,
    uploaded_file,
)

pytestmark = pytest.mark.both_databases


@pytest.fixture
def openai(standin, settings):
    settings.PROCEDURES_LEFT_AFTER = settings.REAP_GRACE = 0
    with OpenAI(api_key="sk-tests", base_url=standin.base_url) as client:
        for store in client.vector_stores.list():
            client.vector_stores.delete(store.id)
        for file in client.files.list():
            client.files.delete(file.id)
        yield client


def stores(client: OpenAI) -> set[str]:
    return {store.id for store in client.vector_stores.list()}


class SimulatedCrash(BaseException):
    """Simulated crash of a worker partway through a task. A BaseException, so that no error handler catches it."""


def crash_after(monkeypatch, method: str) -> None:
    original = getattr(VectorStoreClient, method)

    def crash(*args):
        original(*args)
        raise SimulatedCrash

    monkeypatch.setattr(VectorStoreClient, method, crash)


@pytest.mark.parametrize("method", ["ensure_store", "upload", "attach", "wait_until_searchable", "remove_file"])
def test_leftovers_of_dead_worker_are_removed(account, supervisor, openai, settings, monkeypatch, method):
    old = prepare_ready_document(account, supervisor)
    document = upload_procedures(account, uploaded_file(b"717\n4010 New."), supervisor)
    with monkeypatch.context() as patch:
        crash_after(patch, method)
        with pytest.raises(SimulatedCrash):
            prepare_procedures(document.pk)
    account.refresh_from_db()
    assert account.procedures in ({old, document} if method == "remove_file" else {old})
    assert account.procedures.openai_file_id in store_file_ids(openai, account)

    expire_claim(document)
    prepare_procedures(document.pk)
    reconcile_procedures()

    account.refresh_from_db()
    document.refresh_from_db()
    assert (account.procedures, document.status) == (document, "ready")
    assert all_file_ids(openai) == {document.openai_file_id} == set(store_file_ids(openai, account))
    assert stores(openai) == {account.vector_store_id}


def test_leftovers_of_failed_document_are_removed(account, supervisor, openai, settings, monkeypatch):
    document = upload_procedures(account, uploaded_file(), supervisor)
    with monkeypatch.context() as patch:
        crash_after(patch, "upload")
        with pytest.raises(SimulatedCrash):
            prepare_procedures(document.pk)
    ProcedureDocument.objects.update(attempts=settings.TASK_ATTEMPTS)
    expire_claim(document)
    prepare_procedures(document.pk)
    assert len(all_file_ids(openai)) == 1 and len(stores(openai)) == 1

    removed = reconcile_procedures()

    assert removed == 2
    assert (all_file_ids(openai), stores(openai)) == (set(), set())


def test_foreign_and_recent_resources_are_kept(account, supervisor, openai, settings, monkeypatch):
    def create_store(**metadata: str) -> str:
        return openai.vector_stores.create(name="procedures", metadata=metadata).id

    account_id, document_id = str(account.pk), upload_procedures(account, uploaded_file(), supervisor).pk
    kept_stores = {
        create_store(),
        create_store(steadyline_account=account_id),
        create_store(steadyline_account=account_id, steadyline_installation="another-installation"),
    }
    own_store = create_store(steadyline_account=account_id, steadyline_installation=settings.INSTALLATION_ID)
    names = ("a.txt", "procedures-x.md", f"procedures-{document_id}.md", f"procedures-another-one-{document_id}.md")
    kept_files = {openai.files.create(file=(name, b"x"), purpose="assistants").id for name in names}
    own_name = f"procedures-{settings.INSTALLATION_ID}-{document_id}.md"
    openai.files.create(file=(own_name, b"x"), purpose="assistants")
    settings.PROCEDURES_LEFT_AFTER = 3600

    assert reconcile_procedures() == 0

    settings.PROCEDURES_LEFT_AFTER = 0
    assert reconcile_procedures() == 2
    assert stores(openai) == kept_stores
    assert all_file_ids(openai) == kept_files
    assert own_store not in stores(openai)


def test_resources_in_preparation_are_kept(account, supervisor, openai, monkeypatch):
    document = upload_procedures(account, uploaded_file(), supervisor)
    with monkeypatch.context() as patch:
        crash_after(patch, "attach")
        with pytest.raises(SimulatedCrash):
            prepare_procedures(document.pk)

    assert reconcile_procedures() == 0
    assert len(all_file_ids(openai)) == 1


@pytest.mark.parametrize("missing", ["store", "file", "attachment"])
def test_missing_active_file_is_uploaded_again(account, supervisor, openai, missing):
    document = prepare_ready_document(account, supervisor)
    if missing == "store":
        openai.vector_stores.delete(account.vector_store_id)
    elif missing == "file":
        openai.files.delete(document.openai_file_id)
    else:
        openai.vector_stores.files.delete(document.openai_file_id, vector_store_id=account.vector_store_id)

    reconcile_procedures()
    document.refresh_from_db()
    assert document.status == "processing"
    prepare_procedures(document.pk)
    reconcile_procedures()

    account.refresh_from_db()
    document.refresh_from_db()
    assert (document.status, account.procedures, document.replaced) == ("ready", document, None)
    assert all_file_ids(openai) == {document.openai_file_id} == set(store_file_ids(openai, account))


def test_missing_index_and_attribute_are_repaired(account, supervisor, openai, settings):
    document = prepare_ready_document(account, supervisor, TEXT)
    document.pages.all().delete()
    document.sections.all().delete()
    ProcedureDocument.objects.update(page_count=None)
    openai.vector_stores.files.update(
        document.openai_file_id,
        vector_store_id=account.vector_store_id,
        attributes={"document": "before", "installation": settings.INSTALLATION_ID},
    )

    reconcile_procedures()

    document.refresh_from_db()
    assert (document.status, document.page_count) == ("ready", 1)
    assert [section.number for section in document.sections.all()] == ["3010"]
    attached = openai.vector_stores.files.retrieve(document.openai_file_id, vector_store_id=account.vector_store_id)
    assert attached.attributes == {"document": str(document.pk), "installation": settings.INSTALLATION_ID}


def test_unavailable_openai_changes_nothing(account, supervisor, openai, settings):
    prepare_ready_document(account, supervisor)
    settings.OPENAI_BASE_URL = "http://127.0.0.1:9/v1"

    assert reconcile_procedures() == 0

    assert ProcedureDocument.objects.get().status == "ready"
    assert Account.objects.get(pk=account.pk).procedures is not None
