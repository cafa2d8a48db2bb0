"""Headers of every response: pages, API, admin, static files, errors, and the gateway."""

import asyncio
import logging
import re
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from typing import Any
from unittest.mock import Mock
from uuid import uuid4

import pytest
from asgiref.sync import async_to_sync
from django.core.signals import request_finished, request_started
from django.db import OperationalError, close_old_connections
from django.test import override_settings

from accounts.web.response_policies import build_content_policy, build_feature_policy, response_headers
from config.asgi import build_application
from config.gateway.asgi import GatewayApplication
from config.log_formatter import IdFormatter
from config.middleware.cross_origin import cross_origin_headers
from config.middleware.response_headers import ResponseHeadersMiddleware
from tests.support.asgi import AsgiExchange
from tests.support.fixtures import *  # noqa: F403
from tests.support.fixtures import client_of
from tests.support.urls import site_routes

POLICIES = (
    "content-security-policy",
    "permissions-policy",
    "referrer-policy",
    "x-content-type-options",
    "x-frame-options",
    "cross-origin-opener-policy",
    "cross-origin-resource-policy",
    "cache-control",
    "x-request-id",
)
STRICT = build_content_policy()
# The same for everyone. The service worker is checked for changes each time, because it decides what is kept.
KEPT_BY_BROWSERS = {"/texts.js", "/manifest.webmanifest", "/robots.txt", "/favicon.ico", "/service-worker.js"}


