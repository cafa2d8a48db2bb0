"""Files and vector stores at OpenAI. No other module of this app imports `openai`.

Each resource names its owner: a store in its metadata, a file in its name and, once attached to a store, in its
attributes. An evaluation can therefore search a single document, and orphans can be distinguished from resources
that belong to others in the same OpenAI project.
"""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from openai import OpenAI
from openai.types.shared_params import ComparisonFilter

from accounts.services.polling import wait_until
from ai import AIUnavailableError, build_client, translate_openai_errors

logger = logging.getLogger(__name__)

_REQUEST_TIMEOUT = 60.0  # seconds
_SEARCH_INTERVAL, _SEARCH_TIMEOUT = 0.5, 30.0  # seconds
_FILE_PREFIX = "procedures-"
ACCOUNT_METADATA_KEY, DOCUMENT_ATTRIBUTE_KEY = "steadyline_account", "document"


@dataclass(frozen=True)
class RemoteResource:
    """A store or file at OpenAI that belongs to one of our rows."""

    id: str
    owner: str  # account id of a store, document id of a file
    created_at: int  # Unix time in seconds


class VectorStoreClient:
    """A connection to OpenAI for the duration of one task.

    Methods raise AIUnavailableError, except `remove_file` and `remove_store`, which return False instead.
    """

    def __init__(self, client: OpenAI) -> None:
        self.client = client

    def ensure_store(self, store_id: str, account_id: UUID) -> str:
        """Return the id of the account's store. Create a new store if `store_id` no longer exists."""
        if store_id and self.has_store(store_id):
            return store_id
        with translate_openai_errors():
            created = self.client.vector_stores.create(
                name="procedures", metadata={ACCOUNT_METADATA_KEY: str(account_id)}
            )
            return _require_id(created.id)

    def has_store(self, store_id: str) -> bool:
        """Return whether the store exists and has not expired."""
        try:
            with translate_openai_errors():
                return self.client.vector_stores.retrieve(store_id).status != "expired"
        except AIUnavailableError as error:
            if error.missing:
                return False
            raise

    def upload(self, document_id: UUID, suffix: str, content: bytes) -> str:
        """Upload a file and return its id. The name holds the document id; OpenAI takes the format from `suffix`."""
        with translate_openai_errors():
            name = f"{_FILE_PREFIX}{document_id}{suffix}"
            return _require_id(self.client.files.create(file=(name, content), purpose="assistants").id)

    def attach(self, store_id: str, file_id: str, document_id: UUID) -> None:
        """Attach a file to a store and wait until OpenAI has processed it.

        Raise AIUnavailableError if that fails or takes longer than PROCEDURES_TIMEOUT.
        """
        try:
            with translate_openai_errors():
                attached = self.client.vector_stores.files.create_and_poll(
                    file_id,
                    vector_store_id=store_id,
                    attributes={DOCUMENT_ATTRIBUTE_KEY: str(document_id)},
                    max_wait_seconds=settings.PROCEDURES_TIMEOUT,
                )
        except TimeoutError as error:
            raise AIUnavailableError("timeout", retryable=True) from error
        if attached.status != "completed":
            code = attached.last_error.code if attached.last_error else attached.status
            raise AIUnavailableError(code, retryable=code == "server_error")

    def wait_until_searchable(self, store_id: str, file_id: str, document_id: UUID, query: str) -> None:
        """Search until the document is found, because a processed file may take a moment to become searchable."""

        def is_found() -> bool:
            with translate_openai_errors():
                found = self.client.vector_stores.search(
                    store_id, query=query, filters=document_filter(document_id), max_num_results=3
                )
            return any(result.file_id == file_id for result in found.data)

        if not wait_until(is_found, min(settings.PROCEDURES_TIMEOUT, _SEARCH_TIMEOUT), interval=_SEARCH_INTERVAL):
            raise AIUnavailableError("not_searchable", retryable=True)

    def verify_file(self, store_id: str, file_id: str, document_id: UUID) -> bool:
        """Return whether the file is ready in the store. A missing or wrong document attribute is repaired."""
        try:
            with translate_openai_errors():
                file = self.client.vector_stores.files.retrieve(file_id, vector_store_id=store_id)
                if (file.attributes or {}).get(DOCUMENT_ATTRIBUTE_KEY) != str(document_id):
                    self.client.vector_stores.files.update(
                        file_id, vector_store_id=store_id, attributes={DOCUMENT_ATTRIBUTE_KEY: str(document_id)}
                    )
        except AIUnavailableError as error:
            if error.missing:
                return False
            raise
        return file.status == "completed"

    def remove_file(self, store_id: str, file_id: str) -> bool:
        """Delete a file from the store and from Files. Return False if it remains. A missing file counts as deleted."""
        detach = self.client.vector_stores.files.delete
        is_detached = not store_id or _delete_if_present(file_id, lambda: detach(file_id, vector_store_id=store_id))
        return _delete_if_present(file_id, lambda: self.client.files.delete(file_id)) and is_detached

    def remove_store(self, store_id: str) -> bool:
        """Delete a store. Return False if it remains. A missing store counts as deleted."""
        return _delete_if_present(store_id, lambda: self.client.vector_stores.delete(store_id))

    def list_stores(self) -> Iterator[RemoteResource]:
        """Yield every store that names an account as its owner."""
        with translate_openai_errors():
            for store in self.client.vector_stores.list(limit=100):
                if owner := (store.metadata or {}).get(ACCOUNT_METADATA_KEY):
                    yield RemoteResource(store.id, str(owner), store.created_at)

    def list_files(self) -> Iterator[RemoteResource]:
        """Yield every file that names a document as its owner."""
        with translate_openai_errors():
            for file in self.client.files.list(purpose="assistants", limit=1000):
                if file.filename.startswith(_FILE_PREFIX):
                    yield RemoteResource(
                        file.id, file.filename.removeprefix(_FILE_PREFIX).partition(".")[0], file.created_at
                    )

    def list_store_files(self, store_id: str) -> list[RemoteResource]:
        """Return every file attached to a store, whatever its name. Return an empty list if the store is gone."""
        try:
            with translate_openai_errors():
                listed = self.client.vector_stores.files.list(store_id, limit=100)
                return [
                    RemoteResource(
                        file.id, str((file.attributes or {}).get(DOCUMENT_ATTRIBUTE_KEY, "")), file.created_at
                    )
                    for file in listed
                ]
        except AIUnavailableError as error:
            if error.missing:
                return []
            raise


def _require_id(value: object) -> str:
    """Return the id of a new object. Raise AIUnavailableError if the server gave none."""
    if not isinstance(value, str) or not value:
        raise AIUnavailableError("unusable_answer", retryable=True)
    return value


def document_filter(document_id: UUID | str) -> ComparisonFilter:
    """Return the filter that limits a search to one document."""
    return {"type": "eq", "key": DOCUMENT_ATTRIBUTE_KEY, "value": str(document_id)}


def build_procedures_client() -> OpenAI:
    return build_client(timeout=_REQUEST_TIMEOUT)


def _delete_if_present(openai_id: str, remove: Callable[[], object]) -> bool:
    try:
        with translate_openai_errors():
            remove()
    except AIUnavailableError as error:
        if not error.missing:
            logger.warning("Could not delete an object at OpenAI: %s", error.code, extra={"openai_id": openai_id})
            return False
    return True
