from types import SimpleNamespace

import pytest
from django.db import connection
from django.http import HttpResponse, StreamingHttpResponse
from django.test import RequestFactory

from config.celery import build_app
from config.middleware import connections
from config.middleware.connections import BUFFERED_BYTES, connection_release_middleware


@pytest.fixture
def released(monkeypatch) -> list[bool]:
    """Return a list with an entry for each released connection."""
    calls: list[bool] = []
    monkeypatch.setattr(connections, "release_connection", lambda: calls.append(True))
    return calls


LONG, SHORT = HttpResponse(b"x" * BUFFERED_BYTES), HttpResponse(b"x")


@pytest.mark.parametrize(("response", "count"), [(LONG, 1), (SHORT, 0), (StreamingHttpResponse([b"x"]), 1)])
def test_connection_of_a_long_response_is_released_before_it_is_sent(released, response, count):
    sent = connection_release_middleware(lambda request: response)(RequestFactory().get("/"))

    assert (sent, len(released)) == (response, count)


@pytest.mark.parametrize(("response", "count"), [(LONG, 1), (SHORT, 0)])
async def test_connection_is_released_under_asgi(released, response, count):
    async def view(request: object) -> HttpResponse:
        return response

    sent = await connection_release_middleware(view)(RequestFactory().get("/"))

    assert (sent, len(released)) == (response, count)


def test_connection_is_released_outside_all_other_middleware(settings):
    """A middleware further out could use the database after the connection was released."""
    assert settings.MIDDLEWARE[0] == "config.middleware.connections.connection_release_middleware"


@pytest.mark.django_db(transaction=True)
def test_tasks_of_a_forked_worker_share_the_pool_of_their_process():
    if connection.vendor != "postgresql":
        pytest.skip("only PostgreSQL has a pool")
    # A process that Celery forked has the fixup of the app, which runs around each task.
    fixup = build_app()._fixups[0].worker_fixup
    fixup.worker = SimpleNamespace(pool_cls="prefork")
    connection.ensure_connection()  # opens the pool
    pool = connection.pool

    fixup.close_database()

    assert (connection.connection, connection.pool is pool, pool.closed) == (None, True, False)
