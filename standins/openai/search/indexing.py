"""Background indexing of files in vector stores, as OpenAI does it."""

import asyncio

from ..http.json_types import as_number, as_object
from ..storage.persistence import save_store
from ..storage.state import StandinState, VectorStore, VectorStoreFile
from .text_search import UnreadableFileError, cut_into_chunks, extract_text, search_terms

# Without a reference, a task may be garbage-collected before it finishes.
running_tasks: set[asyncio.Task[None]] = set()


def start_indexing(
    state: StandinState,
    store: VectorStore,
    attached: VectorStoreFile,
    must_fail: bool = False,
    lag: float | None = None,
) -> None:
    content = state.files[attached.id].content
    lag = state.settings.index_lag if lag is None else lag
    task = asyncio.create_task(_index(state, store, attached, content, must_fail, lag))
    running_tasks.add(task)
    task.add_done_callback(running_tasks.discard)


def resume_indexing(state: StandinState) -> None:
    """Restart the indexing that an earlier process left unfinished."""
    for store in state.vector_stores.values():
        for attached in store.files.values():
            if attached.status == "in_progress":
                start_indexing(state, store, attached)


async def _index(
    state: StandinState, store: VectorStore, attached: VectorStoreFile, content: bytes, must_fail: bool, lag: float
) -> None:
    await asyncio.sleep(lag)
    sizes = as_object(attached.chunking.get("static"))
    size = int(as_number(sizes.get("max_chunk_size_tokens"), 800))
    overlap = int(as_number(sizes.get("chunk_overlap_tokens"), 400))
    try:
        if must_fail:
            raise UnreadableFileError("The stand-in was asked to fail here.")
        text = await asyncio.to_thread(extract_text, attached.filename, content)
        attached.chunks = cut_into_chunks(text, size, overlap)
        attached.chunk_words = await asyncio.to_thread(lambda: [search_terms(chunk) for chunk in attached.chunks])
        attached.status = "completed"
    except UnreadableFileError as error:
        attached.status = "failed"
        attached.last_error = {"code": "invalid_file", "message": str(error)}
    save_store(state, store)
