"""Storage of new procedure documents, and retry of failed ones."""

import hashlib
import logging
from pathlib import PurePosixPath
from typing import Any

from django.core.files.storage import default_storage
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from accounts import tasks
from accounts.models import Account, ProcedureDocument, User, procedure_key
from accounts.procedures.upload_validation import check_procedures
from accounts.services.database_connections import release_connection
from accounts.services.rate_limits import UsageKind, spend
from accounts.services.task_queue import queue_on_commit
from accounts.web.visible_text import clean_filename

logger = logging.getLogger(__name__)

PREPARING_MESSAGE = _("We’re preparing your document. The current one stays in use until it’s ready.")
CONFIRMING_MESSAGE = _("Thank you. The document is being prepared, and your note was added to its history.")
MAX_NOTE_LENGTH = 500  # characters


def upload_procedures(account: Account, file: UploadedFile, by: User, warning: str | None = None) -> ProcedureDocument:
    """Store a procedure document and queue its preparation. The active one stays active until the new one is ready.

    `warning` is the result of `check_procedures` for this file. If it is None, the file is checked here.
    Raise InvalidProceduresError or RateLimitExceededError, both before the file is stored.
    """
    if warning is None:
        warning = check_procedures(account, file)
    spend(UsageKind.UPLOADS, by)
    path = PurePosixPath(file.name or "")
    document = ProcedureDocument(
        organization_id=account.organization_id,
        account=account,
        filename=clean_filename(path.name, 200),
        size=file.size or 0,
        sha256=_sha256_of(file),
        warning=warning,
        uploaded_by=by,
    )
    # Storage can be slow, so write the file before and outside the transaction, without holding a connection.
    release_connection()
    key = default_storage.save(procedure_key(document, document.filename), file)
    try:
        _save_document(document, key)
    except BaseException:
        _delete_file(key)
        raise
    return document


@transaction.atomic
def _save_document(document: ProcedureDocument, key: str) -> None:
    # Serialize the uploads of an account. The latest one becomes active, so no two may have the same timestamp.
    Account.objects.select_for_update().get(pk=document.account_id)
    document.file.name = key
    document.save(force_insert=True)
    # If the broker is down, nothing is lost, because the sweep queues the document again.
    queue_on_commit(tasks.prepare_procedures, str(document.pk))


def confirm_procedures(document: ProcedureDocument, by: User, note: str) -> bool:
    """Accept a document in spite of its warning, and record who decided that, when, and why.

    Return False if the document is not waiting for confirmation.
    """
    confirmation = {"confirmation_note": note, "confirmed_by": by, "confirmed_at": now()}
    return _prepare_again(document, ProcedureDocument.Status.UNCONFIRMED, by, **confirmation)


def retry_procedures(document: ProcedureDocument, by: User) -> bool:
    """Queue a failed document again. Return False if it has not failed.

    A retry uploads the document to OpenAI again, so it counts as an upload. Raise RateLimitExceededError.
    """
    return _prepare_again(document, ProcedureDocument.Status.FAILED, by, failure="")


def _prepare_again(document: ProcedureDocument, expected: str, by: User, **fields: Any) -> bool:
    """Set the fields and queue the document. Return False if it no longer has the expected status."""
    rows = ProcedureDocument.objects.filter(pk=document.pk, status=expected)
    with transaction.atomic():
        if not rows.requeue(status=ProcedureDocument.Status.PROCESSING, **fields):
            return False
        spend(UsageKind.UPLOADS, by)
        queue_on_commit(tasks.prepare_procedures, str(document.pk))
    return True


def _sha256_of(file: UploadedFile) -> str:
    digest = hashlib.sha256()
    for chunk in file.chunks():
        digest.update(chunk)
    file.seek(0)
    return digest.hexdigest()


def _delete_file(key: str) -> None:
    try:
        default_storage.delete(key)
    except Exception:  # each storage backend raises its own types; an orphaned file is harmless
        logger.exception("Could not delete the file of a procedure document", extra={"key": key})
