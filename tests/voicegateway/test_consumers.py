import asyncio
import threading
from uuid import UUID

import pytest
from django.db import connection

from training.models import Session
from training.services.call_tickets import issue_ticket
from voicegateway.browser.consumers import CallConsumer
from voicegateway.browser.protocol import SUBPROTOCOL
from voicegateway.process.call_registry import CallRegistry
from voicegateway.process.database_executor import database_to_async
from voicegateway.process.turn_writer import TurnWriter

DATABASE_THREADS = 4


class FakeTurnWriter(TurnWriter):
    """Turn writer that records the session's status at each flush."""

    def __init__(self) -> None:
        super().__init__()
        self.statuses: list[str] = []

    async def flush(self, session_id: UUID) -> None:
        self.statuses.append(await database_to_async(session_status)(session_id))


class FakeServer:
    """An ASGI server with one socket that delivers `incoming` and collects `sent`."""

    def __init__(self, *incoming: dict) -> None:
        self.incoming = list(incoming)
        self.sent: list[dict] = []
        self.was_closed = asyncio.Event()

    async def receive(self) -> dict:
        if self.incoming:
            return self.incoming.pop(0)
        await self.was_closed.wait()
        return {"type": "websocket.disconnect"}

    async def send(self, message: dict) -> None:
        self.sent.append(message)
        if message["type"] == "websocket.close":
            self.was_closed.set()


def session_status(session_id: UUID) -> str:
    return Session.objects.get(pk=session_id).status


def text_message(text: str) -> dict:
    return {"type": "websocket.receive", "text": text}


@pytest.fixture
async def registry(transactional_db):
    registry = CallRegistry()
    registry.writer = FakeTurnWriter()
    yield registry
    await registry.openai.close()
    await close_database_connections()


async def close_database_connections() -> None:
    """Close the connections of the gateway's threads, or PostgreSQL cannot drop the database."""
    barrier = threading.Barrier(DATABASE_THREADS)

    def close() -> None:
        barrier.wait(60)
        connection.close()

    await asyncio.gather(*[database_to_async(close)() for _ in range(DATABASE_THREADS)])


async def test_turns_are_saved_before_a_hung_up_call_ends(registry, call):
    server = FakeServer(
        {"type": "websocket.connect"},
        text_message('{"type":"hello","last_revision":0}'),
        text_message('{"type":"hang_up"}'),
    )
    _, ticket = await database_to_async(issue_ticket)(call)
    scope = {
        "type": "websocket",
        "headers": [(b"origin", b"http://testserver")],
        "subprotocols": [SUBPROTOCOL, f"ticket.{ticket}"],
        "url_route": {"kwargs": {"pk": call.pk}},
        "query_string": b"",
        "extensions": {},
    }

    async with asyncio.timeout(60):
        await CallConsumer(registry)(scope, server.receive, server.send)

    assert registry.writer.statuses == [Session.Status.ACTIVE]
    assert await database_to_async(session_status)(call.pk) == Session.Status.COMPLETED
    assert [message["type"] for message in server.sent][-1] == "websocket.close"
