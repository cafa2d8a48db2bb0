"""Files and vector stores at OpenAI. No other module of this app imports `openai`.

Each resource names its installation and its owner: a store in its metadata, a file in its name and, once attached to a
store, in its attributes. An evaluation can therefore search a single document. Only resources of this installation are
ever changed or deleted, because others may use the same OpenAI project, even with a copy of our database.
"""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from django.conf import settings
from openai import OpenAI
from openai.pagination import SyncCursorPage
from openai.types import VectorStore
from openai.types.shared_params import ComparisonFilter
from openai.types.vector_stores import VectorStoreFile

from accounts.models import Installation
from accounts.services.ownership import may_delete
from accounts.services.polling import wait_until
from ai import AIUnavailableError, build_client, translate_openai_errors

logger = logging.getLogger(__name__)

Item = TypeVar("Item")

_REQUEST_TIMEOUT = 60.0  # seconds
_SEARCH_INTERVAL, _SEARCH_TIMEOUT = 0.5, 30.0  # seconds
_FILE_PREFIX = "procedures-"
_UUID_LENGTH = 36  # characters
ACCOUNT_METADATA_KEY, DOCUMENT_ATTRIBUTE_KEY = "steadyline_account", "document"
INSTALLATION_METADATA_KEY, INSTALLATION_ATTRIBUTE_KEY = "steadyline_installation", "installation"


@dataclass(frozen=True)
class RemoteResource:
    """A store or file at OpenAI that belongs to a row, possibly of another installation."""

    id: str
    installation: str  # empty if it was created before resources named their installation
    owner: str  # account id of a store, document id of a file
    created_at: int  # Unix time in seconds


