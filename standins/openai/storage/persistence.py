"""Persistence of files and vector stores across restarts, if the state has a folder."""

from base64 import b64decode, b64encode

from ..http.json_types import JSON, JSONValue, as_number, as_object, as_text, objects, texts
from ..search.text_search import search_terms
from .json_folder import warn_on_stderr
from .state import StandinState, StoredFile, VectorStore, VectorStoreFile

FILES = "files"
STORES = "vector_stores"


def save_file(state: StandinState, file: StoredFile) -> None:
    if state.folder:
        state.folder.save(FILES, file.id, vars(file) | {"content": b64encode(file.content).decode()})


def remove_saved_file(state: StandinState, file_id: str) -> None:
    if state.folder:
        state.folder.remove(FILES, file_id)


def save_store(state: StandinState, store: VectorStore) -> None:
    # Indexing may end after its store was deleted.
    if state.folder and store.id in state.vector_stores:
        attached: list[JSONValue] = [_vector_store_file_document(file) for file in store.files.values()]
        state.folder.save(STORES, store.id, vars(store) | {"files": attached})


def remove_saved_store(state: StandinState, store_id: str) -> None:
    if state.folder:
        state.folder.remove(STORES, store_id)


def restore_state(state: StandinState) -> None:
    """Load the files and vector stores that an earlier process saved."""
    if not state.folder:
        return
    files = sorted(state.folder.load(FILES, _read_file), key=lambda file: file.created_at)
    stores = sorted(state.folder.load(STORES, _read_store), key=lambda store: store.created_at)
    state.files = {file.id: file for file in files}
    state.vector_stores = {store.id: store for store in stores}
    for store in stores:
        _drop_files_without_content(state, store)


def _drop_files_without_content(state: StandinState, store: VectorStore) -> None:
    for file_id in store.files.keys() - state.files.keys():
        warn_on_stderr(f"skipped {file_id} in {store.id} because the file is missing")
        del store.files[file_id]


def _vector_store_file_document(file: VectorStoreFile) -> JSON:
    return {name: value for name, value in vars(file).items() if name != "chunk_words"}


def _read_file(document: JSON) -> StoredFile:
    return StoredFile(
        as_text(document["id"]),
        as_text(document["filename"]),
        as_text(document["purpose"]),
        b64decode(as_text(document["content"]), validate=True),
        int(as_number(document["created_at"], 0)),
        int(as_number(document["expires_at"], 0)) or None,
    )


def _read_store(document: JSON) -> VectorStore:
    return VectorStore(
        as_text(document["id"]),
        as_text(document["name"]),
        as_object(document["metadata"]),
        as_object(document["expires_after"]) or None,
        int(as_number(document["created_at"], 0)),
        {file.id: file for file in map(_read_vector_store_file, objects(document["files"]))},
        {batch_id: texts(file_ids) for batch_id, file_ids in as_object(document["batches"]).items()},
    )


def _read_vector_store_file(document: JSON) -> VectorStoreFile:
    chunks = texts(document["chunks"])
    return VectorStoreFile(
        as_text(document["id"]),
        as_text(document["store_id"]),
        as_text(document["filename"]),
        as_object(document["attributes"]),
        as_object(document["chunking"]),
        int(as_number(document["created_at"], 0)),
        as_text(document["status"]),
        as_object(document["last_error"]) or None,
        chunks,
        [search_terms(chunk) for chunk in chunks],
    )
