"""Preparation of procedure documents: index the text here, make the file searchable at OpenAI, then activate it."""

import logging
from pathlib import PurePosixPath
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import Account, ProcedureDocument
from accounts.procedures import openai_vector_store
from accounts.procedures.indexing import DocumentText, read_document, store_index
from accounts.procedures.openai_vector_store import VectorStoreClient
from accounts.procedures.pdf_errors import explain_unreadable_pdf
from accounts.procedures.pdf_sandbox import HEADER, HEADER_WITHIN
from accounts.procedures.pdf_text import PdfUnreadableError
from accounts.services.leases import RetryLaterError, fail_when_out_of_time, keep_claimed, retry_delay
from ai import AIUnavailableError
from ai.errors import NO_ENDPOINT

logger = logging.getLogger(__name__)

_FAILURE_MESSAGE = _("The document could not be made searchable.")
NO_SECTIONS_WARNING = _(
    "We found no numbered sections in this document. Scenarios can’t refer to its sections, and feedback can cite "
    "only pages."
)
_NO_FILES_MESSAGE = _(
    "The server that this site uses in place of OpenAI cannot store and search documents. Ask your administrator."
)


def prepare_procedures(document_id: UUID) -> None:
    """Index a document, upload it to its account's store, and activate it. It is safe to call this repeatedly.

    A document with a warning is not uploaded until a person confirms it. The new file is uploaded and must be found by
    a search. Then one transaction switches the account to it, and the old file is deleted afterward. An
    evaluation always sees either the old document or the new one. Raise RetryLaterError if a retry may succeed.
    """
    failed = {"status": ProcedureDocument.Status.FAILED, "failure": _FAILURE_MESSAGE}
    document = ProcedureDocument.objects.claim_or_fail(document_id, settings.TASK_LOST_AFTER, failed)
    if document is None:
        return
    with (
        fail_when_out_of_time(lambda reason: _fail(document, gettext(reason))),
        keep_claimed(document, settings.TASK_LOST_AFTER),
    ):
        _prepare_claimed(document)


def _prepare_claimed(document: ProcedureDocument) -> None:
    with openai_vector_store.build_procedures_client() as client:
        openai = VectorStoreClient(client)
        try:
            _remove_previous_upload(openai, document)
            text = read_document(document)
            store_index(document, text)
            if _stop_for_confirmation(document):
                return
            replaced = _upload_and_activate(openai, document, text)
        except PdfUnreadableError as error:
            _fail(document, explain_unreadable_pdf(error))
        except AIUnavailableError as error:
            _remove_previous_upload(openai, document)
            _retry_or_fail(document, error)
        else:
            _remove_replaced(openai, document.account_id, replaced)


def _stop_for_confirmation(document: ProcedureDocument) -> bool:
    """Mark the document unconfirmed if a person must confirm it, and return True then. The active one is exempt."""
    is_active = document.account.procedures_id == document.pk
    if is_active or document.confirmed_at:
        return False
    warnings = [document.warning] if document.warning else []
    # A title such as “717 State Line” is not a section.
    has_sections = document.sections.exclude(number=document.account.number).exists()
    if not has_sections and str(NO_SECTIONS_WARNING) not in document.warning:
        warnings.append(str(NO_SECTIONS_WARNING))
    if not warnings:
        return False
    unconfirmed = ProcedureDocument.Status.UNCONFIRMED
    ProcedureDocument.objects.fenced(document).settle(status=unconfirmed, warning=" ".join(warnings))
    return True


def _remove_previous_upload(openai: VectorStoreClient, document: ProcedureDocument) -> None:
    """Delete the file that an earlier attempt uploaded but did not activate."""
    if not document.openai_file_id:
        return
    if openai.remove_file(document.vector_store_id, document.openai_file_id):
        ProcedureDocument.objects.fenced(document).update(openai_file_id="")
        document.openai_file_id = ""


