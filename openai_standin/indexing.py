"""Files become searchable in the background, as at OpenAI."""

import asyncio

from .json_types import as_number, as_object
from .kept import save_store
from .state import AttachedFile, State, VectorStore
from .text_search import Unreadable, cut_into_chunks, extract_text, words

# Tasks that nobody keeps may be collected before they finish.
indexing: set[asyncio.Task[None]] = set()


def start_indexing(
    state: State, store: VectorStore, attached: AttachedFile, must_fail: bool = False, lag: float | None = None
) -> None:
    content = state.files[attached.id].content
    lag = state.settings.index_lag if lag is None else lag
    task = asyncio.create_task(_index(state, store, attached, content, must_fail, lag))
    indexing.add(task)
    task.add_done_callback(indexing.discard)


def resume_indexing(state: State) -> None:
    """Begin again with what an earlier process left unfinished."""
    for store in state.vector_stores.values():
        for attached in store.files.values():
            if attached.status == "in_progress":
                start_indexing(state, store, attached)


async def _index(
    state: State, store: VectorStore, attached: AttachedFile, content: bytes, must_fail: bool, lag: float
) -> None:
    await asyncio.sleep(lag)
    sizes = as_object(attached.chunking.get("static"))
    size = int(as_number(sizes.get("max_chunk_size_tokens"), 800))
    overlap = int(as_number(sizes.get("chunk_overlap_tokens"), 400))
    try:
        if must_fail:
            raise Unreadable("The stand-in was asked to fail here.")
        text = await asyncio.to_thread(extract_text, attached.filename, content)
        attached.chunks = cut_into_chunks(text, size, overlap)
        attached.chunk_words = await asyncio.to_thread(lambda: [words(chunk) for chunk in attached.chunks])
        attached.status = "completed"
    except Unreadable as error:
        attached.status = "failed"
        attached.last_error = {"code": "invalid_file", "message": str(error)}
    save_store(state, store)
