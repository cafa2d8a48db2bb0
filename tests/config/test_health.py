import asyncio
import json
import threading
from collections.abc import Iterator

import pytest
from django.db import DatabaseError

from accounts.models import Installation
from config import asgi, health, health_probes
from config.gateway import asgi as gateway_asgi
from config.health import Check, HealthEndpoints
from recordings.object_store import StoreUnavailableError
from recordings.storage import object_store
from tests.support.asgi import AsgiExchange
from tests.support.fixtures import *  # noqa: F403


@pytest.fixture(autouse=True)
def close_kept_connection() -> Iterator[None]:
    yield
    health_probes.check_database.close()


@pytest.fixture(autouse=True)
def ownership_reason(monkeypatch):
    """Set the reason that the check of ownership returns."""
    reasons: list[str | None] = [None]
    monkeypatch.setattr(health, "check_ownership", lambda: reasons[-1])
    return reasons.append


@pytest.fixture
def openai_reason(monkeypatch):
    """Set the reason that the check of OpenAI returns."""
    reasons: list[str | None] = [None]
    monkeypatch.setattr(health, "check_models", lambda: reasons[-1])
    return reasons.append


async def fetch(path: str, app: object = None, host: str = "testserver") -> tuple[int, dict[str, object]]:
    exchange = AsgiExchange([b""], path, host=host, method="GET")
    await (app or asgi.build_application())(exchange.scope, exchange.receive, exchange.send)
    return exchange.status, json.loads(exchange.body)


async def test_health_answers_with_version_and_uptime(settings):
    settings.VERSION = "2031-04-05"

    status, state = await fetch("/health/")

    assert (status, set(state)) == (200, {"status", "version", "uptime"})
    assert (state["status"], state["version"]) == ("ok", "2031-04-05")
    assert isinstance(state["uptime"], int) and state["uptime"] >= 0


@pytest.mark.parametrize("host", ["10.1.2.3:8000", "", "evil.example", "_"])
@pytest.mark.parametrize("path", ["/health/", "/ready/", "/health", "/ready"])
@pytest.mark.parametrize("server", [asgi, gateway_asgi])
async def test_probes_answer_any_host_on_both_servers(transactional_db, openai_reason, server, path, host):
    app = server.application if server is gateway_asgi else server.build_application()

    status, state = await fetch(path, app, host)

    assert (status, state["status"]) == (200, "ok")


async def test_ready_is_degraded_without_ownership_of_the_store(transactional_db, openai_reason, ownership_reason):
    ownership_reason("not the owner")

    status, state = await fetch("/ready/")

    assert (status, state["status"], state["reasons"]) == (200, "degraded", {"ownership": "not the owner"})


def test_database_that_names_no_installation_is_not_the_owner(transactional_db):
    Installation.objects.all().delete()

    reason = health_probes.check_ownership()

    assert reason is not None and "does not own" in reason


async def test_ready_reports_every_dependency(transactional_db, openai_reason):
    status, state = await fetch("/ready/")

    names = ("database", "broker", "storage", "ownership", "openai")
    assert (status, state) == (200, {"status": "ok"} | dict.fromkeys(names, "ok") | {"reasons": {}})


async def test_ready_with_a_rejected_key_is_degraded_with_its_reason(transactional_db, openai_reason):
    openai_reason("OpenAI rejected the API key")

    status, state = await fetch("/ready/")

    assert (status, state["status"], state["openai"]) == (200, "degraded", "degraded")
    assert state["reasons"] == {"openai": "OpenAI rejected the API key"}


async def test_ready_asks_openai_for_its_models(transactional_db, standin):
    _, state = await fetch("/ready/")

    assert state["openai"] == "ok"
    assert len(standin.logged_requests(path="/v1/models")) == 1


async def test_ready_without_a_writable_bucket_is_degraded(transactional_db, openai_reason, monkeypatch):
    def refuse(key: str, data: bytes) -> None:
        raise StoreUnavailableError("AccessDenied at 10.0.0.9")

    monkeypatch.setattr(object_store(), "put", refuse)

    status, state = await fetch("/ready/")

    assert (status, state["status"], state["reasons"]) == (200, "degraded", {"storage": "unreachable"})


