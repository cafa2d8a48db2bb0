import contextlib
import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db.models import ProtectedError
from openai import OpenAI

from accounts.models import Account, ProcedureDocument
from accounts.procedures.document_preparation import prepare_procedures
from accounts.procedures.openai_vector_store import VectorStoreClient
from accounts.procedures.uploads import retry_procedures, upload_procedures
from accounts.services.leases import RetryLaterError
from accounts.tasks import prepare_procedures as prepare_procedures_task
from accounts.tasks import sweep_procedures
from ai import AIUnavailableError
from tests.support.fixtures import PROCEDURES_CANARY, run_concurrently
from tests.support.leases import expire_leases

pytestmark = pytest.mark.both_databases

TEXT = f"# Line 717\n\n3010 Ask directly whether the caller thinks about suicide. {PROCEDURES_CANARY}\n".encode()


def uploaded_file(content: bytes = TEXT, name: str = "procedures.md") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


def prepare_ready_document(account: Account, by, content: bytes = TEXT) -> ProcedureDocument:
    document = upload_procedures(account, uploaded_file(content), by)
    prepare_procedures(document.pk)
    document.refresh_from_db()
    account.refresh_from_db()
    assert document.status == "ready", document.failure
    return document


def expire_claim(document: ProcedureDocument) -> None:
    expire_leases(ProcedureDocument.objects.filter(pk=document.pk))


def prepare_until_settled(document: ProcedureDocument, settings) -> None:
    """Prepare the document as many times as its task is attempted, and check that it is settled."""
    for _ in range(settings.TASK_ATTEMPTS):
        with contextlib.suppress(RetryLaterError):
            prepare_procedures(document.pk)
        expire_claim(document)
    document.refresh_from_db()
    assert document.status != "processing"


@pytest.fixture
def openai(standin):
    with OpenAI(api_key="sk-tests", base_url=standin.base_url) as client:
        yield client


def store_file_ids(client: OpenAI, account: Account) -> list[str]:
    """Return the IDs of the files in the account's vector store. A search covers exactly these."""
    return [file.id for file in client.vector_stores.files.list(account.vector_store_id)]


def all_file_ids(client: OpenAI) -> set[str]:
    return {file.id for file in client.files.list()}


def test_document_is_ready_once_search_finds_it(account, supervisor, openai):
    document = upload_procedures(account, uploaded_file(), supervisor)
    account.refresh_from_db()
    assert account.procedures is None

    prepare_procedures_task(str(document.pk))

    document.refresh_from_db()
    account.refresh_from_db()
    assert (document.status, account.procedures) == ("ready", document)
    assert store_file_ids(openai, account) == [document.openai_file_id]
    found = openai.vector_stores.search(account.vector_store_id, query="suicide").data
    assert PROCEDURES_CANARY in found[0].content[0].text


def test_openai_receives_no_names(account, supervisor, openai, standin, settings):
    document = upload_procedures(account, uploaded_file(name="Harbor secret plans.md"), supervisor)

    prepare_procedures(document.pk)

    assert "Harbor" not in json.dumps([entry["body"] for entry in standin.logged_requests("http")])
    document.refresh_from_db()
    filename = openai.files.retrieve(document.openai_file_id).filename
    assert filename == f"procedures-{settings.INSTALLATION_ID}-{document.pk}.md"


def test_replacement_activates_before_deleting_old_file(account, supervisor, openai, standin):
    old = prepare_ready_document(account, supervisor)
    standin.clear_request_log()

    new = prepare_ready_document(account, supervisor, b"Line 717\n4010 Work out the plan together.")

    assert (account.procedures, new.replaced) == (new, old)
    assert store_file_ids(openai, account) == [new.openai_file_id]
    assert old.openai_file_id not in all_file_ids(openai)
    calls = [f"{entry['method']} {entry['path']}" for entry in standin.logged_requests("http", "/v1/")]
    deletion = calls.index(f"DELETE /v1/vector_stores/{account.vector_store_id}/files/{old.openai_file_id}")
    assert deletion > max(n for n, call in enumerate(calls) if new.openai_file_id in call and call.startswith("GET"))


