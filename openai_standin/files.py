"""`/v1/files`: upload, list, read, delete."""

from .errors import bad_request, missing, no_file
from .http import Answer, Request, json_answer
from .json_types import JSON
from .kept import forget_file, save_file, save_store
from .state import State, StoredFile, new_id, now

PURPOSES = ("assistants", "batch", "fine-tune", "vision", "user_data", "evals")


async def create(state: State, request: Request) -> Answer:
    fields, files = request.form()
    request.entry.note({**fields, "file": files["file"].filename if "file" in files else None})
    if "file" not in files:
        raise missing("file")
    if "purpose" not in fields:
        raise missing("purpose")
    if fields["purpose"] not in PURPOSES:
        raise bad_request(f"'{fields['purpose']}' is not one of {list(PURPOSES)} - 'purpose'", "purpose")
    upload = files["file"]
    stored = StoredFile(new_id("file-"), upload.filename, fields["purpose"], upload.content)
    if seconds := fields.get("expires_after[seconds]"):
        stored.expires_at = now() + whole_number(seconds, "expires_after[seconds]")
    state.files[stored.id] = stored
    save_file(state, stored)
    return json_answer(stored.as_json())


async def list_all(state: State, request: Request) -> Answer:
    purpose = request.query.get("purpose")
    shown = [file.as_json() for file in state.files.values() if purpose in (None, file.purpose)]
    return json_answer(page(shown, request.query))


async def retrieve(state: State, request: Request, file_id: str) -> Answer:
    return json_answer(find(state, file_id).as_json())


async def content(state: State, request: Request, file_id: str) -> Answer:
    return Answer(find(state, file_id).content, content_type="application/octet-stream")


async def delete(state: State, request: Request, file_id: str) -> Answer:
    """Forget a file, also in every vector store that holds it."""
    find(state, file_id)
    del state.files[file_id]
    for store in state.vector_stores.values():
        if store.files.pop(file_id, None):
            save_store(state, store)
    forget_file(state, file_id)
    return json_answer({"id": file_id, "object": "file", "deleted": True})


def find(state: State, file_id: str) -> StoredFile:
    if file_id not in state.files:
        raise no_file(file_id)
    return state.files[file_id]


def whole_number(text: str, param: str) -> int:
    if not text.isdecimal():
        raise bad_request(f"Invalid type for '{param}': expected an integer.", param, "invalid_type")
    return int(text)


def page(rows: list[JSON], query: dict[str, str]) -> JSON:
    """One page of rows which stand oldest first; OpenAI lists the newest first unless asked otherwise."""
    ordered = rows if query.get("order") == "asc" else rows[::-1]
    ids = [row["id"] for row in ordered]
    if (after := query.get("after")) in ids:
        ordered = ordered[ids.index(after) + 1 :]
    if (before := query.get("before")) in ids:
        ordered = ordered[: ids.index(before)]
    limit = whole_number(query.get("limit", "20"), "limit")
    shown = ordered[:limit]
    return {
        "object": "list",
        "data": list(shown),
        "first_id": shown[0]["id"] if shown else None,
        "last_id": shown[-1]["id"] if shown else None,
        "has_more": len(ordered) > limit,
    }
