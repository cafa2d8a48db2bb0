"""One person's flood, seen from a web server process with a small pool. Counts only, never speed."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection

from accounts.models import User
from evaluation.models import Evaluation
from tests.support.fixtures import *  # noqa: F403
from tests.support.fixtures import client_of
from tests.support.web_process import Answer, WebProcess

POOL_SIZE = 3
KEPT_FOR_READINESS = 1  # connection outside the pool


WAITS, FLOOD, HALF_SENT = 110, 250, 90  # the first two once stopped everybody


@pytest.fixture(scope="module")
def shared_web(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebProcess]:
    if connection.vendor != "postgresql":
        pytest.skip("only PostgreSQL has a pool")
    # The name tells its connections from those of this process.
    limits = {
        "PGAPPNAME": "web",
        "DATABASE_POOL_SIZE": str(POOL_SIZE),
        "REQUESTS_AT_ONCE": "2",
        "WAITS_PER_PERSON": "10",
    }
    with WebProcess(tmp_path_factory.mktemp("web"), **limits) as process:
        yield process


@pytest.fixture
def web(transactional_db: None, shared_web: WebProcess) -> WebProcess:
    return shared_web


async def in_thread(call: Callable[[], Any]) -> Any:
    """Run database code in a thread, and close its connection."""

    def run() -> Any:
        try:
            return call()
        finally:
            connection.close()

    return await asyncio.to_thread(run)


async def log_in(person: User) -> str:
    """Return the key of a new session."""
    return await in_thread(lambda: client_of(person).cookies["sessionid"].value)


def count_connections(name: str) -> int:
    """Return the number of connections to this test's database whose program has this name."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = %s", [name]
        )
        count: int = cursor.fetchone()[0]
        return count


async def assert_others_are_served(web: WebProcess, session_key: str) -> None:
    page, health, ready = await asyncio.gather(
        web.get("/", session_key, Accept="text/html"), web.get("/health/"), web.get("/ready/", Host="10.1.2.3")
    )
    assert (page.status, health.status, ready.status) == (200, 200, 200)
    assert ready.json["database"] == "ok"


async def take_all_but(tasks: list[asyncio.Task[Answer]], count: int) -> list[Answer]:
    """Return the answers of the others once only `count` requests are still under way."""
    pending = set(tasks)
    while len(pending) > count:
        _, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED, timeout=30)
    return [task.result() for task in tasks if task.done()]


async def test_waiting_requests_of_one_person_leave_the_server_to_others(web, counselor, supervisor, queued_evaluation):
    waiter, other = await log_in(counselor), await log_in(supervisor)
    path = f"/api/sessions/{queued_evaluation.session_id}/evaluation/"
    assert (await web.get(path, waiter)).status == 200
    tasks = [asyncio.create_task(web.get(path, waiter, Prefer="wait=18")) for _ in range(WAITS)]

    answered = await take_all_but(tasks, 10)
    await assert_others_are_served(web, other)
    own_page = await web.get("/progress/", waiter)
    connections = await in_thread(lambda: count_connections("web"))
    graded = Evaluation.objects.filter(pk=queued_evaluation.pk)
    await in_thread(lambda: graded.update(status=Evaluation.Status.FAILED))
    waited = [answer for answer in await asyncio.gather(*tasks) if answer not in answered]

    assert set(Counter(answer.status for answer in answered)) <= {200, 429}
    assert {answer.headers["retry-after"] for answer in answered if answer.status == 429} <= {"2"}
    assert own_page.status == 200
    assert connections <= POOL_SIZE + KEPT_FOR_READINESS
    assert {(answer.status, answer.json["status"]) for answer in waited} == {(200, "failed")}


async def test_flood_of_one_person_leaves_the_server_to_others(web, counselor, supervisor):
    flooder, other = await log_in(counselor), await log_in(supervisor)
    assert (await web.get("/progress/", flooder)).status == (await web.get("/", other)).status == 200
    tasks = [asyncio.create_task(web.get("/sessions/", flooder)) for _ in range(FLOOD)]

    await assert_others_are_served(web, other)
    answered = Counter([(await task).status for task in tasks])

    assert set(answered) == {200, 429}
    assert (await web.get("/sessions/", flooder)).status == 200


async def test_anonymous_flood_and_half_sent_bodies_leave_the_server_to_others(web, supervisor):
    other = await log_in(supervisor)
    assert (await web.get("/", other)).status == 200
    half = b"POST /account/login/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\nlogin="
    large = b"POST /accounts/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 20000000\r\n\r\n" + b"x" * 1000
    held = [await asyncio.open_connection("127.0.0.1", web.port) for _ in range(HALF_SENT)]
    for _, writer in held:
        writer.write(half)
    refused = await asyncio.gather(*(web.send(large) for _ in range(20)))

    tasks = [asyncio.create_task(web.get("/account/login/")) for _ in range(FLOOD)]
    await assert_others_are_served(web, other)

    assert {answer.status for answer in refused} == {401}
    assert {answer.status for answer in await asyncio.gather(*tasks)} <= {200, 429}
    for _, writer in held:
        writer.close()