class VectorStoreClient:
    """A connection to OpenAI for the duration of one task.

    Methods raise AIUnavailableError, except `remove_file` and `remove_store`, which return False instead.
    """

    def __init__(self, client: OpenAI) -> None:
        self.client = client

    def ensure_store(self, store_id: str, account_id: UUID) -> str:
        """Return the id of the account's store. Create a store if `store_id` no longer exists or is not ours."""
        if store_id and self.has_store(store_id):
            return store_id
        metadata = {ACCOUNT_METADATA_KEY: str(account_id), INSTALLATION_METADATA_KEY: settings.INSTALLATION_ID}
        with translate_openai_errors():
            return _require_id(self.client.vector_stores.create(name="procedures", metadata=metadata).id)

    @translate_openai_errors()
    def has_store(self, store_id: str) -> bool:
        """Return whether the store exists, has not expired, and belongs to this installation."""
        store = self._find_store(store_id)
        return store is not None and store.status != "expired" and _is_own_store(store)

    def _find_store(self, store_id: str) -> VectorStore | None:
        try:
            with translate_openai_errors():
                store = self.client.vector_stores.retrieve(store_id)
                _require_id(store.id)  # an answer without an id does not prove that the store exists
                return store
        except AIUnavailableError as error:
            if error.missing:
                return None
            raise

    def upload(self, document_id: UUID, suffix: str, content: bytes) -> str:
        """Upload a file and return its id. Its name contains the ids of the installation and the document.

        OpenAI infers the format from `suffix`.
        """
        with translate_openai_errors():
            name = f"{_FILE_PREFIX}{settings.INSTALLATION_ID}-{document_id}{suffix}"
            return _require_id(self.client.files.create(file=(name, content), purpose="assistants").id)

    @translate_openai_errors()
    def attach(self, store_id: str, file_id: str, document_id: UUID) -> None:
        """Attach a file to a store and wait until OpenAI has processed it.

        Raise AIUnavailableError if that fails or takes longer than PROCEDURES_TIMEOUT.
        """
        try:
            attached = self.client.vector_stores.files.create_and_poll(
                file_id,
                vector_store_id=store_id,
                attributes=_attributes(document_id),
                max_wait_seconds=settings.PROCEDURES_TIMEOUT,
            )
        except TimeoutError as error:
            raise AIUnavailableError("timeout", retryable=True) from error
        _require_id(attached.id)
        if attached.status != "completed":
            code = attached.last_error.code if attached.last_error else attached.status
            raise AIUnavailableError(str(code or "failed"), retryable=code == "server_error")

    def wait_until_searchable(self, store_id: str, file_id: str, document_id: UUID, query: str) -> None:
        """Search until the document is found, because a processed file may take a moment to become searchable."""

        @translate_openai_errors()
        def is_found() -> bool:
            found = self.client.vector_stores.search(
                store_id, query=query, filters=document_filter(document_id), max_num_results=3
            )
            return any(result.file_id == file_id for result in found.data)

        if not wait_until(is_found, min(settings.PROCEDURES_TIMEOUT, _SEARCH_TIMEOUT), interval=_SEARCH_INTERVAL):
            raise AIUnavailableError("not_searchable", retryable=True)

    @translate_openai_errors()
    def verify_file(self, store_id: str, file_id: str, document_id: UUID) -> bool:
        """Return whether the file is ready in the store and belongs to this installation.

        A missing or wrong document attribute is repaired.
        """
        try:
            with translate_openai_errors():
                file = self.client.vector_stores.files.retrieve(file_id, vector_store_id=store_id)
                _require_id(file.id)
        except AIUnavailableError as error:
            if error.missing:
                return False
            raise
        if not _is_own_attachment(file):
            return False
        if file.attributes != _attributes(document_id):
            self.tag_attachment(store_id, file_id, document_id)
        return file.status == "completed"

    def tag_attachment(self, store_id: str, file_id: str, document_id: UUID) -> None:
        """Record the document and this installation in the attributes of an attached file."""
        with translate_openai_errors():
            self.client.vector_stores.files.update(
                file_id, vector_store_id=store_id, attributes=_attributes(document_id)
            )

    def tag_store(self, store_id: str, account_id: UUID | str) -> None:
        """Record the account and this installation in the metadata of a store."""
        metadata = {ACCOUNT_METADATA_KEY: str(account_id), INSTALLATION_METADATA_KEY: settings.INSTALLATION_ID}
        with translate_openai_errors():
            self.client.vector_stores.update(store_id, metadata=metadata)

    def remove_file(self, store_id: str, file_id: str) -> bool:
        """Delete a file of ours from the store and from Files. Return False if it remains, True if it is gone."""
        detach = self.client.vector_stores.files.delete
        return _remove(
            file_id,
            lambda: self._owns_file(store_id, file_id),
            *([lambda: detach(file_id, vector_store_id=store_id)] if store_id else []),
            lambda: self.client.files.delete(file_id),
        )

    def remove_store(self, store_id: str) -> bool:
        """Delete a store of ours. Return False if it remains, True if it is gone."""
        return _remove(store_id, lambda: self._owns_store(store_id), lambda: self.client.vector_stores.delete(store_id))

    @translate_openai_errors()
    def _owns_store(self, store_id: str) -> bool | None:
        """Return whether a store is ours, or None if it is gone."""
        store = self._find_store(store_id)
        return None if store is None else _is_own_store(store)

    @translate_openai_errors()
    def _owns_file(self, store_id: str, file_id: str) -> bool | None:
        """Return whether a file is ours, by its name, its attributes in the store, or adoption. None if it is gone."""
        if Installation.objects.has_adopted(file_id):
            return True
        try:
            with translate_openai_errors():
                name = self.client.files.retrieve(file_id).filename
            if _parse_filename(name)[0] == settings.INSTALLATION_ID:
                return True
            with translate_openai_errors():
                return bool(store_id) and _is_own_attachment(
                    self.client.vector_stores.files.retrieve(file_id, vector_store_id=store_id)
                )
        except AIUnavailableError as error:
            if error.missing:
                return None
            raise

    def list_stores(self) -> Iterator[RemoteResource]:
        """Yield every store that names an account as its owner."""
        with translate_openai_errors():
            for store in _iter_all(self.client.vector_stores.list(limit=100)):
                if owner := (store.metadata or {}).get(ACCOUNT_METADATA_KEY):
                    installation = (store.metadata or {}).get(INSTALLATION_METADATA_KEY, "")
                    yield RemoteResource(store.id, str(installation), str(owner), store.created_at)

    def list_files(self) -> Iterator[RemoteResource]:
        """Yield every file that names a document as its owner."""
        with translate_openai_errors():
            for file in _iter_all(self.client.files.list(purpose="assistants", limit=1000)):
                if file.filename.startswith(_FILE_PREFIX):
                    yield RemoteResource(file.id, *_parse_filename(file.filename), file.created_at)

    def list_store_files(self, store_id: str) -> list[RemoteResource]:
        """Return every file attached to a store, whatever its name. Return an empty list if the store is gone."""
        try:
            with translate_openai_errors():
                listed = self.client.vector_stores.files.list(store_id, limit=100)
                return [_describe_attachment(file) for file in _iter_all(listed)]
        except AIUnavailableError as error:
            if error.missing:
                return []
            raise


