"""Keeping a new procedure document, and trying again what failed."""

import hashlib
import logging
from pathlib import PurePosixPath

from django.core.files.storage import default_storage
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction

from accounts import tasks
from accounts.models import Account, ProcedureDocument, User, procedure_key
from accounts.services.intake import check_procedures

logger = logging.getLogger(__name__)


def upload_procedures(account: Account, file: UploadedFile, by: User, warning: str | None = None) -> ProcedureDocument:
    """Keep a new procedure document and have it prepared. The one in force counts until this one is ready.

    `warning` is what `check_procedures` said of this very file; without it the file is checked here.
    Raises ProceduresRefused.
    """
    if warning is None:
        warning = check_procedures(account, file)
    path = PurePosixPath(file.name or "")
    document = ProcedureDocument(
        organization_id=account.organization_id,
        account=account,
        filename=path.stem[: 200 - len(path.suffix)] + path.suffix,
        size=file.size or 0,
        sha256=_digest_of(file),
        warning=warning,
        uploaded_by=by,
    )
    # The storage may be far away: it is written before, and outside, the transaction.
    key = default_storage.save(procedure_key(document, document.filename), file)
    try:
        _accept(document, key)
    except BaseException:
        _remove(key)
        raise
    return document


@transaction.atomic
def _accept(document: ProcedureDocument, key: str) -> None:
    # One upload after the other: the last one accepted wins, so two must not have the same moment.
    Account.objects.select_for_update().get(pk=document.account_id)
    document.file.name = key
    document.save(force_insert=True)
    # Robust: a broker that is away loses nothing, the sweep finds the document.
    transaction.on_commit(lambda: tasks.prepare_procedures.delay(str(document.pk)), robust=True)


def retry_procedures(document: ProcedureDocument) -> bool:
    """Queue a failed document again. False when it did not fail."""
    failed = ProcedureDocument.objects.filter(pk=document.pk, status=ProcedureDocument.Status.FAILED)
    with transaction.atomic():
        if not failed.update(status=ProcedureDocument.Status.PROCESSING, attempts=0, is_claimed=False, failure=""):
            return False
        transaction.on_commit(lambda: tasks.prepare_procedures.delay(str(document.pk)), robust=True)
    return True


def _digest_of(file: UploadedFile) -> str:
    digest = hashlib.sha256()
    for chunk in file.chunks():
        digest.update(chunk)
    file.seek(0)
    return digest.hexdigest()


def _remove(key: str) -> None:
    try:
        default_storage.delete(key)
    except Exception:  # whatever the storage raises; a file that no row points to harms nobody
        logger.exception("A procedure document's file was left", extra={"key": key})
