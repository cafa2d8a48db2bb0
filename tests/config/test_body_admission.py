import asyncio
import json
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db import OperationalError

from accounts.integrations.service_tokens import issue_service_token, revoke_service_token
from accounts.models import User
from accounts.web.senders import Credentials, find_sender
from config.middleware.body_admission import BodyAdmissionMiddleware, BodyRules
from config.middleware.request_limits import digest_credentials
from tests.support.asgi import AsgiExchange, BodyReader
from tests.support.fixtures import *  # noqa: F403
from tests.support.fixtures import client_of

COUNSELOR = User(pk=1, role=User.Role.COUNSELOR, email="counselor@example.org")
SUPERVISOR = User(pk=2, role=User.Role.SUPERVISOR, email="supervisor@example.org")
PEOPLE = {"counselor-key": COUNSELOR, "supervisor-key": SUPERVISOR}
RULES = {
    "small": 10,
    "timeout": 60.0,
    "min_rate": 1000,
    "small_per_address": 2,
    "small_per_process": 3,
    "large_per_person": 1,
    "large_per_process": 2,
    "permissions": {"/accounts/": "accounts.change_account"},
}


def admit(reader: Any, find: Any = None, **rules: Any) -> BodyAdmissionMiddleware:
    def find_known(credentials: Credentials) -> User | None:
        return PEOPLE.get(credentials.session_key or credentials.token)

    return BodyAdmissionMiddleware(reader, BodyRules(**(RULES | rules)), find_sender=find or find_known)


def with_cookie(key: str) -> list[tuple[bytes, bytes]]:
    return [(b"cookie", f"sessionid={key}".encode())]


def with_token(token: str) -> list[tuple[bytes, bytes]]:
    return [(b"authorization", f"Bearer {token}".encode())]