@pytest.mark.parametrize(
    ("match", "fault", "code"),
    [
        ("POST /v1/files", {"status": 400, "code": "invalid_file"}, "invalid_file"),
        ("POST /v1/vector_stores/", {"failed": True}, "invalid_file"),
        ("POST /v1/vector_stores/", {"status": 500}, "http_500"),
    ],
)
def test_failed_preparation_keeps_reason_but_no_openai_file(
    account, supervisor, openai, standin, settings, match, fault, code
):
    old = prepare_ready_document(account, supervisor)
    before = all_file_ids(openai)
    document = upload_procedures(account, uploaded_file(b"Line 717\n4010 New."), supervisor)
    standin.add_fault(match, fault, times=None)

    prepare_until_settled(document, settings)

    standin.clear_faults()
    account.refresh_from_db()
    assert (document.status, account.procedures) == ("failed", old)
    assert document.failure == f"The document could not be made searchable. ({code})"
    assert all_file_ids(openai) == before
    assert store_file_ids(openai, account) == [old.openai_file_id]


def test_preparation_gives_up_if_document_is_never_indexed(account, supervisor, openai, settings):
    settings.PROCEDURES_TIMEOUT = 0
    document = upload_procedures(account, uploaded_file(), supervisor)
    before = all_file_ids(openai)

    prepare_until_settled(document, settings)

    assert (document.status, document.failure[-9:]) == ("failed", "(timeout)")
    assert all_file_ids(openai) == before


def test_failed_document_can_be_retried(account, supervisor, openai, settings):
    address, settings.OPENAI_BASE_URL = settings.OPENAI_BASE_URL, "http://127.0.0.1:9/v1"
    document = upload_procedures(account, uploaded_file(), supervisor)
    prepare_until_settled(document, settings)
    assert document.failure.endswith("(unreachable)")
    settings.OPENAI_BASE_URL = address

    assert retry_procedures(document, document.uploaded_by) is True
    assert retry_procedures(document, document.uploaded_by) is False
    prepare_procedures(document.pk)

    document.refresh_from_db()
    assert (document.status, document.failure) == ("ready", "")


def test_task_delivered_twice_prepares_once(account, supervisor, openai, standin):
    document = prepare_ready_document(account, supervisor)
    prepare_procedures(document.pk)

    assert store_file_ids(openai, account) == [document.openai_file_id]
    assert len([entry for entry in standin.logged_requests("http", "/v1/files") if entry["method"] == "POST"]) == 1


@pytest.mark.django_db(transaction=True)
def test_concurrent_tasks_prepare_once(account, supervisor, openai):
    document = upload_procedures(account, uploaded_file(), supervisor)

    assert run_concurrently(*[lambda: prepare_procedures(document.pk)] * 3) == [None, None, None]

    account.refresh_from_db()
    document.refresh_from_db()
    assert store_file_ids(openai, account) == [document.openai_file_id]


def test_sweep_requeues_lost_claim(account, supervisor, openai, settings):
    document = upload_procedures(account, uploaded_file(), supervisor)
    ProcedureDocument.objects.claim(document.pk, settings.TASK_LOST_AFTER)
    prepare_procedures(document.pk)
    assert sweep_procedures() == 0

    expire_claim(document)
    assert sweep_procedures() == 1
    prepare_procedures(document.pk)

    document.refresh_from_db()
    assert (document.status, document.attempts) == ("ready", 2)


def test_preparation_gives_up_after_killed_workers(account, supervisor, openai, settings):
    document = upload_procedures(account, uploaded_file(), supervisor)
    ProcedureDocument.objects.update(attempts=settings.TASK_ATTEMPTS)
    expire_claim(document)

    prepare_procedures(document.pk)

    document.refresh_from_db()
    assert document.status == "failed"
    assert sweep_procedures() == 0


class OvertakenAttach:
    """Replacement for `VectorStoreClient.attach` in a worker that is wrongly considered lost.

    While the worker attaches its file, another worker prepares the same document.
    """

    def __init__(self, document: ProcedureDocument, then_fail: bool) -> None:
        self.document, self.then_fail = document, then_fail
        self.attach, self.is_first = VectorStoreClient.attach, True

    def __call__(self, openai: VectorStoreClient, store_id: str, file_id: str, *args) -> None:
        if self.is_first:
            self.is_first = False
            expire_claim(self.document)
            prepare_procedures(self.document.pk)
            if self.then_fail:
                raise AIUnavailableError("timeout", retryable=True)
        self.attach(openai, store_id, file_id, *args)


