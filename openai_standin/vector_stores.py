"""`/v1/vector_stores`: stores, the files in them, batches, and searches over both this API and `file_search`."""

from .errors import bad_request, missing, no_file_in_store, no_vector_store
from .files import find as find_file
from .files import page
from .http import Answer, Request, json_answer
from .indexing import start_indexing
from .json_types import JSON, JSONValue, as_number, as_object, as_text, objects, texts
from .kept import forget_store, save_store
from .state import AttachedFile, State, VectorStore, new_id
from .text_search import matches, rank

DEFAULT_CHUNKING: JSON = {"type": "static", "static": {"max_chunk_size_tokens": 800, "chunk_overlap_tokens": 400}}
POLL_AFTER_MS = "100"


async def create(state: State, request: Request) -> Answer:
    body = request.json()
    expires_after = as_object(body.get("expires_after")) or None
    store = VectorStore(new_id("vs_"), as_text(body.get("name")), as_object(body.get("metadata")), expires_after)
    for file_id in texts(body.get("file_ids")):
        find_file(state, file_id)
    state.vector_stores[store.id] = store
    for file_id in texts(body.get("file_ids")):
        attach(state, store, {"file_id": file_id}, request.fault)
    save_store(state, store)
    return json_answer(shown(store))


async def list_all(state: State, request: Request) -> Answer:
    return json_answer(page([shown(store) for store in state.vector_stores.values()], request.query))


async def retrieve(state: State, request: Request, store_id: str) -> Answer:
    store = shown(find(state, store_id))
    return json_answer(store | {"status": "expired"} if request.fault.get("expired") else store)


async def update(state: State, request: Request, store_id: str) -> Answer:
    store, body = find(state, store_id), request.json()
    store.name = as_text(body.get("name", store.name))
    store.metadata = as_object(body.get("metadata", store.metadata))
    store.expires_after = as_object(body.get("expires_after", store.expires_after)) or None
    save_store(state, store)
    return json_answer(shown(store))


async def delete(state: State, request: Request, store_id: str) -> Answer:
    find(state, store_id)
    del state.vector_stores[store_id]
    forget_store(state, store_id)
    return json_answer({"id": store_id, "object": "vector_store.deleted", "deleted": True})


async def search(state: State, request: Request, store_id: str) -> Answer:
    store, body = find(state, store_id), request.json()
    query = body.get("query")
    queries = [query] if isinstance(query, str) else texts(query)
    if not queries:
        raise missing("query")
    results: list[JSONValue] = [
        {**result, "content": [{"type": "text", "text": result.pop("text")}]}
        for result in ([] if request.fault.get("nothing") else find_passages(store, queries, body))
    ]
    return json_answer(
        {
            "object": "vector_store.search_results.page",
            "search_query": list[JSONValue](queries),
            "data": results,
            "has_more": False,
            "next_page": None,
        }
    )


async def add_file(state: State, request: Request, store_id: str) -> Answer:
    store, body = find(state, store_id), request.json()
    attached = attach(state, store, body, request.fault)
    save_store(state, store)
    return polled(attached.as_json())


async def list_files(state: State, request: Request, store_id: str) -> Answer:
    return json_answer(_files_page(list(find(state, store_id).files.values()), request))


async def retrieve_file(state: State, request: Request, store_id: str, file_id: str) -> Answer:
    return polled(find_attached(state, store_id, file_id).as_json())


async def update_file(state: State, request: Request, store_id: str, file_id: str) -> Answer:
    attached = find_attached(state, store_id, file_id)
    attached.attributes = as_object(request.json().get("attributes"))
    save_store(state, find(state, store_id))
    return json_answer(attached.as_json())


async def remove_file(state: State, request: Request, store_id: str, file_id: str) -> Answer:
    """Detach a file; the File object itself stays."""
    store = find(state, store_id)
    find_attached(state, store_id, file_id)
    del store.files[file_id]
    save_store(state, store)
    return json_answer({"id": file_id, "object": "vector_store.file.deleted", "deleted": True})


async def file_content(state: State, request: Request, store_id: str, file_id: str) -> Answer:
    attached = find_attached(state, store_id, file_id)
    content: list[JSONValue] = [{"type": "text", "text": chunk} for chunk in attached.chunks]
    return json_answer(
        {"object": "vector_store.file_content.page", "data": content, "has_more": False, "next_page": None}
    )


async def create_batch(state: State, request: Request, store_id: str) -> Answer:
    store, body = find(state, store_id), request.json()
    wanted = objects(body.get("files")) or [{**body, "file_id": file_id} for file_id in texts(body.get("file_ids"))]
    attached = [attach(state, store, file, request.fault) for file in wanted]
    batch_id = new_id("vsfb_")
    store.batches[batch_id] = [file.id for file in attached]
    save_store(state, store)
    return polled(_shown_batch(store, batch_id))