class StallingExchange(AsgiExchange):
    """Request that never sends its last part. `stalled` is set once the server waits for it."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.stalled = asyncio.Event()

    async def receive(self) -> dict[str, Any]:
        if self.left == 1:
            self.stalled.set()
            await asyncio.Event().wait()
        return await super().receive()


async def run(app: Any, exchange: AsgiExchange) -> AsgiExchange:
    await app(exchange.scope, exchange.receive, exchange.send)
    return exchange


def code_of(exchange: AsgiExchange) -> tuple[int, str]:
    return exchange.status, json.loads(exchange.body)["code"]


async def test_small_body_is_read_for_anybody():
    exchange = await run(admit(BodyReader()), AsgiExchange([b"x" * 5, b"x" * 5], "/", "10"))

    assert (exchange.status, exchange.body) == (200, b"10")


async def test_half_sent_small_body_never_reaches_the_application():
    reader, exchange = BodyReader(), StallingExchange([b"x", b"x"], "/", "10")

    await run(admit(reader, timeout=0.01), exchange)

    assert (code_of(exchange), reader.was_called) == ((408, "body_too_slow"), False)


@pytest.mark.parametrize(
    ("headers", "answer"),
    [
        ([], (401, "not_authenticated")),
        (with_cookie("forged"), (401, "not_authenticated")),
        (with_token("forged"), (401, "not_authenticated")),
        ([(b"authorization", b"Basic c29tZTpib2R5"), *with_cookie("forged")], (401, "not_authenticated")),
    ],
)
async def test_large_body_of_nobody_is_refused_unread(headers, answer):
    reader, exchange = BodyReader(), AsgiExchange([b"x" * 11], "/", "11", headers=headers)

    await run(admit(reader), exchange)

    assert (code_of(exchange), exchange.taken, reader.was_called) == (answer, 0, False)
    assert dict(exchange.sent[0]["headers"])[b"www-authenticate"] == b"Bearer"
    assert dict(exchange.sent[0]["headers"])[b"connection"] == b"close"


@pytest.mark.parametrize("length", [None, "5"])
async def test_large_body_of_nobody_without_its_length_is_refused_once_it_is_large(length):
    exchange = await run(admit(BodyReader()), AsgiExchange([b"x" * 6] * 100, "/", length))

    assert (code_of(exchange), exchange.taken) == ((401, "not_authenticated"), 2)


@pytest.mark.parametrize("headers", [with_cookie("counselor-key"), with_token("counselor-key")])
async def test_large_body_of_a_known_sender_is_passed_on(headers):
    exchange = await run(admit(BodyReader()), AsgiExchange([b"x" * 8] * 5, "/", "40", headers=headers))

    assert (exchange.status, exchange.body) == (200, b"40")


@pytest.mark.parametrize(("key", "status"), [("counselor-key", 403), ("supervisor-key", 200)])
async def test_large_body_is_read_only_with_the_permission_of_its_path(key, status):
    exchange = AsgiExchange([b"x" * 20], "/accounts/7/", "20", headers=with_cookie(key))

    await run(admit(BodyReader()), exchange)

    assert exchange.status == status


async def test_refused_browser_gets_a_page_after_its_body_was_discarded():
    reader, exchange = BodyReader(), AsgiExchange([b"x" * 8] * 5, "/", "40", "text/html,*/*;q=0.8")

    await run(admit(reader), exchange)

    assert (exchange.status, exchange.taken, reader.was_called) == (401, 5, False)
    assert "<h1>Log in first</h1>" in exchange.body.decode()


async def test_large_body_that_stalls_ends_with_408_and_closes_the_application():
    reader = BodyReader()
    exchange = StallingExchange([b"x" * 8] * 3, "/", "24", headers=with_cookie("counselor-key"))

    await run(admit(reader, timeout=0.01, min_rate=10**6), exchange)

    assert (code_of(exchange), reader.was_called) == ((408, "body_too_slow"), True)


async def test_deadline_grows_with_what_was_received():
    now = [0.0]

    class SlowExchange(AsgiExchange):
        async def receive(self) -> dict[str, Any]:
            now[0] += 1.0
            return await super().receive()

    def app(rate: int) -> BodyAdmissionMiddleware:
        rules = BodyRules(**(RULES | {"timeout": 2.5, "min_rate": rate}))
        return BodyAdmissionMiddleware(BodyReader(), rules, find_sender=lambda _: COUNSELOR, clock=lambda: now[0])

    headers = with_cookie("any")
    fast = await run(app(8), SlowExchange([b"x" * 8] * 10, "/", "80", headers=headers))
    slow = await run(app(80), SlowExchange([b"x" * 8] * 10, "/", "80", headers=headers))

    assert (fast.status, slow.status) == (200, 408)


async def test_unreachable_database_refuses_large_bodies_with_503():
    def fail(credentials: Credentials) -> None:
        raise OperationalError

    exchange = await run(admit(BodyReader(), fail), AsgiExchange([b"x" * 11], "/", "11", headers=with_cookie("any")))

    assert code_of(exchange) == (503, "database_unavailable")
    assert dict(exchange.sent[0]["headers"])[b"retry-after"] == b"5"


async def test_bodies_being_received_are_bounded():
    app = admit(BodyReader())
    held = [
        StallingExchange([b"x", b"x"], "/", "2", client="10.0.0.1"),
        StallingExchange([b"x", b"x"], "/", "2", client="10.0.0.1"),
        StallingExchange([b"x", b"x"], "/", "2", client="10.0.0.2"),
    ]
    tasks = [asyncio.create_task(run(app, exchange)) for exchange in held]
    for exchange in held:
        await exchange.stalled.wait()

    same = await run(app, AsgiExchange([b"x"], "/", "1", client="10.0.0.1"))
    other = await run(app, AsgiExchange([b"x"], "/", "1", client="10.0.0.3"))

    assert (code_of(same), code_of(other)) == ((429, "too_many_requests"), (503, "server_busy"))
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert (await run(app, AsgiExchange([b"x"], "/", "1"))).status == 200


async def test_large_bodies_are_bounded_by_person_and_process():
    app = admit(BodyReader())
    held = [
        StallingExchange([b"x" * 9] * 3, "/", "27", headers=with_cookie(key))
        for key in ("counselor-key", "supervisor-key")
    ]
    tasks = [asyncio.create_task(run(app, exchange)) for exchange in held]
    for exchange in held:
        await exchange.stalled.wait()

    same = await run(app, AsgiExchange([b"x" * 11], "/", "11", headers=with_cookie("counselor-key")))
    app.find_sender = lambda _: User(pk=3)
    other = await run(app, AsgiExchange([b"x" * 11], "/", "11", headers=with_cookie("any")))

    assert (code_of(same), code_of(other)) == ((429, "too_many_requests"), (503, "server_busy"))
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert (await run(app, AsgiExchange([b"x" * 11], "/", "11", headers=with_cookie("any")))).status == 200


def test_sender_is_found_by_session_and_by_token(counselor, admin):
    session_key = client_of(counselor).cookies["sessionid"].value
    token, secret = issue_service_token(admin, "LMS", ["sessions:read"])

    assert find_sender(Credentials(session_key=session_key)) == counselor
    assert find_sender(Credentials(token=secret)) == token.acts_as


def test_ended_credentials_find_no_sender(counselor, colleague, admin):
    client = client_of(counselor)
    ended = client.cookies["sessionid"].value
    client.logout()
    inactive = client_of(colleague).cookies["sessionid"].value
    colleague.is_active = False
    colleague.save()
    token, secret = issue_service_token(admin, "LMS", ["sessions:read"])
    revoke_service_token(token)

    found = [
        find_sender(credentials)
        for credentials in (
            Credentials(),
            Credentials(session_key=ended),
            Credentials(session_key=inactive),
            Credentials(token=secret),
        )
    ]

    assert found == [None] * 4


def test_site_reads_a_large_upload_only_for_whom_it_is_meant(transactional_db, counselor):
    from config.asgi import build_application  # noqa: PLC0415  (builds the site with this test's settings)

    key = client_of(counselor).cookies["sessionid"].value
    exchange = AsgiExchange([b"x" * 70_000] * 9, "/api/accounts/1/", "630000", headers=with_cookie(key))

    async_to_sync(build_application())(exchange.scope, exchange.receive, exchange.send)

    assert (code_of(exchange), exchange.taken) == ((403, "permission_denied"), 0)


async def test_half_sent_bodies_of_strangers_leave_a_known_person_at_their_address_alone():
    app = admit(BodyReader(), small_per_process=9)
    known = AsgiExchange([b"x" * 5], "/", "5", headers=with_cookie("counselor-key"))
    app.people.remember(digest_credentials(known.scope), "1", "harbor")  # type: ignore[arg-type]
    strangers = [StallingExchange([b"x", b"x"], "/", "10") for _ in range(RULES["small_per_address"])]  # type: ignore[call-overload]
    held = [asyncio.create_task(run(app, stranger)) for stranger in strangers]
    for stranger in strangers:
        await stranger.stalled.wait()

    refused = await run(app, AsgiExchange([b"x" * 5], "/", "5"))
    served = await run(app, known)
    for task in held:
        task.cancel()
    await asyncio.gather(*held, return_exceptions=True)

    assert (refused.status, served.status) == (429, 200)
