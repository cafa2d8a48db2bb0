"""`/v1/files`: upload, list, read, and delete."""

from ..http.errors import bad_request, file_not_found, missing_parameter
from ..http.json_types import JSON
from ..http.messages import HTTPResponse, Request, json_response
from ..storage.persistence import remove_saved_file, save_file, save_store
from ..storage.state import StandinState, StoredFile, new_id, unix_time

PURPOSES = ("assistants", "batch", "fine-tune", "vision", "user_data", "evals")


async def create(state: StandinState, request: Request) -> HTTPResponse:
    fields, files = request.form()
    request.log_entry.record_body({**fields, "file": files["file"].filename if "file" in files else None})
    if "file" not in files:
        raise missing_parameter("file")
    if "purpose" not in fields:
        raise missing_parameter("purpose")
    if fields["purpose"] not in PURPOSES:
        raise bad_request(f"'{fields['purpose']}' is not one of {list(PURPOSES)} - 'purpose'", "purpose")
    upload = files["file"]
    stored = StoredFile(new_id("file-"), upload.filename, fields["purpose"], upload.content)
    if seconds := fields.get("expires_after[seconds]"):
        stored.expires_at = unix_time() + parse_integer(seconds, "expires_after[seconds]")
    state.files[stored.id] = stored
    save_file(state, stored)
    return json_response(stored.as_json())


async def list_all(state: StandinState, request: Request) -> HTTPResponse:
    purpose = request.query.get("purpose")
    shown = [file.as_json() for file in state.files.values() if purpose in (None, file.purpose)]
    return json_response(paginate(shown, request.query))


async def retrieve(state: StandinState, request: Request, file_id: str) -> HTTPResponse:
    return json_response(get_file(state, file_id).as_json())


async def read_content(state: StandinState, request: Request, file_id: str) -> HTTPResponse:
    return HTTPResponse(get_file(state, file_id).content, content_type="application/octet-stream")


async def delete(state: StandinState, request: Request, file_id: str) -> HTTPResponse:
    """Delete a file and detach it from every vector store that holds it."""
    get_file(state, file_id)
    del state.files[file_id]
    for store in state.vector_stores.values():
        if store.files.pop(file_id, None):
            save_store(state, store)
    remove_saved_file(state, file_id)
    return json_response({"id": file_id, "object": "file", "deleted": True})


def get_file(state: StandinState, file_id: str) -> StoredFile:
    if file_id not in state.files:
        raise file_not_found(file_id)
    return state.files[file_id]


def parse_integer(text: str, param: str) -> int:
    if not text.isdecimal():
        raise bad_request(f"Invalid type for '{param}': expected an integer.", param, "invalid_type")
    return int(text)


def paginate(rows: list[JSON], query: dict[str, str]) -> JSON:
    """Return one page of rows given oldest first.

    Like OpenAI, list the newest first unless the query asks otherwise.
    """
    ordered = rows if query.get("order") == "asc" else rows[::-1]
    ids = [row["id"] for row in ordered]
    if (after := query.get("after")) in ids:
        ordered = ordered[ids.index(after) + 1 :]
    if (before := query.get("before")) in ids:
        ordered = ordered[: ids.index(before)]
    limit = parse_integer(query.get("limit", "20"), "limit")
    shown = ordered[:limit]
    return {
        "object": "list",
        "data": list(shown),
        "first_id": shown[0]["id"] if shown else None,
        "last_id": shown[-1]["id"] if shown else None,
        "has_more": len(ordered) > limit,
    }
