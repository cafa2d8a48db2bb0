"""`/v1/vector_stores`: stores, their files, batches, and the search that this API and `file_search` share."""

from ..http.errors import bad_request, missing_parameter, vector_store_file_not_found, vector_store_not_found
from ..http.json_types import JSON, JSONValue, as_number, as_object, as_text, objects, texts
from ..http.messages import HTTPResponse, Request, json_response
from ..search.indexing import start_indexing
from ..search.text_search import matches_filter, rank
from ..storage.persistence import remove_saved_store, save_store
from ..storage.state import StandinState, VectorStore, VectorStoreFile, new_id
from .files import get_file as find_file
from .files import paginate

DEFAULT_CHUNKING: JSON = {"type": "static", "static": {"max_chunk_size_tokens": 800, "chunk_overlap_tokens": 400}}
POLL_AFTER_MS = "100"


async def create(state: StandinState, request: Request) -> HTTPResponse:
    body = request.json()
    expires_after = as_object(body.get("expires_after")) or None
    store = VectorStore(new_id("vs_"), as_text(body.get("name")), as_object(body.get("metadata")), expires_after)
    for file_id in texts(body.get("file_ids")):
        find_file(state, file_id)
    state.vector_stores[store.id] = store
    for file_id in texts(body.get("file_ids")):
        attach_file(state, store, {"file_id": file_id}, request.fault)
    save_store(state, store)
    return json_response(store_as_json(store))


async def list_all(state: StandinState, request: Request) -> HTTPResponse:
    return json_response(paginate([store_as_json(store) for store in state.vector_stores.values()], request.query))


async def retrieve(state: StandinState, request: Request, store_id: str) -> HTTPResponse:
    store = store_as_json(get_store(state, store_id))
    return json_response(store | {"status": "expired"} if request.fault.get("expired") else store)


async def update(state: StandinState, request: Request, store_id: str) -> HTTPResponse:
    store, body = get_store(state, store_id), request.json()
    store.name = as_text(body.get("name", store.name))
    store.metadata = as_object(body.get("metadata", store.metadata))
    store.expires_after = as_object(body.get("expires_after", store.expires_after)) or None
    save_store(state, store)
    return json_response(store_as_json(store))


async def delete(state: StandinState, request: Request, store_id: str) -> HTTPResponse:
    get_store(state, store_id)
    del state.vector_stores[store_id]
    remove_saved_store(state, store_id)
    return json_response({"id": store_id, "object": "vector_store.deleted", "deleted": True})


async def search(state: StandinState, request: Request, store_id: str) -> HTTPResponse:
    store, body = get_store(state, store_id), request.json()
    query = body.get("query")
    queries = [query] if isinstance(query, str) else texts(query)
    if not queries:
        raise missing_parameter("query")
    results: list[JSONValue] = [
        {**result, "content": [{"type": "text", "text": result.pop("text")}]}
        for result in ([] if request.fault.get("nothing") else find_passages(store, queries, body))
    ]
    return json_response(
        {
            "object": "vector_store.search_results.page",
            "search_query": list[JSONValue](queries),
            "data": results,
            "has_more": False,
            "next_page": None,
        }
    )


async def add_file(state: StandinState, request: Request, store_id: str) -> HTTPResponse:
    store, body = get_store(state, store_id), request.json()
    attached = attach_file(state, store, body, request.fault)
    save_store(state, store)
    return pollable_response(attached.as_json())


async def list_files(state: StandinState, request: Request, store_id: str) -> HTTPResponse:
    return json_response(_paginate_files(list(get_store(state, store_id).files.values()), request))


async def retrieve_file(state: StandinState, request: Request, store_id: str, file_id: str) -> HTTPResponse:
    return pollable_response(get_store_file(state, store_id, file_id).as_json())


async def update_file(state: StandinState, request: Request, store_id: str, file_id: str) -> HTTPResponse:
    attached = get_store_file(state, store_id, file_id)
    attached.attributes = as_object(request.json().get("attributes"))
    save_store(state, get_store(state, store_id))
    return json_response(attached.as_json())


async def remove_file(state: StandinState, request: Request, store_id: str, file_id: str) -> HTTPResponse:
    """Detach a file from the store; the File object itself stays."""
    store = get_store(state, store_id)
    get_store_file(state, store_id, file_id)
    del store.files[file_id]
    save_store(state, store)
    return json_response({"id": file_id, "object": "vector_store.file.deleted", "deleted": True})


async def file_content(state: StandinState, request: Request, store_id: str, file_id: str) -> HTTPResponse:
    attached = get_store_file(state, store_id, file_id)
    content: list[JSONValue] = [{"type": "text", "text": chunk} for chunk in attached.chunks]
    return json_response(
        {"object": "vector_store.file_content.page", "data": content, "has_more": False, "next_page": None}
    )