@pytest.fixture(autouse=True)
def kept_connection() -> Iterator[None]:
    """Keep the connection of the test's transaction, which Django closes between requests."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def login_header(user: Any) -> tuple[bytes, bytes]:
    """Return the cookies of a new session."""
    cookies = "; ".join(f"{name}={morsel.value}" for name, morsel in client_of(user).cookies.items())
    return b"cookie", cookies.encode()


def exchange_for(path: str, user: Any = None, headers: Any = (), **options: Any) -> AsgiExchange:
    if user:
        headers = [*headers, login_header(user)]
    return AsgiExchange([b""], path, headers=headers, **{"method": "GET"} | options)


def answer(app: Any, exchange: AsgiExchange) -> tuple[int, dict[str, str]]:
    """Return the status and the headers. Each header may occur once."""

    async def receive() -> Any:
        # Django waits for a disconnect while the view runs.
        return await (exchange.receive() if exchange.left else asyncio.Event().wait())

    async_to_sync(app)(exchange.scope, receive, exchange.send)
    sent = [(name.decode().lower(), value.decode()) for name, value in exchange.sent[0]["headers"]]
    repeated = {name for name, _ in sent if name != "set-cookie" and [other for other, _ in sent].count(name) > 1}
    assert repeated == set(), exchange.scope["path"]
    return exchange.status, dict(sent)


def test_every_route_sends_the_policies(db, supervisor):
    app, wrong, statuses = build_application(), {}, set()
    login = [login_header(supervisor)]
    for route in site_routes():
        path = re.sub(r"<uuid:\w+>", str(uuid4()), route.path)
        path = re.sub(r"<[^>]+>|\(\?P.*", "x", path).replace("^", "").replace("$", "")
        for sent in ([], login):
            status, headers = answer(app, exchange_for(path, headers=sent))
            statuses.add(status)
            if missing := [name for name in POLICIES if name not in headers]:
                wrong[path, status] = missing
            if "unsafe" in headers["content-security-policy"]:
                wrong[path, status] = headers["content-security-policy"]
            if "no-store" not in headers["cache-control"] and path not in KEPT_BY_BROWSERS:
                wrong[path, status] = headers["cache-control"]

    assert wrong == {}
    assert {200, 302, 403, 404, 405} <= statuses
    # No route has ended the session.
    assert answer(app, exchange_for("/team/", headers=login))[0] == 200


class FailingApp:
    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        raise RuntimeError("not handled")


@pytest.mark.parametrize(
    ("path", "status", "options"),
    [
        ("/account/login/", 200, {}),
        ("/nothing-here/", 404, {}),
        ("/static/nothing.css", 404, {}),
        ("/", 400, {"host": "elsewhere.example.org"}),
        ("/", 413, {"method": "POST", "length": str(10**9)}),
        ("/", 411, {"method": "POST", "headers": [(b"transfer-encoding", b"chunked")]}),
        ("/health/", 200, {}),
        ("/ready", 200, {}),
        ("/api/sessions/", 413, {"method": "POST", "length": str(10**9)}),
        ("/account/login/", 403, {"method": "POST", "length": "0"}),
    ],
)
def test_responses_outside_the_views_send_the_policies(transactional_db, monkeypatch, path, status, options):
    monkeypatch.setattr("config.health.check_models", lambda: None)

    answered, headers = answer(build_application(), exchange_for(path, **options))

    assert answered == status
    assert {name: headers.get(name) for name in POLICIES} == {name: headers.get(name) or "missing" for name in POLICIES}
    assert "no-store" in headers["cache-control"]


def test_an_error_of_a_view_sends_the_policies(db, supervisor, monkeypatch):
    for error, status in ((RuntimeError("no"), 500), (OperationalError("no connection"), 503)):
        monkeypatch.setattr("evaluation.views.team.render", Mock(side_effect=error))

        answered, headers = answer(build_application(), exchange_for("/team/", supervisor))

        assert (answered, headers["cache-control"], headers["content-security-policy"]) == (status, "no-store", STRICT)


def test_an_error_that_nothing_handles_is_a_response_with_the_requests_id():
    app = ResponseHeadersMiddleware(FailingApp(), response_headers())
    exchange = exchange_for("/api/sessions/", headers=[(b"x-request-id", b"from-the-proxy-1")])

    status, headers = answer(app, exchange)

    assert (status, headers["x-request-id"], headers["content-security-policy"]) == (500, "from-the-proxy-1", STRICT)
    assert b'"request_id":"from-the-proxy-1"' in exchange.body


def test_static_files_may_be_kept_and_texts_too(db):
    for path in ("/static/site/frame.css", "/texts.js"):
        status, headers = answer(build_application(), exchange_for(path))

        assert status == 200
        assert headers["cache-control"].startswith(("max-age=", "public"))
        assert headers["content-security-policy"] == STRICT


def test_only_the_pages_of_calls_may_use_the_microphone(db, counselor, supervisor, phone_assignment, chat_assignment):
    gateway = build_content_policy(connect_src="ws://127.0.0.1:8001")
    pages = {
        f"/training/voice/{phone_assignment.pk}/": counselor,
        "/training/voice/free/": counselor,
        f"/training/voice/trial/{phone_assignment.scenario_id}/": supervisor,
        f"/training/chat/{chat_assignment.pk}/": counselor,
        "/training/chat/free/": counselor,
        "/": counselor,
    }

    answers = {path: answer(build_application(), exchange_for(path, user)) for path, user in pages.items()}

    assert {status for status, _ in answers.values()} == {200}
    for path, (_, headers) in answers.items():
        is_call = "/voice/" in path
        assert headers["permissions-policy"] == build_feature_policy(*["microphone"] * is_call), path
        assert headers["content-security-policy"] == (gateway if is_call else STRICT), path


def test_gateway_sends_the_policies_with_answers_and_refused_handshakes():
    app = GatewayApplication()
    page = exchange_for("/")
    handshake = exchange_for("/ws/nothing/")
    handshake.scope |= {"type": "websocket", "subprotocols": [], "extensions": {"websocket.http.response": {}}}

    answers = [answer(app, page), answer(app, handshake)]

    assert [status for status, _ in answers] == [404, 403]
    for _, headers in answers:
        assert [name for name in POLICIES if name not in headers] == []


def test_page_of_the_gateway_leads_to_the_web_server_under_a_policy_of_its_own(settings):
    exchange = exchange_for("/anything/", headers=[(b"accept", b"text/html,*/*")])

    status, headers = answer(GatewayApplication(), exchange)

    body = exchange.body.decode()
    style = re.search("<style>(.*)</style>", body, re.DOTALL)
    digest = b64encode(sha256(style[1].encode()).digest()).decode()
    assert status == 404
    assert f"style-src 'sha256-{digest}'" in headers["content-security-policy"]
    assert f'href="{settings.WEB_ORIGINS[0]}"' in body
    assert "unsafe" not in headers["content-security-policy"]


@pytest.mark.parametrize("sent", ["", "short", "x" * 101, "new\tline-in-it", "ünicode-id"])
def test_invalid_request_ids_are_replaced(db, sent):
    request_id = answer(build_application(), exchange_for("/nothing/", headers=[(b"x-request-id", sent.encode())]))[1][
        "x-request-id"
    ]

    assert re.fullmatch("[0-9a-f]{32}", request_id)


def test_log_lines_name_the_request(db):
    lines: list[str] = []

    async def log_something(scope: Any, receive: Any, send: Any) -> None:
        lines.append(IdFormatter().format(logging.makeLogRecord({"msg": "Saved", "levelname": "INFO", "name": "x"})))
        await send({"type": "http.response.start", "status": 200, "headers": []})

    app = ResponseHeadersMiddleware(log_something, {})

    answer(app, exchange_for("/", headers=[(b"x-request-id", b"from-the-proxy-2")]))

    assert [line[line.index("[") :] for line in lines] == ["[request_id=from-the-proxy-2]"]


@override_settings(SECURE_HSTS_SECONDS=60, SECURE_HSTS_INCLUDE_SUBDOMAINS=True, SECURE_HSTS_PRELOAD=False)
def test_https_is_remembered_with_every_response():
    assert response_headers()["Strict-Transport-Security"] == "max-age=60; includeSubDomains"


@pytest.mark.parametrize(
    ("path", "origin", "allowed"),
    [
        ("/api/sessions/", "https://lms.example.org", "https://lms.example.org"),
        ("/api/sessions/", "https://lms.example.org.evil.example", None),
        ("/api/sessions/", "null", None),
        ("/account/login/", "https://lms.example.org", None),
    ],
)
def test_other_sites_may_call_only_the_api_and_only_with_a_setting(db, settings, path, origin, allowed):
    request = exchange_for(path, headers=[(b"origin", origin.encode())])
    settings.CORS_ALLOWED_ORIGINS = []
    _, before = answer(build_application(), request)
    settings.CORS_ALLOWED_ORIGINS = ["https://lms.example.org"]

    _, headers = answer(build_application(), exchange_for(path, headers=[(b"origin", origin.encode())]))

    assert "access-control-allow-origin" not in before
    assert headers.get("access-control-allow-origin") == allowed
    assert "access-control-allow-credentials" not in headers


def test_preflight_request_names_the_headers_of_the_api(db, settings):
    settings.CORS_ALLOWED_ORIGINS = ["https://lms.example.org"]
    asked = [(b"origin", b"https://lms.example.org"), (b"access-control-request-method", b"POST")]

    status, headers = answer(build_application(), exchange_for("/api/sessions/", headers=asked, method="OPTIONS"))

    assert status == 200
    assert {"authorization", "idempotency-key", "prefer"} <= set(headers["access-control-allow-headers"].split(", "))


FOREIGN = "https://lms.example.org"


@pytest.fixture
def allowed_site(settings) -> None:
    settings.CORS_ALLOWED_ORIGINS = [FOREIGN]


def read_as_foreign_script(app: Any, origin: str, exchange: AsgiExchange) -> tuple[int, str | None, bool]:
    """Return the status, the origin that may read the response, and whether its headers may be read, too."""
    exchange.scope["headers"].append((b"origin", origin.encode()))
    status, headers = answer(app, exchange)
    readable = headers.get("access-control-expose-headers", "").split(", ")
    return status, headers.get("access-control-allow-origin"), {"Retry-After", "X-Request-ID"} <= set(readable)


class StalledExchange(AsgiExchange):
    """Request that never sends its body."""

    async def receive(self) -> Any:
        await asyncio.Event().wait()


def large_body(**options: Any) -> AsgiExchange:
    return AsgiExchange([b"x" * 70_000], "/api/accounts/", "70000", **options)


def unread(path: str, length: str = "1", **options: Any) -> AsgiExchange:
    return AsgiExchange([b"x"], path, length, **options)


REFUSALS: dict[str, tuple[int, dict[str, Any], Any]] = {
    "no length": (411, {}, lambda: AsgiExchange([b""], "/api/flags/", headers=[(b"transfer-encoding", b"chunked")])),
    "too large": (413, {}, lambda: unread("/api/flags/", str(10**9))),
    "larger than said": (413, {"BODY_LIMIT": 3}, lambda: AsgiExchange([b"x" * 9], "/api/flags/", "2")),
    "large, of nobody": (401, {}, large_body),
    "too slow": (408, {"BODY_TIMEOUT": 0.01}, lambda: StalledExchange([b"x"], "/api/flags/", "1")),
    "bodies of an address": (429, {"BODIES_PER_ADDRESS": 0}, lambda: unread("/api/flags/")),
    "bodies of all": (503, {"BODIES_PER_PROCESS": 0}, lambda: unread("/api/flags/")),
    "requests of an address": (429, {"REQUESTS_PER_ADDRESS": 0}, lambda: exchange_for("/api/flags/")),
    "requests of all": (503, {"REQUESTS_PER_PROCESS": 0}, lambda: exchange_for("/api/flags/")),
    "other host": (400, {}, lambda: exchange_for("/api/flags/", host="elsewhere.example.org")),
    "unknown address": (404, {}, lambda: exchange_for("/api/nothing/")),
    "no login": (401, {}, lambda: exchange_for("/api/flags/")),
}


@pytest.mark.parametrize("kind", REFUSALS)
def test_refusal_of_any_layer_is_readable_for_an_allowed_site_only(db, settings, allowed_site, kind):
    status, changes, build = REFUSALS[kind]
    for name, value in changes.items():
        setattr(settings, name, value)

    app = build_application()

    assert read_as_foreign_script(app, FOREIGN, build()) == (status, FOREIGN, True)
    assert read_as_foreign_script(app, "https://evil.example", build()) == (status, None, False)


def test_refusal_of_a_large_body_without_permission_is_readable_for_an_allowed_site_only(
    transactional_db, counselor, allowed_site
):
    login = [(b"cookie", f"sessionid={client_of(counselor).cookies['sessionid'].value}".encode())]

    app = build_application()

    assert read_as_foreign_script(app, FOREIGN, large_body(headers=login)) == (403, FOREIGN, True)
    assert read_as_foreign_script(app, "https://evil.example", large_body(headers=login)) == (403, None, False)


def test_refusal_without_a_database_is_readable_for_an_allowed_site_only(allowed_site, monkeypatch):
    monkeypatch.setattr("config.asgi.BodyAdmissionMiddleware._find", Mock(side_effect=OperationalError("away")))
    token = [(b"authorization", b"Bearer some-token")]

    app = build_application()

    assert read_as_foreign_script(app, FOREIGN, large_body(headers=token)) == (503, FOREIGN, True)
    assert read_as_foreign_script(app, "https://evil.example", large_body(headers=token)) == (503, None, False)


def test_unhandled_error_is_readable_for_an_allowed_site_only(allowed_site):
    app = ResponseHeadersMiddleware(FailingApp(), response_headers(), cross_origin_headers)

    assert read_as_foreign_script(app, FOREIGN, exchange_for("/api/flags/")) == (500, FOREIGN, True)
    assert read_as_foreign_script(app, "https://evil.example", exchange_for("/api/flags/")) == (500, None, False)


def test_preflight_request_is_answered_when_no_other_request_is(settings, allowed_site):
    settings.REQUESTS_PER_PROCESS = settings.BODIES_PER_PROCESS = 0
    asked = [(b"access-control-request-method", b"POST")]

    app = build_application()

    preflight = exchange_for("/api/flags/", headers=asked, method="OPTIONS")
    assert read_as_foreign_script(app, FOREIGN, preflight) == (200, FOREIGN, True)
    with_body = unread("/api/flags/", headers=asked, method="OPTIONS")
    assert read_as_foreign_script(app, FOREIGN, with_body) == (503, FOREIGN, True)


def test_responses_of_the_api_vary_by_origin_in_addition_to_other_headers(db, counselor):
    _, headers = answer(build_application(), exchange_for("/api/flags/", counselor))

    assert {"origin", "cookie"} <= set(headers["vary"].lower().split(", "))