@pytest.mark.parametrize("then_fail", [False, True])
def test_late_worker_changes_nothing(account, supervisor, openai, monkeypatch, then_fail):
    document = upload_procedures(account, uploaded_file(), supervisor)
    attach = OvertakenAttach(document, then_fail)
    monkeypatch.setattr(VectorStoreClient, "attach", lambda *args: attach(*args))

    prepare_procedures(document.pk)

    document.refresh_from_db()
    account.refresh_from_db()
    assert (document.status, account.procedures) == ("ready", document)
    assert store_file_ids(openai, account) == [document.openai_file_id]


@pytest.mark.parametrize("is_retried", [False, True], ids=["another worker", "a person's retry"])
def test_late_worker_leaves_document_to_new_holder(
    account, supervisor, openai, standin, settings, monkeypatch, is_retried
):
    settings.PROCEDURES_TIMEOUT = 1  # the late worker searches this long for a deleted file
    document = upload_procedures(account, uploaded_file(), supervisor)
    attach = VectorStoreClient.attach

    def attach_and_lose_claim(*args) -> None:
        monkeypatch.setattr(VectorStoreClient, "attach", attach)
        attach(*args)
        expire_claim(document)
        if is_retried:
            standin.add_fault("POST /v1/files", {"status": 400})
            prepare_procedures(document.pk)
            assert retry_procedures(document, document.uploaded_by) is True
        assert ProcedureDocument.objects.claim(document.pk, settings.TASK_LOST_AFTER)

    monkeypatch.setattr(VectorStoreClient, "attach", attach_and_lose_claim)

    prepare_procedures(document.pk)

    document.refresh_from_db()
    account.refresh_from_db()
    assert (document.status, document.attempts) == ("processing", 1 if is_retried else 2)
    assert account.procedures is None


def test_later_upload_wins_in_any_order(account, supervisor, openai):
    earlier = upload_procedures(account, uploaded_file(b"Line 717\n1000 Earlier."), supervisor)
    later = upload_procedures(account, uploaded_file(b"Line 717\n1000 Later."), supervisor)

    prepare_procedures(later.pk)
    prepare_procedures(earlier.pk)

    account.refresh_from_db()
    later.refresh_from_db()
    assert account.procedures == later
    assert store_file_ids(openai, account) == [later.openai_file_id]


def test_concurrent_first_documents_share_one_store(account, supervisor, openai, monkeypatch):
    first, second = (
        upload_procedures(account, uploaded_file(b"Line 717\n1000 Version %d." % n), supervisor) for n in range(2)
    )
    ensure_store, stores = VectorStoreClient.ensure_store, len(list(openai.vector_stores.list()))

    def prepare_second_meanwhile(*args) -> str:
        store_id = ensure_store(*args)
        monkeypatch.setattr(VectorStoreClient, "ensure_store", ensure_store)
        prepare_procedures(second.pk)
        return store_id

    monkeypatch.setattr(VectorStoreClient, "ensure_store", prepare_second_meanwhile)
    prepare_procedures(first.pk)

    account.refresh_from_db()
    assert account.procedures == second
    assert store_file_ids(openai, account) == [account.procedures.openai_file_id]
    assert len(list(openai.vector_stores.list())) == stores + 1


def test_missing_store_is_created_again(account, supervisor, openai):
    prepare_ready_document(account, supervisor)
    openai.vector_stores.delete(account.vector_store_id)
    old_store_id = account.vector_store_id

    document = prepare_ready_document(account, supervisor, b"Line 717\n1000 New.")

    assert account.vector_store_id != old_store_id
    assert store_file_ids(openai, account) == [document.openai_file_id]


def test_history_is_append_only(account, supervisor, openai):
    old = prepare_ready_document(account, supervisor)
    prepare_ready_document(account, supervisor, b"Line 717\n1000 New.")
    fields = ("filename", "size", "sha256", "uploaded_at", "uploaded_by_id", "file", "openai_file_id")
    before = ProcedureDocument.objects.values_list(*fields).get(pk=old.pk)

    with pytest.raises(ProtectedError):
        old.delete()
    with pytest.raises(ProtectedError):
        ProcedureDocument.objects.all().delete()
    with pytest.raises(ProtectedError):
        account.delete()

    assert ProcedureDocument.objects.values_list(*fields).get(pk=old.pk) == before
    assert [row.filename for row in account.documents.all()] == ["procedures.md"] * 2
