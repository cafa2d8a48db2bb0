"""What was left at OpenAI by workers that died, found and removed; what is missing there is put there again."""

import logging
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts import openai_procedures, tasks
from accounts.models import Account, ProcedureDocument
from accounts.openai_procedures import Kept, Procedures
from accounts.services.indexing import read_document, store_index
from ai import AIUnavailable

logger = logging.getLogger(__name__)


def reconcile_procedures() -> int:
    """Remove what no row needs, mend what the documents in force need. Return how many things were removed.

    Only what says that it belongs to a row of ours is touched: others may use the same project at OpenAI. What is
    younger than `PROCEDURES_LEFT_AFTER` may be on its way to its row.
    """
    with openai_procedures.connect() as client:
        openai = Procedures(client)
        try:
            removed = _remove_left(openai)
            _mend(openai)
        except AIUnavailable as error:
            logger.warning("Procedures not reconciled: %s", error.code)
            return 0
    return removed


def _remove_left(openai: Procedures) -> int:
    before = (timezone.now() - timedelta(seconds=settings.PROCEDURES_LEFT_AFTER)).timestamp()
    stores = [one for one in openai.stores() if one.created_at <= before]
    files = [one for one in openai.files() if one.created_at <= before]
    # Read after the lists: what a row began to need meanwhile is kept.
    kept_stores, kept_files = _needed()
    ours = _known(Account, stores)
    left_stores = [one for one in stores if one.owner in ours and one.id not in kept_stores]
    documents = _known(ProcedureDocument, files)
    left_files = [one for one in files if one.owner in documents and one.id not in kept_files]
    removed = sum(openai.remove_store(one.id) for one in left_stores)
    for store_id in kept_stores:
        attached = [one for one in openai.files_in(store_id) if one.created_at <= before and one.id not in kept_files]
        removed += sum(openai.remove_file(store_id, one.id) for one in attached)
        left_files = [one for one in left_files if one.id not in {gone.id for gone in attached}]
    return removed + sum(openai.remove_file("", one.id) for one in left_files)


def _needed() -> tuple[set[str], set[str]]:
    """The ids of stores and files that count, or that a worker is about to let count."""
    on_the_way = list(ProcedureDocument.objects.processing().values_list("vector_store_id", "openai_file_id"))
    in_force = list(Account.objects.values_list("vector_store_id", "procedures__openai_file_id"))
    rows = on_the_way + in_force
    return {store for store, _ in rows if store}, {file for _, file in rows if file}


def _known(model: type[Account] | type[ProcedureDocument], kept: list[Kept]) -> set[str]:
    """The owners that are rows here. Ids never come twice, so these things are ours."""
    owners = {one.owner for one in kept if _is_id(one.owner)}
    return {str(pk) for pk in model._default_manager.filter(pk__in=owners).values_list("pk", flat=True)}


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _mend(openai: Procedures) -> None:
    """A document in force whose copy is gone is prepared again; one from before there was an index gets it."""
    in_force = ProcedureDocument.objects.filter(pk__in=Account.objects.exclude(procedures=None).values("procedures"))
    for document in in_force.filter(status=ProcedureDocument.Status.READY).select_related("account"):
        if document.page_count is None:
            _index(document)
        if not openai.holds(document.account.vector_store_id, document.openai_file_id, document.pk):
            _prepare_again(openai, document)


def _index(document: ProcedureDocument) -> None:
    try:
        store_index(document, read_document(document))
    except Exception:  # an old file that cannot be read: it was searchable before, and stays so
        logger.exception("A document in force has no index", extra={"document_id": document.pk})


def _prepare_again(openai: Procedures, document: ProcedureDocument) -> None:
    """It stays in force meanwhile: there is no older one to fall back to."""
    openai.remove_file(document.account.vector_store_id, document.openai_file_id)
    ready = ProcedureDocument.objects.filter(pk=document.pk, status=ProcedureDocument.Status.READY)
    with transaction.atomic():
        if ready.update(
            status=ProcedureDocument.Status.PROCESSING,
            attempts=0,
            is_claimed=False,
            vector_store_id="",
            openai_file_id="",
            touched_at=timezone.now(),
        ):
            logger.warning("Procedures are gone at OpenAI and are put there again", extra={"document_id": document.pk})
            transaction.on_commit(lambda: tasks.prepare_procedures.delay(str(document.pk)), robust=True)
