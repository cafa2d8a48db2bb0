import hashlib
import logging
from datetime import datetime, timedelta
from pathlib import PurePosixPath
from uuid import UUID

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from accounts import openai_procedures, tasks
from accounts.models import Account, ProcedureDocument, ProcedureDocumentQuerySet, User
from ai import AIUnavailable

logger = logging.getLogger(__name__)

LARGEST = 20 * 1024**2  # bytes
KINDS = {".pdf", ".txt", ".md"}
_FAILED = "The document could not be prepared for searching."


class ProceduresRefused(Exception):
    """The document is refused at the door; the text says why and what to do. Nothing of it is kept."""


def upload_procedures(account: Account, file: UploadedFile, by: User) -> ProcedureDocument:
    """Keep a new procedure document and have it prepared. The one in force counts until this one is ready."""
    path = PurePosixPath(file.name or "")
    name = path.stem[: 200 - len(path.suffix)] + path.suffix
    check_procedures(file)
    digest = hashlib.sha256()
    for chunk in file.chunks():
        digest.update(chunk)
    file.seek(0)
    with transaction.atomic():
        document = ProcedureDocument(
            organization_id=account.organization_id,
            account=account,
            filename=name,
            size=file.size or 0,
            sha256=digest.hexdigest(),
            uploaded_by=by,
            replaced=account.procedures,
        )
        document.file.save(name, file, save=False)
        document.save()
        transaction.on_commit(lambda: tasks.prepare_procedures.delay(str(document.pk)), robust=True)
    return document


def check_procedures(file: UploadedFile) -> None:
    """Raise ProceduresRefused for what is not taken."""
    size = file.size or 0
    if size > LARGEST:
        raise ProceduresRefused(f"This file has {size:,} bytes; at most {LARGEST:,} (20 MB) are taken.")
    kind = PurePosixPath(file.name or "").suffix.lower()
    if kind not in KINDS:
        raise ProceduresRefused(f"A {kind or 'file without an ending'} is not taken here: PDF, TXT or MD.")
    begin = file.read(5)
    file.seek(0)
    if not size:
        raise ProceduresRefused("This file is empty.")
    if kind == ".pdf" and begin != b"%PDF-":
        raise ProceduresRefused("This file is named .pdf but is not a PDF. Save it as a PDF and upload it again.")


def prepare_procedures(document_id: UUID) -> None:
    """Put a document into its account's store and then let it count, once however often this is called.

    The new file goes up first and must be found ready; the account switches in one transaction; only then the old
    file goes. At every point an evaluation sees the old document or the new one.
    """
    document = ProcedureDocument.objects.select_related("account__procedures").get(pk=document_id)
    if not _claim(document):
        return
    known_store = document.account.vector_store_id
    made = ""
    try:
        store_id = openai_procedures.ensure_store(known_store)
        made = store_id if store_id != known_store else ""
        with document.file.open("rb") as file:
            file_id = openai_procedures.add_file(store_id, document.filename, file.read())
    except AIUnavailable as error:
        if made:
            openai_procedures.remove_store(made)
        _try_again_or_fail(document, error)
        return
    for old_store, old_file in _switch(document, store_id, file_id):
        openai_procedures.remove_file(old_store, old_file)
        if not Account.objects.filter(pk=document.account_id, vector_store_id=old_store).exists():
            openai_procedures.remove_store(old_store)


def _claim(document: ProcedureDocument) -> bool:
    """The conditional UPDATE is the lock; a claim older than the deadline belongs to a worker that is gone."""
    rows = ProcedureDocument.objects.filter(pk=document.pk, status=ProcedureDocument.Status.PROCESSING)
    rows.filter(attempts__gte=settings.TASK_ATTEMPTS, touched_at__lt=_lost_before()).update(
        status=ProcedureDocument.Status.FAILED, failure=_FAILED
    )
    claimable = rows.filter(Q(attempts=0) | Q(touched_at__lt=_lost_before()))
    claimed = claimable.update(attempts=F("attempts") + 1, touched_at=timezone.now())
    document.refresh_from_db(fields=["attempts"])
    return bool(claimed)


def _mine(document: ProcedureDocument) -> ProcedureDocumentQuerySet:
    """The row as long as this claim of it stands."""
    status = ProcedureDocument.Status.PROCESSING
    return ProcedureDocument.objects.filter(pk=document.pk, status=status, attempts=document.attempts)


def _switch(document: ProcedureDocument, store_id: str, file_id: str) -> list[tuple[str, str]]:
    """Let the document and its store count, in one step, unless a later one does already.

    Return what counts no longer, as (store id, file id).
    """
    with transaction.atomic():
        if not _mine(document).update(status=ProcedureDocument.Status.READY, openai_file_id=file_id, failure=""):
            return [(store_id, file_id)]
        # Only the account is locked: PostgreSQL cannot lock what may be absent.
        accounts = Account.objects.select_for_update(of=("self",)).select_related("procedures")
        account = accounts.get(pk=document.account_id)
        current = account.procedures
        if current and current.uploaded_at > document.uploaded_at:
            return [(store_id, file_id)]
        Account.objects.filter(pk=account.pk).update(procedures=document, vector_store_id=store_id)
        return [(account.vector_store_id, current.openai_file_id)] if current and current.openai_file_id else []


def _try_again_or_fail(document: ProcedureDocument, error: AIUnavailable) -> None:
    logger.warning("Procedures not prepared: %s", error.code, extra={"document_id": document.pk})
    if error.retryable and document.attempts < settings.TASK_ATTEMPTS:
        return  # its claim runs out, and the sweep queues it again
    _mine(document).update(status=ProcedureDocument.Status.FAILED, failure=f"{_FAILED} ({error.code})")


def retry_procedures(document: ProcedureDocument) -> bool:
    """Queue a failed document again. False when it did not fail."""
    failed = ProcedureDocument.objects.filter(pk=document.pk, status=ProcedureDocument.Status.FAILED)
    if not failed.update(status=ProcedureDocument.Status.PROCESSING, attempts=0, failure=""):
        return False
    transaction.on_commit(lambda: tasks.prepare_procedures.delay(str(document.pk)), robust=True)
    return True


def sweep_procedures() -> int:
    """Queue again the uploads whose task was lost. Return how many."""
    lost = list(ProcedureDocument.objects.lost(_lost_before()).values_list("pk", flat=True))
    for document_id in lost:
        # Gone before the next sweep: where workers are behind, sweeps must not pile up on them.
        tasks.prepare_procedures.apply_async((str(document_id),), expires=settings.SWEEP_EVERY)
    return len(lost)


def _lost_before() -> datetime:
    return timezone.now() - timedelta(seconds=settings.TASK_LOST_AFTER)
