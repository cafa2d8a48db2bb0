import asyncio
import json
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.http import HttpResponse
from django.test import RequestFactory

from accounts.models import User
from accounts.services.request_turns import end_turn
from config.middleware.bounded_counts import BoundedCounts
from config.middleware.request_limits import (
    KNOWN_FOR,
    MOST_KNOWN,
    KnownPeople,
    RequestLimitMiddleware,
    RequestLimits,
    client_address,
    digest_credentials,
    known_people_middleware,
)
from config.middleware.request_turns import Sender
from tests.support.asgi import AsgiExchange

LIMITS = {
    "per_person": 3,
    "per_address": 2,
    "at_once": 10,
    "per_process": 4,
    "waits_per_person": 1,
    "waits_per_process": 2,
}


def cookie_of(key: str) -> list[tuple[bytes, bytes]]:
    return [(b"cookie", f"sessionid={key}".encode())] if key else []


class HeldApplication:
    """ASGI application whose requests wait until they are let go. `slots` are theirs, in the order of their start."""

    def __init__(self) -> None:
        self.slots: list[Any] = []
        self.running: list[str] = []
        self.changed = asyncio.Event()
        self.let_go = asyncio.Event()
        self.before_waiting: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if (await receive())["type"] == "http.disconnect":
            return
        self.slots.append(scope["request_slot"])
        self.running.append(scope["path"])
        self.changed.set()
        if self.before_waiting:
            await self.before_waiting()
        await self.let_go.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})

    async def wait_for(self, count: int) -> None:
        while len(self.running) < count:
            self.changed.clear()
            await self.changed.wait()


class Flood:
    """Requests under way at a server with small limits."""

    def __init__(self, **limits: int) -> None:
        self.app = HeldApplication()
        self.server = RequestLimitMiddleware(self.app, RequestLimits(**(LIMITS | limits)), 0, "/static/")
        self.tasks: list[asyncio.Task[AsgiExchange]] = []

    def know(self, *people: str) -> None:
        """Let the server know people by a session key that is their name."""
        for person in people:
            known = AsgiExchange([], headers=cookie_of(person))
            self.server.people.remember(digest_credentials(known.scope), person, f"{person}'s")  # type: ignore[arg-type]

    async def hold(self, count: int, key: str = "", client: str = "10.0.0.1") -> None:
        """Start requests and wait until they run."""
        wanted = len(self.app.running) + count
        self.tasks += [asyncio.create_task(self.request(key, client)) for _ in range(count)]
        await self.app.wait_for(wanted)

    async def request(self, key: str = "", client: str = "10.0.0.1", path: str = "/api/sessions/") -> AsgiExchange:
        exchange = AsgiExchange([b""], path, headers=cookie_of(key), client=client, method="GET")
        await self.server(exchange.scope, exchange.receive, exchange.send)
        return exchange

    async def finish(self) -> list[int]:
        self.app.let_go.set()
        return [exchange.status for exchange in await asyncio.gather(*self.tasks)]


def refusal_of(exchange: AsgiExchange) -> tuple[int, str, bytes]:
    headers = dict(exchange.sent[0]["headers"])
    return exchange.status, json.loads(exchange.body)["code"], headers[b"retry-after"]


async def test_request_beyond_the_limit_of_its_person_gets_429_and_others_go_on():
    flood = Flood()
    flood.know("ana", "ben")
    await flood.hold(3, "ana")

    refused = await flood.request("ana", client="10.9.9.9")
    await flood.hold(1, "ben")

    assert refusal_of(refused) == (429, "too_many_requests", b"2")
    assert await flood.finish() == [200] * 4


async def test_refusals_wait_for_their_pace_and_never_reach_the_application():
    flood = Flood()
    flood.know("ana")
    await flood.hold(3, "ana")
    paced: list[str] = []

    async def wait(key: str) -> None:
        paced.append(key)

    flood.server.pace.wait = wait  # type: ignore[method-assign]

    async def fail(*_: Any) -> None:
        raise AssertionError("A refused request has reached the application.")

    app, flood.server.app = flood.server.app, fail
    refused = await flood.request("ana")
    flood.server.app = app

    assert (refused.status, paced) == (429, ["person ana"])
    await flood.finish()


async def test_people_at_one_address_do_not_share_a_limit():
    flood = Flood(per_process=10)
    flood.know("ana", "ben")
    await flood.hold(3, "ana")
    await flood.hold(3, "ben")

    await flood.hold(2)
    refused = await flood.request()

    assert refused.status == 429
    assert await flood.finish() == [200] * 8


async def test_invented_credentials_count_by_address():
    flood = Flood()
    await flood.hold(1, "invented-1")
    await flood.hold(1, "invented-2")

    refused, elsewhere = await flood.request("invented-3"), asyncio.create_task(flood.request("x", client="10.0.0.2"))
    flood.tasks.append(elsewhere)

    assert refused.status == 429
    assert await flood.finish() == [200] * 3


