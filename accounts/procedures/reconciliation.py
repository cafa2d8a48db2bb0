"""Reconciliation with OpenAI, which deletes files that dead workers left behind and uploads missing files again."""

import logging
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from accounts.models import Account, Installation, ProcedureDocument
from accounts.procedures import openai_vector_store
from accounts.procedures.indexing import read_document, store_index
from accounts.procedures.openai_vector_store import VectorStoreClient
from accounts.services.ownership import may_delete
from accounts.services.reaping import ReapReport, reap
from ai import AIUnavailableError

logger = logging.getLogger(__name__)


REAPER = "procedures at OpenAI"
_STORE, _FILE = "store", "file"  # first part of a candidate's key


def reconcile_procedures(is_all: bool = False) -> int:
    """Delete orphans and repair the active documents. Return the number of deleted resources.

    Only resources of this installation are touched, because others may use the same OpenAI project. Resources younger
    than `PROCEDURES_LEFT_AFTER` seconds are kept, because their ids may not be saved yet.
    """
    return reap_procedures(is_all)[1]


def reap_procedures(is_all: bool = False) -> tuple[ReapReport, int]:
    """Run the reaper of procedures. Return its report and the number of deleted resources."""
    if not may_delete(REAPER, advance=True):
        return ReapReport(), 0
    with openai_vector_store.build_procedures_client() as client:
        openai = VectorStoreClient(client)
        try:
            scan = RemoteScan(openai)
            outcome = reap(REAPER, scan.orphans, lambda: scan.known, scan.remove, is_all)
            _repair_active_documents(openai)
        except AIUnavailableError as error:
            logger.warning("Procedures not reconciled: %s", error.code)
            return ReapReport(), 0
    return outcome


class RemoteScan:
    """This installation's stores and files at OpenAI, and the ones that no row uses."""

    def __init__(self, openai: VectorStoreClient) -> None:
        self._openai = openai
        before = (timezone.now() - timedelta(seconds=settings.PROCEDURES_LEFT_AFTER)).timestamp()
        adopted = set(Installation.objects.values_list("adopted_files", flat=True).first() or [])
        stores = [store for store in openai.list_stores() if store.installation == settings.INSTALLATION_ID]
        files = [
            file for file in openai.list_files() if file.installation == settings.INSTALLATION_ID or file.id in adopted
        ]
        self.known = len(stores) + len(files)
        # Read after listing, so that resources that came into use in the meantime are kept.
        kept_stores, kept_files = _ids_in_use()
        own_stores = {store.id for store in stores}
        attached = [
            (store_id, file)
            for store_id in kept_stores & own_stores
            for file in openai.list_store_files(store_id)
            if file.installation == settings.INSTALLATION_ID
        ]
        # Attached files come first, so that a file is detached from its store.
        listed = [(_STORE, "", store) for store in stores if store.id not in kept_stores]
        listed += [(_FILE, store_id, file) for store_id, file in attached]
        attached_ids = {file.id for _store_id, file in attached}
        listed += [(_FILE, "", file) for file in files if file.id not in attached_ids]
        self.orphans = [
            f"{kind} {found.id} {store_id}".rstrip()
            for kind, store_id, found in listed
            if found.created_at <= before and found.id not in kept_files
        ]

    def remove(self, key: str) -> int:
        """Delete a candidate unless a row uses it by now. Return the number of deleted resources."""
        kind, openai_id, *in_store = key.split()
        kept_stores, kept_files = _ids_in_use()
        if openai_id in kept_stores | kept_files:
            return 0
        if kind == _STORE:
            return int(self._openai.remove_store(openai_id))
        return int(self._openai.remove_file(in_store[0] if in_store else "", openai_id))


def _ids_in_use() -> tuple[set[str], set[str]]:
    """Return the ids of stores and files that are active or that a worker is about to activate."""
    processing = list(ProcedureDocument.objects.processing().values_list("vector_store_id", "openai_file_id"))
    active = list(Account.objects.values_list("vector_store_id", "procedures__openai_file_id"))
    rows = processing + active
    return {store for store, _ in rows if store}, {file for _, file in rows if file}


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
