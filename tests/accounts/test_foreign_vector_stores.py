"""Vector stores at servers other than OpenAI's: every answer is our own error, and nothing counts as missing."""

from uuid import uuid4

import pytest

from accounts.procedures.openai_vector_store import VectorStoreClient, build_procedures_client
from ai import AIUnavailableError
from tests.support.foreign_server import PreparedAnswer, foreign_server

STORE, FILE = "vs_1", "file_1"
CALLS = {
    "has_store": lambda store: store.has_store(STORE),
    "ensure_store": lambda store: store.ensure_store(STORE, uuid4()),
    "verify_file": lambda store: store.verify_file(STORE, FILE, uuid4()),
    "attach": lambda store: store.attach(STORE, FILE, uuid4()),
    "list_stores": lambda store: list(store.list_stores()),
    "list_files": lambda store: list(store.list_files()),
    "list_store_files": lambda store: store.list_store_files(STORE),
}
ANSWERS = [
    PreparedAnswer("<html>Log in</html>"),
    PreparedAnswer("<html>Not found</html>", 404),
    PreparedAnswer({"detail": "Not Found"}, 404),
    PreparedAnswer({"error": {"message": "Invalid URL (GET /v1/vector_stores/vs_1)", "code": None}}, 404),
    PreparedAnswer({"error": "Unexpected endpoint or method."}, 405),
    PreparedAnswer({"error": {"message": "Overloaded"}}),
    PreparedAnswer({"object": "list", "data": None}),
    PreparedAnswer("null", headers={"Content-Type": "application/json"}),
]


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("call", CALLS)
def test_answer_of_a_server_without_vector_stores_is_our_error(settings, call, answer):
    with foreign_server() as server:
        settings.OPENAI_BASE_URL = server.base_url
        for path in ("vector_stores", f"vector_stores/{STORE}", f"vector_stores/{STORE}/files", "files"):
            server.prepare(f"GET /v1/{path}", answer)
            server.prepare(f"POST /v1/{path}", answer)
        server.prepare(f"GET /v1/vector_stores/{STORE}/files/{FILE}", answer)

        with build_procedures_client() as client, pytest.raises(AIUnavailableError) as caught:
            CALLS[call](VectorStoreClient(client))

    assert not caught.value.missing
