"""Files and vector stores at OpenAI. The only module here that knows OpenAI.

Everything that is put there says whose it is: a store in its metadata, a file in its name and, where it is attached to
a store, in its attributes. So an evaluation can search one document alone, and what was left behind can be told from
what somebody else keeps in the same project.
"""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from openai import OpenAI
from openai.types.shared_params import ComparisonFilter

from accounts.prefer import wait_until
from ai import AIUnavailable, build_client, in_our_words

logger = logging.getLogger(__name__)

_REQUEST_TIMEOUT = 60.0
_PROBE_EVERY, _PROBE_FOR = 0.5, 30.0  # seconds
_OURS = "procedures-"
ACCOUNT, DOCUMENT = "steadyline_account", "document"


@dataclass(frozen=True)
class Kept:
    """Something of ours at OpenAI: a store of an account's or a file of a document's, and when it was made."""

    id: str
    owner: str
    created_at: int


class Procedures:
    """One connection to OpenAI for all that a task does. Every method raises AIUnavailable."""

    def __init__(self, client: OpenAI) -> None:
        self.client = client

    def ensure_store(self, store_id: str, account_id: UUID) -> str:
        """The account's store: the one known when it is still there, else a new one."""
        if store_id and self.has_store(store_id):
            return store_id
        with in_our_words():
            return self.client.vector_stores.create(name="procedures", metadata={ACCOUNT: str(account_id)}).id

    def has_store(self, store_id: str) -> bool:
        try:
            with in_our_words():
                return self.client.vector_stores.retrieve(store_id).status != "expired"
        except AIUnavailable as error:
            if error.missing:
                return False
            raise

    def upload(self, document_id: UUID, suffix: str, content: bytes) -> str:
        """A new file's id. The uploaded name is only ever text here; the ending tells OpenAI what it is."""
        with in_our_words():
            name = f"{_OURS}{document_id}{suffix}"
            return self.client.files.create(file=(name, content), purpose="assistants").id

    def attach(self, store_id: str, file_id: str, document_id: UUID) -> None:
        """Put a file into a store and wait until it is ready there, within the deadline."""
        try:
            with in_our_words():
                attached = self.client.vector_stores.files.create_and_poll(
                    file_id,
                    vector_store_id=store_id,
                    attributes={DOCUMENT: str(document_id)},
                    max_wait_seconds=settings.PROCEDURES_TIMEOUT,
                )
        except TimeoutError as error:
            raise AIUnavailable("timeout", retryable=True) from error
        if attached.status != "completed":
            code = attached.last_error.code if attached.last_error else attached.status
            raise AIUnavailable(code, retryable=code == "server_error")

    def probe(self, store_id: str, file_id: str, document_id: UUID, query: str) -> None:
        """Search for what stands in the document, until it is found: ready may be a moment before searchable."""

        def is_found() -> bool:
            with in_our_words():
                found = self.client.vector_stores.search(
                    store_id, query=query, filters=only(document_id), max_num_results=3
                )
            return any(one.file_id == file_id for one in found.data)

        if not wait_until(is_found, min(settings.PROCEDURES_TIMEOUT, _PROBE_FOR), every=_PROBE_EVERY):
            raise AIUnavailable("not_searchable", retryable=True)

    def holds(self, store_id: str, file_id: str, document_id: UUID) -> bool:
        """Whether the file is ready in the store and says whose it is; that is mended where it is missing."""
        try:
            with in_our_words():
                file = self.client.vector_stores.files.retrieve(file_id, vector_store_id=store_id)
                if (file.attributes or {}).get(DOCUMENT) != str(document_id):
                    self.client.vector_stores.files.update(
                        file_id, vector_store_id=store_id, attributes={DOCUMENT: str(document_id)}
                    )
        except AIUnavailable as error:
            if error.missing:
                return False
            raise
        return file.status == "completed"

    def remove_file(self, store_id: str, file_id: str) -> bool:
        """Take a file out of the store and out of Files; gone already is as good. False when something was left."""
        detach = self.client.vector_stores.files.delete
        detached = not store_id or _removed(file_id, lambda: detach(file_id, vector_store_id=store_id))
        return _removed(file_id, lambda: self.client.files.delete(file_id)) and detached

    def remove_store(self, store_id: str) -> bool:
        return _removed(store_id, lambda: self.client.vector_stores.delete(store_id))

    def stores(self) -> Iterator[Kept]:
        """Every store that an account of ours may own."""
        with in_our_words():
            for store in self.client.vector_stores.list(limit=100):
                if owner := (store.metadata or {}).get(ACCOUNT):
                    yield Kept(store.id, str(owner), store.created_at)

    def files(self) -> Iterator[Kept]:
        """Every file that a document of ours may own."""
        with in_our_words():
            for file in self.client.files.list(purpose="assistants", limit=1000):
                if file.filename.startswith(_OURS):
                    yield Kept(file.id, file.filename.removeprefix(_OURS).partition(".")[0], file.created_at)

    def files_in(self, store_id: str) -> list[Kept]:
        """What is attached to a store, by whatever name; nothing when the store is gone."""
        try:
            with in_our_words():
                listed = self.client.vector_stores.files.list(store_id, limit=100)
                return [Kept(one.id, str((one.attributes or {}).get(DOCUMENT, "")), one.created_at) for one in listed]
        except AIUnavailable as error:
            if error.missing:
                return []
            raise


def only(document_id: UUID | str) -> ComparisonFilter:
    """The filter that lets a search see one document alone."""
    return {"type": "eq", "key": DOCUMENT, "value": str(document_id)}


def connect() -> OpenAI:
    return build_client(timeout=_REQUEST_TIMEOUT)


def _removed(openai_id: str, remove: Callable[[], object]) -> bool:
    try:
        with in_our_words():
            remove()
    except AIUnavailable as error:
        if not error.missing:
            logger.warning("Something was left at OpenAI: %s", error.code, extra={"openai_id": openai_id})
            return False
    return True
