import socket
import threading

import pytest

from ai.models_check import ModelsCheck, check_models, judge_models, request_models
from tests.support.fixtures import *  # noqa: F403
from tests.support.foreign_server import PreparedAnswer, foreign_server

MODELS = "GET /v1/models"


@pytest.fixture
def server(settings):
    with foreign_server() as server:
        settings.OPENAI_BASE_URL, settings.OPENAI_API_KEY = server.base_url, "sk-of-settings"
        yield server


def test_request_models_sends_the_key_and_accepts_a_list(server):
    server.prepare(MODELS, PreparedAnswer({"object": "list", "data": [{"id": "m"}]}))

    assert request_models() is None
    assert [headers["authorization"] for _, headers, _ in server.requests] == ["Bearer sk-of-settings"]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (PreparedAnswer("<html>Log in</html>"), "something other than JSON"),
        (PreparedAnswer("<html></html>", headers={"Content-Type": "application/json"}), "something other than JSON"),
        (PreparedAnswer(""), "something other than JSON"),
        (PreparedAnswer({"status": "ok"}), "without a list"),
        (PreparedAnswer([]), "without a list"),
        (PreparedAnswer({"object": "list", "data": None}), "without a list"),
        (PreparedAnswer({"data": []}), "has no models"),
        (PreparedAnswer({"data": [None, {"id": None}]}), "has no models"),
        (PreparedAnswer({"error": {"code": "invalid_api_key"}}, 401), "rejected the API key"),
        (PreparedAnswer({"error": {}}, 403), "does not allow the API key"),
        (PreparedAnswer("not here", 404), "no list of models"),
        (PreparedAnswer("<html>Bad gateway</html>", 502), "http_502"),
        (PreparedAnswer({"error": "overloaded"}, 503), "http_503"),
        (PreparedAnswer({"error": {"code": 500}}, 500), "http_500"),
    ],
)
def test_request_models_gives_a_reason_for_any_other_answer(server, answer, reason):
    server.prepare(MODELS, answer)

    found = request_models()

    assert found is not None and reason in found
    assert "127.0.0.1" not in found and "sk-of" not in found


def test_request_models_without_a_server_says_unreachable():
    assert request_models() == "OpenAI did not list its models: unreachable"


def test_judge_models_survives_deep_nesting():
    assert judge_models(b"[" * 100_000) is not None


def test_stand_in_rejects_its_invalid_key(standin, settings):
    assert request_models() is None

    settings.OPENAI_API_KEY = "sk-invalid"

    assert request_models() == "OpenAI rejected the API key"


def test_models_check_reuses_a_result_for_60_seconds(settings):
    now, asked = [1000.0], []

    def request():
        asked.append(now[0])
        return f"reason {len(asked)}"

    check = ModelsCheck(request, clock=lambda: now[0])

    reasons = []
    for moment in (1000.0, 1059.0, 1060.5):
        now[0] = moment
        reasons.append(check.reason())
    settings.OPENAI_API_KEY = "sk-replaced"

    assert (*reasons, check.reason()) == ("reason 1", "reason 1", "reason 2", "reason 3")
    assert asked == [1000.0, 1060.5, 1060.5]


def test_models_check_of_many_threads_asks_once():
    started, release, asked = threading.Event(), threading.Event(), []

    def request():
        asked.append(1)
        started.set()
        release.wait(60)

    check = ModelsCheck(request)
    reasons = []
    threads = [threading.Thread(target=lambda: reasons.append(check.reason())) for _ in range(5)]

    for thread in threads:
        thread.start()
    assert started.wait(60)
    release.set()
    for thread in threads:
        thread.join()

    assert (reasons, asked) == ([None] * 5, [1])


def test_models_check_turns_a_bug_into_a_reason():
    def request():
        raise KeyError("ours")

    assert ModelsCheck(request).reason() == "The check of OpenAI failed: KeyError"


def test_check_models_gives_up_on_a_server_that_never_answers(settings, monkeypatch):
    monkeypatch.setattr("ai.models_check._DEADLINE", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.OPENAI_BASE_URL = f"http://127.0.0.1:{silent.getsockname()[1]}/v1"

        reason = check_models()

    assert reason in {"OpenAI did not list its models within 0.1 s", "OpenAI did not list its models: timeout"}


def test_models_check_answers_while_its_request_hangs(monkeypatch):
    monkeypatch.setattr("ai.models_check._DEADLINE", 0.01)
    release = threading.Event()
    check = ModelsCheck(lambda: str(release.wait(60)))

    reasons = [check.reason(), check.reason()]
    release.set()

    assert reasons == ["OpenAI did not list its models within 0.01 s"] * 2