async def retrieve_batch(state: State, request: Request, store_id: str, batch_id: str) -> Answer:
    return polled(_shown_batch(find(state, store_id), batch_id))


async def list_batch_files(state: State, request: Request, store_id: str, batch_id: str) -> Answer:
    return json_answer(_files_page(_batch_files(find(state, store_id), batch_id), request))


def polled(body: JSON) -> Answer:
    """An answer that tells the SDK when to look again."""
    answer = json_answer(body)
    answer.headers["openai-poll-after-ms"] = POLL_AFTER_MS
    return answer


def attach(state: State, store: VectorStore, wanted: JSON, fault: JSON) -> AttachedFile:
    """Put a file into a store and begin to index it. The caller saves the store."""
    if not as_text(wanted.get("file_id")):
        raise missing("file_id")
    file = find_file(state, as_text(wanted.get("file_id")))
    chunking = as_object(wanted.get("chunking_strategy"))
    chosen = chunking if chunking.get("type") == "static" else DEFAULT_CHUNKING
    attached = AttachedFile(file.id, store.id, file.filename, as_object(wanted.get("attributes")), chosen)
    store.files[file.id] = attached
    lag = as_number(fault["lag"], 0) if "lag" in fault else None
    start_indexing(state, store, attached, must_fail=bool(fault.get("failed")), lag=lag)
    return attached


def find_passages(store: VectorStore, queries: list[str], options: JSON) -> list[JSON]:
    """The best chunks over all queries, each once, as `file_search` results."""
    limit = int(as_number(options.get("max_num_results"), 10))
    if not 1 <= limit <= 50:
        raise bad_request("'max_num_results' must be between 1 and 50.", "max_num_results")
    threshold = as_number(as_object(options.get("ranking_options")).get("score_threshold"), 0)
    condition = as_object(options.get("filters"))
    files = [file for file in store.files.values() if not condition or matches(file.attributes, condition)]
    passages = [(file, chunk) for file in files for chunk in file.chunks]
    present = [found for file in files for found in file.chunk_words]
    best: dict[int, float] = {}
    for query in queries:
        for score, index in rank(query, present):
            best[index] = max(score, best.get(index, 0))
    ordered = sorted(((score, -index) for index, score in best.items() if score >= threshold), reverse=True)
    return [_result(*passages[-index], score) for score, index in ordered[:limit]]


def _result(file: AttachedFile, chunk: str, score: float) -> JSON:
    return {
        "file_id": file.id,
        "filename": file.filename,
        "score": round(score, 4),
        "attributes": file.attributes,
        "text": chunk,
    }


def find(state: State, store_id: str) -> VectorStore:
    if store_id not in state.vector_stores:
        raise no_vector_store(store_id)
    return state.vector_stores[store_id]


def find_attached(state: State, store_id: str, file_id: str) -> AttachedFile:
    store = find(state, store_id)
    if file_id not in store.files:
        raise no_file_in_store(file_id, store_id)
    return store.files[file_id]


def shown(store: VectorStore) -> JSON:
    counts = _counts(list(store.files.values()))
    return {
        "id": store.id,
        "object": "vector_store",
        "created_at": store.created_at,
        "name": store.name,
        "usage_bytes": sum(file.usage_bytes for file in store.files.values()),
        "file_counts": counts,
        "status": "in_progress" if counts["in_progress"] else "completed",
        "expires_after": store.expires_after,
        "expires_at": None,
        "last_active_at": store.created_at,
        "metadata": store.metadata,
    }


def _counts(files: list[AttachedFile]) -> JSON:
    kinds = ("in_progress", "completed", "failed", "cancelled")
    counts: JSON = {kind: sum(file.status == kind for file in files) for kind in kinds}
    return counts | {"total": len(files)}


def _files_page(files: list[AttachedFile], request: Request) -> JSON:
    wanted = request.query.get("filter")
    return page([file.as_json() for file in files if wanted in (None, file.status)], request.query)


def _batch_files(store: VectorStore, batch_id: str) -> list[AttachedFile]:
    if batch_id not in store.batches:
        raise bad_request(f"No vector store file batch found with id '{batch_id}'.", "batch_id")
    return [store.files[file_id] for file_id in store.batches[batch_id] if file_id in store.files]


def _shown_batch(store: VectorStore, batch_id: str) -> JSON:
    counts = _counts(_batch_files(store, batch_id))
    return {
        "id": batch_id,
        "object": "vector_store.files_batch",
        "created_at": store.created_at,
        "vector_store_id": store.id,
        "status": "in_progress" if counts["in_progress"] else "completed",
        "file_counts": counts,
    }