async def test_request_beyond_the_limit_of_the_process_gets_503():
    flood = Flood()
    flood.know("ana")
    await flood.hold(2, client="10.0.0.1")
    await flood.hold(2, client="10.0.0.2")

    refused = await flood.request("ana")

    assert refusal_of(refused) == (503, "server_busy", b"5")
    assert await flood.finish() == [200] * 4


async def test_static_files_count_only_for_the_process():
    flood = Flood()
    await flood.hold(2)
    style = asyncio.create_task(flood.request(path="/static/site/frame.css"))
    await flood.app.wait_for(3)
    flood.tasks.append(style)

    assert await flood.finish() == [200] * 3


async def test_refused_page_is_a_page():
    flood = Flood(per_address=1)
    await flood.hold(1)
    exchange = AsgiExchange([b""], "/", accept="text/html", method="GET", client="10.0.0.1")

    await flood.server(exchange.scope, exchange.receive, exchange.send)

    assert (exchange.status, "<h1>Too many requests at once</h1>" in exchange.body.decode()) == (429, True)
    await flood.finish()


async def test_counts_return_to_zero():
    flood = Flood(at_once=1)
    flood.know("ana")
    await flood.hold(1, "ana")
    queued = asyncio.create_task(flood.request("ana"))
    gone = asyncio.create_task(flood.request("ana"))
    await asyncio.sleep(0)
    gone.cancel()
    flood.tasks.append(queued)

    statuses = await flood.finish()

    assert statuses == [200, 200]
    server = flood.server
    assert (server.under_way.total, dict(server.under_way.by_key), server.turns.running) == (0, {}, [])


async def test_only_so_many_requests_of_a_person_run_at_once():
    flood = Flood(at_once=2)
    flood.know("ana", "ben")
    await flood.hold(2, "ana")
    third = asyncio.create_task(flood.request("ana", path="/third/"))
    flood.tasks.append(third)

    await flood.hold(1, "ben")
    started = list(flood.app.running)
    statuses = await flood.finish()

    assert ("/third/" in started, statuses) == (False, [200] * 4)
    assert flood.app.running[-1] == "/third/"


async def test_request_that_waits_for_another_system_ends_its_turn():
    flood = Flood(at_once=1)
    flood.know("ana")
    flood.app.before_waiting = sync_to_async(end_turn, thread_sensitive=False)

    await flood.hold(2, "ana")

    assert await flood.finish() == [200, 200]


async def test_waiting_request_leaves_its_place_to_others():
    flood = Flood(per_person=1)
    flood.know("ana")
    await flood.hold(1, "ana")
    first = flood.app.slots[0]

    is_waiting = first.start_waiting()
    await flood.hold(1, "ana")

    assert (is_waiting, flood.app.slots[1].start_waiting()) == (True, False)
    assert flood.server.under_way.by_key["person ana"] == 1
    first.stop_waiting()
    assert flood.server.under_way.by_key["person ana"] == 2
    await flood.finish()
    assert (flood.server.under_way.total, flood.server.waits.total) == (0, 0)


async def test_other_protocols_pass_through():
    seen = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["type"])

    await RequestLimitMiddleware(app, RequestLimits(**LIMITS), 0, "/static/")({"type": "lifespan"}, None, None)  # type: ignore[arg-type]

    assert seen == ["lifespan"]


def test_known_people_are_forgotten():
    now = [0.0]
    people = KnownPeople(lambda: now[0])
    people.remember(b"digest", "ana", "harbor")

    before, now[0] = people.find(b"digest"), KNOWN_FOR + 1

    assert (before, people.find(b"digest"), people.find(b"other")) == (
        Sender("person ana", "organization harbor"),
        None,
        None,
    )


def test_known_people_are_bounded():
    people = KnownPeople()
    for number in range(MOST_KNOWN + 2):
        people.remember(number.to_bytes(4, "big"), "ana", "harbor")

    assert len(people._known) == MOST_KNOWN


@pytest.mark.parametrize("field", ["_cached_user", "user"])
def test_person_that_django_found_is_remembered(field):
    remembered = []

    class Slot:
        remember_person = staticmethod(remembered.append)

    user = User(pk=7)
    request = RequestFactory().get("/")
    request.scope = {"request_slot": Slot()}  # type: ignore[attr-defined]
    setattr(request, field, user)

    known_people_middleware(lambda request: HttpResponse())(request)

    assert remembered == [user]


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, "1.1.1.1", "10.0.0.1"),
        (1, "6.6.6.6, 1.1.1.1", "1.1.1.1"),
        (2, "6.6.6.6, 1.1.1.1, 2.2.2.2", "1.1.1.1"),
        (2, "1.1.1.1", "1.1.1.1"),
        (1, "", "10.0.0.1"),
    ],
)
def test_client_address_trusts_only_our_own_proxies(proxies, forwarded, address):
    scope = {"headers": [(b"x-forwarded-for", forwarded.encode())], "client": ("10.0.0.1", 5)}

    assert client_address(scope, proxies) == address  # type: ignore[arg-type]


def test_bounded_counts_forget_unused_keys():
    counts = BoundedCounts(5)
    counts.take("a", 1)

    counts.give_back("a")

    assert (counts.total, dict(counts.by_key)) == (0, {})
