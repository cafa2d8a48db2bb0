"""Reconciliation with OpenAI, which deletes files that dead workers left behind and uploads missing files again."""

import logging
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from accounts.models import Account, ProcedureDocument
from accounts.procedures import openai_vector_store
from accounts.procedures.indexing import read_document, store_index
from accounts.procedures.openai_vector_store import RemoteResource, VectorStoreClient
from accounts.web.identifiers import is_uuid
from ai import AIUnavailableError

logger = logging.getLogger(__name__)


def reconcile_procedures() -> int:
    """Delete orphans and repair the active documents. Return the number of deleted resources.

    Only resources that belong to one of our rows are touched, because others may use the same OpenAI project. Resources
    younger than `PROCEDURES_LEFT_AFTER` seconds are kept, because their ids may not be saved yet.
    """
    with openai_vector_store.build_procedures_client() as client:
        openai = VectorStoreClient(client)
        try:
            removed = _remove_orphans(openai)
            _repair_active_documents(openai)
        except AIUnavailableError as error:
            logger.warning("Procedures not reconciled: %s", error.code)
            return 0
    return removed


def _remove_orphans(openai: VectorStoreClient) -> int:
    before = (timezone.now() - timedelta(seconds=settings.PROCEDURES_LEFT_AFTER)).timestamp()
    stores = [resource for resource in openai.list_stores() if resource.created_at <= before]
    files = [resource for resource in openai.list_files() if resource.created_at <= before]
    # Read after listing, so that resources that came into use in the meantime are kept.
    kept_stores, kept_files = _ids_in_use()
    known_accounts = _known_owners(Account, stores)
    orphaned_stores = [
        resource for resource in stores if resource.owner in known_accounts and resource.id not in kept_stores
    ]
    known_documents = _known_owners(ProcedureDocument, files)
    orphaned_files = [
        resource for resource in files if resource.owner in known_documents and resource.id not in kept_files
    ]
    removed = sum(openai.remove_store(resource.id) for resource in orphaned_stores)
    for store_id in kept_stores:
        attached = [
            resource
            for resource in openai.list_store_files(store_id)
            if resource.created_at <= before and resource.id not in kept_files
        ]
        removed += sum(openai.remove_file(store_id, resource.id) for resource in attached)
        orphaned_files = [
            resource for resource in orphaned_files if resource.id not in {removed_file.id for removed_file in attached}
        ]
    return removed + sum(openai.remove_file("", resource.id) for resource in orphaned_files)


def _ids_in_use() -> tuple[set[str], set[str]]:
    """Return the ids of stores and files that are active or that a worker is about to activate."""
    processing = list(ProcedureDocument.objects.processing().values_list("vector_store_id", "openai_file_id"))
    active = list(Account.objects.values_list("vector_store_id", "procedures__openai_file_id"))
    rows = processing + active
    return {store for store, _ in rows if store}, {file for _, file in rows if file}


def _known_owners(model: type[Account] | type[ProcedureDocument], resources: list[RemoteResource]) -> set[str]:
    """Return the owner ids that exist as rows. Ids are unique, so resources with these owners are ours."""
    owners = {resource.owner for resource in resources if is_uuid(resource.owner)}
    return {str(pk) for pk in model._default_manager.filter(pk__in=owners).values_list("pk", flat=True)}


def _repair_active_documents(openai: VectorStoreClient) -> None:
    """Queue active documents again if their copy at OpenAI is gone, and index those that predate the index."""
    active = ProcedureDocument.objects.filter(pk__in=Account.objects.exclude(procedures=None).values("procedures"))
    for document in active.filter(status=ProcedureDocument.Status.READY).select_related("account"):
        if document.page_count is None:
            _build_missing_index(document)
        if not openai.verify_file(document.account.vector_store_id, document.openai_file_id, document.pk):
            _requeue_preparation(openai, document)


def _build_missing_index(document: ProcedureDocument) -> None:
    try:
        store_index(document, read_document(document))
    except Exception:  # an old file may be unreadable, but it can still be searched at OpenAI
        logger.exception("Could not build the index of an active document", extra={"document_id": document.pk})


def _requeue_preparation(openai: VectorStoreClient, document: ProcedureDocument) -> None:
    """Queue an active document again. It stays active in the meantime."""
    openai.remove_file(document.account.vector_store_id, document.openai_file_id)
    ready = ProcedureDocument.objects.filter(pk=document.pk, status=ProcedureDocument.Status.READY)
    if ready.requeue(status=ProcedureDocument.Status.PROCESSING, vector_store_id="", openai_file_id=""):
        logger.warning("Procedures missing at OpenAI will be uploaded again", extra={"document_id": document.pk})