async def test_ready_writes_an_object_at_most_once_a_minute(transactional_db, openai_reason, monkeypatch):
    store, keys = object_store(), []
    put = store.put
    monkeypatch.setattr(store, "put", lambda key, data: keys.append(key) or put(key, data))
    app = asgi.build_application()

    answers = [await fetch("/ready/", app) for _ in range(3)]

    assert [state["storage"] for _, state in answers] == ["ok"] * 3
    assert keys == [health_probes.MARKER_KEY]


async def test_ready_without_broker_is_degraded(transactional_db, openai_reason, monkeypatch):
    monkeypatch.setattr(health_probes.celery_app.conf, "broker_write_url", "redis://127.0.0.1:1/0")

    status, state = await fetch("/ready/")

    assert (status, state["status"], state["reasons"]) == (200, "degraded", {"broker": "unreachable"})


async def test_ready_without_database_is_unavailable(db, openai_reason, monkeypatch):
    def fail() -> None:
        raise DatabaseError("no route to db.internal:5432")

    monkeypatch.setattr(health_probes.check_database, "_select", fail)

    status, state = await fetch("/ready/")

    assert (status, state["status"], state["database"]) == (503, "unavailable", "degraded")
    assert state["reasons"] == {"database": "unreachable"}


def test_database_probe_replaces_a_kept_connection_that_was_closed(transactional_db):
    probe = health_probes.DatabaseProbe()
    first = probe()
    assert probe._connection
    probe._connection.connection.close()

    second = probe()

    assert (first, second) == (None, None)
    probe.close()


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """Yield an event that a blocked probe waits for, and let the probe end."""
    event = threading.Event()
    yield event
    event.set()


async def test_hanging_check_counts_as_failed_and_is_not_started_twice(gate):
    started = threading.Semaphore(0)

    def hang() -> None:
        started.release()
        gate.wait(60)

    check = Check(hang, max_age=0.0)

    reasons = await asyncio.gather(check.reason(0.01), check.reason(0.01))

    assert reasons == [health.NO_ANSWER] * 2
    assert [started.acquire(timeout=60), started.acquire(timeout=0.01)] == [True, False]


async def test_hanging_check_is_started_again_after_a_while(gate):
    now, started = [0.0], threading.Semaphore(0)

    def hang() -> None:
        started.release()
        gate.wait(60)

    check = Check(hang, max_age=0.0, clock=lambda: now[0])
    await check.reason(0.01)
    now[0] += health.ABANDONED_AFTER + 1

    await check.reason(0.01)

    assert [started.acquire(timeout=60), started.acquire(timeout=60)] == [True, True]


async def test_check_is_remembered_for_its_age():
    now, results = [0.0], iter(["broken", None])
    check = Check(lambda: next(results), max_age=60.0, clock=lambda: now[0])

    first, kept = await check.reason(), await check.reason()
    now[0] += 61.0

    assert (first, kept, await check.reason()) == ("broken", "broken", None)


async def test_checks_run_at_the_same_time(openai_reason):
    endpoints = HealthEndpoints(None)
    barrier = threading.Barrier(len(endpoints.checks), timeout=60)

    def meet() -> None:
        barrier.wait()

    endpoints.checks = {name: Check(meet, max_age=0.0) for name in endpoints.checks}

    status, state = await fetch("/ready/", endpoints)

    assert (status, state["status"]) == (200, "ok")


async def test_draining_server_is_not_ready():
    endpoints = HealthEndpoints(None, lambda: {"calls": 2}, lambda: True)

    status, state = await fetch("/ready/", endpoints)

    assert (status, state) == (503, {"status": "draining", "calls": 2})


@pytest.mark.parametrize(
    ("server", "path"),
    [
        (asgi, "/health/"),
        (asgi, "/ready/"),
        (gateway_asgi, "/health/"),
        (gateway_asgi, "/ready/"),
        (gateway_asgi, "/elsewhere/"),
    ],
)
async def test_no_body_is_read_for_a_probe_or_by_the_gateway(db, openai_reason, server, path):
    exchange = AsgiExchange([b"x" * 100] * 50, path, str(10**9))

    await server.application(exchange.scope, exchange.receive, exchange.send)

    assert exchange.taken == 0
    assert dict(exchange.sent[0]["headers"])[b"connection"] == b"close"


@pytest.mark.parametrize("path", ["/health/", "/ready/"])
async def test_probes_reveal_no_addresses(db, path):
    _, state = await fetch(path)

    body = json.dumps(state)
    assert "127.0.0.1" not in body and "sqlite" not in body and "django" not in body.lower()
