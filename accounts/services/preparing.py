"""A procedure document on its way into force: read here, searchable at OpenAI, switched in one step."""

import logging
from datetime import datetime, timedelta
from pathlib import PurePosixPath
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from accounts import openai_procedures, tasks
from accounts.models import Account, ProcedureDocument, ProcedureDocumentQuerySet
from accounts.openai_procedures import Procedures
from accounts.pdf_text import PdfUnreadable
from accounts.services.indexing import DocumentText, read_document, store_index
from accounts.services.intake import unreadable
from ai import AIUnavailable

logger = logging.getLogger(__name__)

_FAILED = "The document could not be prepared for searching."
_LONGEST_WAIT = 60.0  # seconds, whatever Retry-After says


class NotYet(Exception):
    """Try again after so many seconds."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


def prepare_procedures(document_id: UUID) -> None:
    """Take a document apart, put it into its account's store and then let it count; once however often it is called.

    The new file goes up first and must be found by a search; the account switches in one transaction; only then the
    old file goes. At every point an evaluation sees the old document or the new one. Raises NotYet.
    """
    document = ProcedureDocument.objects.select_related("account__procedures").get(pk=document_id)
    if not _claim(document):
        return
    with openai_procedures.connect() as client:
        openai = Procedures(client)
        try:
            _forget_earlier_try(openai, document)
            text = read_document(document)
            store_index(document, text)
            replaced = _put_and_switch(openai, document, text)
        except PdfUnreadable as error:
            _fail(document, unreadable(error))
        except AIUnavailable as error:
            _forget_earlier_try(openai, document)
            _try_again_or_fail(document, error)
        else:
            _remove(openai, document.account_id, replaced)


def _claim(document: ProcedureDocument) -> bool:
    """The conditional UPDATE is the lock; a claim older than the deadline belongs to a worker that is gone."""
    rows = ProcedureDocument.objects.filter(pk=document.pk).processing()
    lost = Q(is_claimed=True, touched_at__lt=_lost_before())
    rows.filter(lost, attempts__gte=settings.TASK_ATTEMPTS).update(
        status=ProcedureDocument.Status.FAILED, failure=_FAILED, is_claimed=False
    )
    claimed = rows.filter(Q(is_claimed=False) | lost).update(
        attempts=F("attempts") + 1, is_claimed=True, touched_at=timezone.now()
    )
    document.refresh_from_db(fields=["attempts", "openai_file_id", "vector_store_id"])
    return bool(claimed)


def _mine(document: ProcedureDocument) -> ProcedureDocumentQuerySet:
    """The row as long as this claim of it stands."""
    rows = ProcedureDocument.objects.filter(pk=document.pk, attempts=document.attempts, is_claimed=True)
    return rows.processing()


def _forget_earlier_try(openai: Procedures, document: ProcedureDocument) -> None:
    """Remove the file that a worker uploaded and never let count."""
    if not document.openai_file_id:
        return
    if openai.remove_file(document.vector_store_id, document.openai_file_id):
        _mine(document).update(openai_file_id="")
        document.openai_file_id = ""


def _put_and_switch(openai: Procedures, document: ProcedureDocument, text: DocumentText) -> list[tuple[str, str]]:
    """Return what counts no longer, as (store id, file id)."""
    account = document.account
    known_store = document.vector_store_id or account.vector_store_id
    store_id = openai.ensure_store(known_store, account.pk)
    # Noted at once: whoever goes on after a crash finds it, and so does the nightly look for what was left.
    _mine(document).update(vector_store_id=store_id)
    document.vector_store_id = store_id
    file_id = _upload(openai, document, text)
    document.openai_file_id = file_id
    if not _mine(document).update(openai_file_id=file_id):
        return [(store_id, file_id)]
    openai.attach(store_id, file_id, document.pk)
    openai.probe(store_id, file_id, document.pk, text.probe)
    return _switch(document, store_id, file_id)


def _upload(openai: Procedures, document: ProcedureDocument, text: DocumentText) -> str:
    """The document as it is; where it holds words that speak to a machine, its text without them."""
    if document.instructions:
        return openai.upload(document.pk, ".md", text.harmless.encode())
    with document.file.open("rb") as file:
        return openai.upload(document.pk, PurePosixPath(document.filename).suffix.lower(), file.read())


def _switch(document: ProcedureDocument, store_id: str, file_id: str) -> list[tuple[str, str]]:
    """Let the document and its store count, in one step, unless a later one does already."""
    ready = {"status": ProcedureDocument.Status.READY, "failure": "", "is_claimed": False, "vector_store_id": store_id}
    with transaction.atomic():
        # Only the account is locked: PostgreSQL cannot lock what may be absent.
        accounts = Account.objects.select_for_update(of=("self",)).select_related("procedures")
        account = accounts.get(pk=document.account_id)
        if not _mine(document).update(openai_file_id=file_id, **ready):
            return [(store_id, file_id)]
        current = account.procedures
        if current and current.pk != document.pk and _is_later(current, document):
            ProcedureDocument.objects.filter(pk=document.pk).update(openai_file_id="")
            return [(store_id, file_id)]
        Account.objects.filter(pk=account.pk).update(procedures=document, vector_store_id=store_id)
        if current and current.pk != document.pk:
            ProcedureDocument.objects.filter(pk=document.pk).update(replaced=current)
        if not current or current.pk == document.pk or not current.openai_file_id:
            return [(account.vector_store_id, "")] if account.vector_store_id not in {"", store_id} else []
        return [(account.vector_store_id, current.openai_file_id)]


def _is_later(one: ProcedureDocument, other: ProcedureDocument) -> bool:
    return (one.uploaded_at, one.pk) > (other.uploaded_at, other.pk)


def _remove(openai: Procedures, account_id: UUID, replaced: list[tuple[str, str]]) -> None:
    """What counts no longer. What cannot be removed now is found by the nightly look for what was left."""
    for store_id, file_id in replaced:
        if file_id:
            openai.remove_file(store_id, file_id)
        if not Account.objects.filter(pk=account_id, vector_store_id=store_id).exists():
            openai.remove_store(store_id)


def _try_again_or_fail(document: ProcedureDocument, error: AIUnavailable) -> None:
    logger.warning("Procedures not prepared: %s", error.code, extra={"document_id": document.pk})
    if not error.retryable or document.attempts >= settings.TASK_ATTEMPTS:
        _fail(document, f"{_FAILED} ({error.code})")
        return
    if _mine(document).update(is_claimed=False, touched_at=timezone.now()):
        raise NotYet(min(error.retry_after or 2.0**document.attempts, _LONGEST_WAIT))


def _fail(document: ProcedureDocument, failure: str) -> None:
    _mine(document).update(status=ProcedureDocument.Status.FAILED, failure=failure, is_claimed=False)


def sweep_procedures() -> int:
    """Queue again the uploads whose task was lost. Return how many."""
    lost = list(ProcedureDocument.objects.lost(_lost_before()).values_list("pk", flat=True))
    for document_id in lost:
        # Gone before the next sweep: where workers are behind, sweeps must not pile up on them.
        tasks.prepare_procedures.apply_async((str(document_id),), expires=settings.SWEEP_EVERY)
    return len(lost)


def _lost_before() -> datetime:
    return timezone.now() - timedelta(seconds=settings.TASK_LOST_AFTER)