def _upload_and_activate(
    openai: VectorStoreClient, document: ProcedureDocument, text: DocumentText
) -> list[tuple[str, str]]:
    """Upload and activate the document. Return the superseded resources as (store id, file id)."""
    account = document.account
    known_store = document.vector_store_id or account.vector_store_id
    store_id = openai.ensure_store(known_store, account.pk)
    # Save the id immediately: after a crash, a retry or the nightly reconciliation must find the store.
    ProcedureDocument.objects.fenced(document).update(vector_store_id=store_id)
    document.vector_store_id = store_id
    file_id = _upload(openai, document, text)
    document.openai_file_id = file_id
    if not ProcedureDocument.objects.fenced(document).update(openai_file_id=file_id):
        return [(store_id, file_id)]
    openai.attach(store_id, file_id, document.pk)
    openai.wait_until_searchable(store_id, file_id, document.pk, text.search_query)
    return _activate(document, store_id, file_id)


def _upload(openai: VectorStoreClient, document: ProcedureDocument, text: DocumentText) -> str:
    """Upload the original file, or its text without the injections if it contains any. Return the file id."""
    if document.instructions:
        return openai.upload(document.pk, ".md", text.text_without_injections.encode())
    with document.file.open("rb") as file:
        content = file.read()
    if document.has_pages:  # OpenAI may reject files with other bytes before the header
        content = content[max(content.find(HEADER, 0, HEADER_WITHIN + len(HEADER)), 0) :]
    return openai.upload(document.pk, PurePosixPath(document.filename).suffix.lower(), content)


def _activate(document: ProcedureDocument, store_id: str, file_id: str) -> list[tuple[str, str]]:
    """Activate the document and its store in one step, unless a later document is active.

    Return the superseded resources as (store id, file id).
    """
    ready_fields = {"status": ProcedureDocument.Status.READY, "failure": "", "vector_store_id": store_id}
    with transaction.atomic():
        # Lock only the account: PostgreSQL cannot lock the nullable side of the join.
        accounts = Account.objects.select_for_update(of=("self",)).select_related("procedures")
        account = accounts.get(pk=document.account_id)
        if not ProcedureDocument.objects.fenced(document).settle(openai_file_id=file_id, **ready_fields):
            return [(store_id, file_id)]
        current = account.procedures
        if current and current.pk != document.pk and _is_newer(current, document):
            ProcedureDocument.objects.filter(pk=document.pk).update(openai_file_id="")
            return [(store_id, file_id)]
        Account.objects.filter(pk=account.pk).update(procedures=document, vector_store_id=store_id)
        if current and current.pk != document.pk:
            ProcedureDocument.objects.filter(pk=document.pk).update(replaced=current)
        if not current or current.pk == document.pk or not current.openai_file_id:
            return [(account.vector_store_id, "")] if account.vector_store_id not in {"", store_id} else []
        return [(account.vector_store_id, current.openai_file_id)]


def _is_newer(one: ProcedureDocument, other: ProcedureDocument) -> bool:
    return (one.uploaded_at, one.pk) > (other.uploaded_at, other.pk)


def _remove_replaced(openai: VectorStoreClient, account_id: UUID, replaced: list[tuple[str, str]]) -> None:
    """Delete superseded files and stores. The nightly reconciliation finds those that cannot be deleted now."""
    for store_id, file_id in replaced:
        if file_id:
            openai.remove_file(store_id, file_id)
        if not Account.objects.filter(pk=account_id, vector_store_id=store_id).exists():
            openai.remove_store(store_id)


def _retry_or_fail(document: ProcedureDocument, error: AIUnavailableError) -> None:
    """Requeue the document and raise RetryLaterError, or fail the document if a retry cannot help or none is left."""
    logger.warning("Procedures not prepared: %s", error.code, extra={"document_id": document.pk})
    if not error.retryable or document.attempts >= settings.TASK_ATTEMPTS:
        no_files = error.code == NO_ENDPOINT
        _fail(document, str(_NO_FILES_MESSAGE) if no_files else f"{_FAILURE_MESSAGE} ({error.code})")
        return
    delay = retry_delay(document.attempts, error.retry_after)
    if ProcedureDocument.objects.fenced(document).put_back(delay):
        raise RetryLaterError(delay)


def _fail(document: ProcedureDocument, failure: str) -> None:
    ProcedureDocument.objects.fenced(document).settle(status=ProcedureDocument.Status.FAILED, failure=failure)