def _require_id(value: object) -> str:
    """Return the id of an object. Raise AIUnavailableError if the server returned none."""
    if not isinstance(value, str) or not value:
        raise AIUnavailableError("unusable_answer", retryable=True)
    return value


def _iter_all(first: SyncCursorPage[Item]) -> Iterator[Item]:
    """Yield the objects of all pages. Raise AIUnavailableError if a page has no list.

    A missing list does not mean an empty page.
    """
    for page in first.iter_pages():
        if not isinstance(page.data, list):
            raise AIUnavailableError("unusable_answer", retryable=True)
        yield from page.data


def _attributes(document_id: UUID) -> dict[str, str | float | bool]:
    return {DOCUMENT_ATTRIBUTE_KEY: str(document_id), INSTALLATION_ATTRIBUTE_KEY: settings.INSTALLATION_ID}


def _is_own_store(store: VectorStore) -> bool:
    return (store.metadata or {}).get(INSTALLATION_METADATA_KEY) == settings.INSTALLATION_ID


def _is_own_attachment(file: VectorStoreFile) -> bool:
    return (file.attributes or {}).get(INSTALLATION_ATTRIBUTE_KEY) == settings.INSTALLATION_ID


def _describe_attachment(file: VectorStoreFile) -> RemoteResource:
    attributes = file.attributes or {}
    installation = attributes.get(INSTALLATION_ATTRIBUTE_KEY, "")
    return RemoteResource(
        _require_id(file.id), str(installation), str(attributes.get(DOCUMENT_ATTRIBUTE_KEY, "")), file.created_at
    )


def _parse_filename(name: str) -> tuple[str, str]:
    """Return the installation and the document in a file's name. Old names contain only a document."""
    stem = name.removeprefix(_FILE_PREFIX).partition(".")[0]
    return stem[: -_UUID_LENGTH - 1], stem[-_UUID_LENGTH:]


def document_filter(document_id: UUID | str) -> ComparisonFilter:
    """Return the filter that limits a search to one document."""
    return {"type": "eq", "key": DOCUMENT_ATTRIBUTE_KEY, "value": str(document_id)}


def build_procedures_client() -> OpenAI:
    return build_client(timeout=_REQUEST_TIMEOUT)


def _remove(openai_id: str, owns: Callable[[], bool | None], *steps: Callable[[], object]) -> bool:
    """Run the steps that delete a resource, if this database may delete anything and the resource is ours.

    Return True if the resource is gone, even if it was missing before.
    """
    if not may_delete("procedures at OpenAI"):
        return False
    try:
        is_own = owns()
    except AIUnavailableError as error:
        logger.warning("Could not look up an object at OpenAI: %s", error.code, extra={"openai_id": openai_id})
        return False
    if is_own is None:
        return True
    if not is_own:
        logger.warning("An object at OpenAI belongs to another installation", extra={"openai_id": openai_id})
        return False
    results = [_delete_if_present(openai_id, step) for step in steps]
    return all(results)


def _delete_if_present(openai_id: str, remove: Callable[[], object]) -> bool:
    try:
        with translate_openai_errors():
            remove()
    except AIUnavailableError as error:
        if not error.missing:
            logger.warning("Could not delete an object at OpenAI: %s", error.code, extra={"openai_id": openai_id})
            return False
    return True
