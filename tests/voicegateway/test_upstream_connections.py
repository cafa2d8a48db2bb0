import asyncio

import pytest

from tests.voicegateway.fakes import FakeRealtimeConnection, run_pending_tasks
from voicegateway.conversation.ports import UpstreamUnavailableError
from voicegateway.conversation.upstream_connections import SPARE_RETRY_DELAY, UpstreamConnections


class FakeConnector:
    """A connector that returns one connection after another, or raises while `error` is set."""

    def __init__(self) -> None:
        self.opened: list[FakeRealtimeConnection] = []
        self.error: Exception | None = None
        self.can_connect = asyncio.Event()
        self.can_connect.set()

    async def __call__(self) -> FakeRealtimeConnection:
        await self.can_connect.wait()
        if self.error:
            raise self.error
        self.opened.append(FakeRealtimeConnection())
        return self.opened[-1]


@pytest.fixture
async def connect() -> FakeConnector:
    return FakeConnector()


@pytest.fixture
async def connections(connect: FakeConnector) -> UpstreamConnections:
    return UpstreamConnections(connect, {"session_id": "4b1d"})


async def test_open_without_a_spare_opens_a_connection(connections, connect):
    connection = await connections.open()

    assert connect.opened == [connection]


async def test_open_uses_the_spare_once(connections, connect):
    connections.prepare_spare(0.0)
    await run_pending_tasks()

    first, second = await connections.open(), await connections.open()

    assert connect.opened == [first, second]


async def test_prepare_spare_opens_one_connection_and_reports_when_it_is_open(connections, connect):
    connect.can_connect.clear()
    answers = [connections.prepare_spare(0.0), connections.prepare_spare(0.2)]
    connect.can_connect.set()
    await run_pending_tasks()
    answers.append(connections.prepare_spare(0.4))

    assert answers == [False, False, True]
    assert len(connect.opened) == 1


async def test_prepare_spare_waits_after_a_failure(connections, connect):
    connect.error = UpstreamUnavailableError(True, "http_503")
    connections.prepare_spare(0.0)
    await run_pending_tasks()
    assert not connections.prepare_spare(1.0)
    connect.error = None

    connections.prepare_spare(SPARE_RETRY_DELAY)
    await run_pending_tasks()
    assert connect.opened == []
    connections.prepare_spare(1.0 + SPARE_RETRY_DELAY)
    await run_pending_tasks()

    assert len(connect.opened) == 1


async def test_close_all_closes_an_unused_spare(connections, connect):
    connections.prepare_spare(0.0)
    await run_pending_tasks()

    await connections.close_all()

    assert [connection.is_open for connection in connect.opened] == [False]


async def test_close_all_cancels_a_spare_that_is_not_open_yet(connections, connect):
    connect.can_connect.clear()
    connections.prepare_spare(0.0)
    await run_pending_tasks()

    await connections.close_all()
    connect.can_connect.set()
    await run_pending_tasks()

    assert connect.opened == []


async def test_close_all_waits_for_connections_that_are_closing(connections, connect):
    connection = await connections.open()

    connections.close_in_background(connection)
    assert connection.is_open
    await connections.close_all()

    assert not connection.is_open


async def test_error_while_closing_is_logged(connections, caplog):
    connection = FakeRealtimeConnection()

    async def fail() -> None:
        raise OSError

    connection.close = fail
    connections.close_in_background(connection)
    await connections.close_all()

    assert caplog.messages == ["Could not close the connection to upstream"]
