import asyncio
import json
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.conf import settings as django_settings
from django.core.asgi import get_asgi_application

from config.asgi import application
from config.middleware.body_limit import BodyLimitMiddleware
from scenarios.services.imports import MAX_BYTES
from tests.support.asgi import AsgiExchange, BodyReader
from tests.support.fixtures import *  # noqa: F403
from tests.support.fixtures import client_of


def limit_body(reader: BodyReader, drain_timeout: float = 10) -> BodyLimitMiddleware:
    return BodyLimitMiddleware(reader, {"/big/": 100}, 10, drain_timeout)


@pytest.mark.parametrize(("path", "size"), [("/", 10), ("/", 0), ("/big/", 100), ("/big/one/", 11), ("/bigger", 10)])
async def test_body_within_its_limit_passes(path, size):
    exchange = AsgiExchange([b"x" * size], path, str(size))

    await limit_body(BodyReader())(exchange.scope, exchange.receive, exchange.send)

    assert (exchange.status, exchange.body) == (200, str(size).encode())


async def test_body_with_a_length_over_its_limit_is_refused_unread():
    reader, exchange = BodyReader(), AsgiExchange([b"x" * 11], "/", "11")

    await limit_body(reader)(exchange.scope, exchange.receive, exchange.send)

    assert (exchange.status, exchange.taken, reader.was_called) == (413, 0, False)
    assert json.loads(exchange.body) == {
        "detail": "The request body is too large. The limit is 10 bytes.",
        "code": "too_large",
        "fields": {},
        "request_id": "",
    }


@pytest.mark.parametrize("length", [None, "5", "-1", "many"])
async def test_body_without_an_accurate_length_is_refused_at_its_limit(length):
    exchange = AsgiExchange([b"x" * 4] * 1000, "/", length)

    await limit_body(BodyReader())(exchange.scope, exchange.receive, exchange.send)

    assert (exchange.status, exchange.taken) == (413, 3)


BROWSERS_ACCEPT = "text/html,application/xhtml+xml,*/*;q=0.8"


@pytest.mark.parametrize("length", ["20", None, "5"])
async def test_browser_gets_an_error_page_after_its_body_was_read(length):
    exchange = AsgiExchange([b"x" * 4] * 5, "/", length, BROWSERS_ACCEPT)

    await limit_body(BodyReader())(exchange.scope, exchange.receive, exchange.send)

    assert (exchange.status, exchange.taken) == (413, 5)
    assert dict(exchange.sent[0]["headers"])[b"content-type"] == b"text/html; charset=utf-8"
    assert "<h1>Your upload is too large</h1>" in exchange.body.decode()


async def test_browser_body_that_exceeds_the_limit_in_its_last_part_is_answered_at_once():
    exchange = AsgiExchange([b"x" * 4] * 3, "/", None, BROWSERS_ACCEPT)

    await limit_body(BodyReader())(exchange.scope, exchange.receive, exchange.send)

    assert (exchange.status, exchange.taken) == (413, 3)


@pytest.mark.parametrize(("length", "taken"), [("4000", 0), ("20", 5), (None, 6), ("5", 6)])
async def test_browser_body_is_read_up_to_about_twice_the_limit(length, taken):
    exchange = AsgiExchange([b"x" * 4] * 1000, "/", length, BROWSERS_ACCEPT)

    await limit_body(BodyReader())(exchange.scope, exchange.receive, exchange.send)

    assert (exchange.status, exchange.taken) == (413, taken)


class StallingExchange(AsgiExchange):
    """Request that never sends its last part but keeps the connection open."""

    async def receive(self) -> dict[str, Any]:
        if self.left == 1:
            await asyncio.Event().wait()
        return await super().receive()


@pytest.mark.parametrize(("length", "taken"), [("16", 3), (None, 3)])
async def test_stalled_browser_is_answered_after_the_drain_timeout(length, taken):
    exchange = StallingExchange([b"x" * 4] * 4, "/", length, BROWSERS_ACCEPT)

    await limit_body(BodyReader(), drain_timeout=0.01)(exchange.scope, exchange.receive, exchange.send)

    assert (exchange.status, exchange.taken) == (413, taken)


@pytest.mark.parametrize(
    ("path", "size_limit"),
    [
        ("/admin/scenarios/importjob/add/", f"{MAX_BYTES // 1024**2} MB"),
        ("/admin/accounts/account/1/change/", "20 MB"),
        ("/", "1 MB"),
    ],
)
async def test_error_page_names_the_size_limit(path, size_limit):
    exchange = AsgiExchange([], path, str(1000 * 1024**2), BROWSERS_ACCEPT)

    await application(exchange.scope, exchange.receive, exchange.send)

    assert exchange.status == 413
    assert f"You can send up to {size_limit} here." in exchange.body.decode()


async def test_body_without_a_length_is_refused_with_411():
    reader, exchange = BodyReader(), AsgiExchange([b"{}"])
    exchange.scope["headers"].append((b"transfer-encoding", b"chunked"))

    await BodyLimitMiddleware(reader, {}, 100)(exchange.scope, exchange.receive, exchange.send)

    assert (exchange.status, json.loads(exchange.body)["code"]) == (411, "length_required")
    assert (reader.was_called, exchange.taken) == (False, 0)


async def test_other_protocols_pass_through():
    seen = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["type"])

    await BodyLimitMiddleware(app, {}, 0)({"type": "lifespan"}, None, None)  # type: ignore[arg-type]

    assert seen == ["lifespan"]


@pytest.mark.parametrize(("path", "limit"), [("/api/sessions/", 1024**2), ("/admin/", 21 * 1024**2)])
def test_site_refuses_a_large_chunked_body_before_any_view_runs(transactional_db, supervisor, path, limit):
    chunk = b"x" * (512 * 1024)
    cookie = f"sessionid={client_of(supervisor).cookies['sessionid'].value}".encode()
    exchange = AsgiExchange([chunk] * 200, path, headers=[(b"cookie", cookie)])

    async_to_sync(application)(exchange.scope, exchange.receive, exchange.send)

    assert (exchange.status, exchange.taken) == (413, limit // len(chunk) + 1)


def test_limits_fit_the_largest_uploads():
    limit = BodyLimitMiddleware(get_asgi_application(), django_settings.BODY_LIMITS, django_settings.BODY_LIMIT)

    assert limit.limit_for("/admin/accounts/account/1/change/") > 20 * 1024**2
    assert limit.limit_for("/api/accounts/1/") > 20 * 1024**2
    assert limit.limit_for("/api/sessions/") == limit.limit_for("/api/sessions/1/messages/") == 1024**2
    assert limit.limit_for("/api/sessions/1/documentation/") > 10 * 1024**2