async def create_batch(state: StandinState, request: Request, store_id: str) -> HTTPResponse:
    store, body = get_store(state, store_id), request.json()
    wanted = objects(body.get("files")) or [{**body, "file_id": file_id} for file_id in texts(body.get("file_ids"))]
    attached = [attach_file(state, store, file, request.fault) for file in wanted]
    batch_id = new_id("vsfb_")
    store.batches[batch_id] = [file.id for file in attached]
    save_store(state, store)
    return pollable_response(_batch_as_json(store, batch_id))


async def retrieve_batch(state: StandinState, request: Request, store_id: str, batch_id: str) -> HTTPResponse:
    return pollable_response(_batch_as_json(get_store(state, store_id), batch_id))


async def list_batch_files(state: StandinState, request: Request, store_id: str, batch_id: str) -> HTTPResponse:
    return json_response(_paginate_files(_batch_files(get_store(state, store_id), batch_id), request))


def pollable_response(body: JSON) -> HTTPResponse:
    """Return a response whose header tells the SDK when to poll again."""
    answer = json_response(body)
    answer.headers["openai-poll-after-ms"] = POLL_AFTER_MS
    return answer


def attach_file(state: StandinState, store: VectorStore, wanted: JSON, fault: JSON) -> VectorStoreFile:
    """Attach a file to a store and start indexing it. The calling endpoint saves the store."""
    if not as_text(wanted.get("file_id")):
        raise missing_parameter("file_id")
    file = find_file(state, as_text(wanted.get("file_id")))
    chunking = as_object(wanted.get("chunking_strategy"))
    chosen = chunking if chunking.get("type") == "static" else DEFAULT_CHUNKING
    attached = VectorStoreFile(file.id, store.id, file.filename, as_object(wanted.get("attributes")), chosen)
    store.files[file.id] = attached
    lag = as_number(fault["lag"], 0) if "lag" in fault else None
    start_indexing(state, store, attached, must_fail=bool(fault.get("failed")), lag=lag)
    return attached


def find_passages(store: VectorStore, queries: list[str], options: JSON) -> list[JSON]:
    """Return the best chunks over all queries, each once, as `file_search` results."""
    limit = int(as_number(options.get("max_num_results"), 10))
    if not 1 <= limit <= 50:
        raise bad_request("'max_num_results' must be between 1 and 50.", "max_num_results")
    threshold = as_number(as_object(options.get("ranking_options")).get("score_threshold"), 0)
    condition = as_object(options.get("filters"))
    files = [file for file in store.files.values() if not condition or matches_filter(file.attributes, condition)]
    passages = [(file, chunk) for file in files for chunk in file.chunks]
    present = [found for file in files for found in file.chunk_words]
    best: dict[int, float] = {}
    for query in queries:
        for score, index in rank(query, present):
            best[index] = max(score, best.get(index, 0))
    ordered = sorted(((score, -index) for index, score in best.items() if score >= threshold), reverse=True)
    return [_search_result(*passages[-index], score) for score, index in ordered[:limit]]


def _search_result(file: VectorStoreFile, chunk: str, score: float) -> JSON:
    return {
        "file_id": file.id,
        "filename": file.filename,
        "score": round(score, 4),
        "attributes": file.attributes,
        "text": chunk,
    }


def get_store(state: StandinState, store_id: str) -> VectorStore:
    if store_id not in state.vector_stores:
        raise vector_store_not_found(store_id)
    return state.vector_stores[store_id]


def get_store_file(state: StandinState, store_id: str, file_id: str) -> VectorStoreFile:
    store = get_store(state, store_id)
    if file_id not in store.files:
        raise vector_store_file_not_found(file_id, store_id)
    return store.files[file_id]


def store_as_json(store: VectorStore) -> JSON:
    counts = _file_counts(list(store.files.values()))
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


def _file_counts(files: list[VectorStoreFile]) -> JSON:
    kinds = ("in_progress", "completed", "failed", "cancelled")
    counts: JSON = {kind: sum(file.status == kind for file in files) for kind in kinds}
    return counts | {"total": len(files)}


def _paginate_files(files: list[VectorStoreFile], request: Request) -> JSON:
    wanted = request.query.get("filter")
    return paginate([file.as_json() for file in files if wanted in (None, file.status)], request.query)


def _batch_files(store: VectorStore, batch_id: str) -> list[VectorStoreFile]:
    if batch_id not in store.batches:
        raise bad_request(f"No vector store file batch found with id '{batch_id}'.", "batch_id")
    return [store.files[file_id] for file_id in store.batches[batch_id] if file_id in store.files]


def _batch_as_json(store: VectorStore, batch_id: str) -> JSON:
    counts = _file_counts(_batch_files(store, batch_id))
    return {
        "id": batch_id,
        "object": "vector_store.files_batch",
        "created_at": store.created_at,
        "vector_store_id": store.id,
        "status": "in_progress" if counts["in_progress"] else "completed",
        "file_counts": counts,
    }
