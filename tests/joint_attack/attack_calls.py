"""Calls of the attack: ten that end together, one with a flood of typed words, and sockets with forged tickets."""

import asyncio
import json
import struct
from collections.abc import Callable, Sequence
from contextlib import suppress
from uuid import uuid4

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

SUBPROTOCOL = "steadyline.v1"
FRAME = struct.Struct("<BBHI")  # kind, flags, item, sample index
FRAME_SAMPLES = 480  # 20 ms at 24 kHz
CALL_SECONDS = 6.0
TYPED_LINES = 1722
FORGED = 200  # sockets at once
FORGED_PAUSE = 2.0  # seconds between two crowds of forged tickets


class CallAttack:
    """Sockets to the gateway. `count(kind, outcome)` is called with what became of each."""

    def __init__(self, port: int, origin: str, count: Callable[[str, object], None]) -> None:
        self.url, self.origin, self.count = f"ws://127.0.0.1:{port}/ws/calls/", origin, count

    async def call_together(self, tickets: Sequence[tuple[str, str]]) -> None:
        """Hold a call for each ticket, and hang up on all of them at the same moment."""
        ends_at = asyncio.get_running_loop().time() + CALL_SECONDS
        await asyncio.gather(*(self._hold_call(session, ticket, ends_at) for session, ticket in tickets))

    async def _hold_call(self, session: str, ticket: str, ends_at: float) -> None:
        loop = asyncio.get_running_loop()
        try:
            async with self._open(session, ticket) as socket:
                await socket.send(json.dumps({"type": "hello", "last_revision": 0}))
                reading = asyncio.create_task(self._read(socket))
                await socket.send(json.dumps({"type": "say", "text": "Hello, my name is Sam. What happened?"}))
                begun, index = loop.time(), 0
                while loop.time() < ends_at:
                    while index < (loop.time() - begun) * 24_000:
                        await socket.send(FRAME.pack(1, 0, 0, index) + bytes(2 * FRAME_SAMPLES))
                        index += FRAME_SAMPLES
                    await asyncio.sleep(0.02)
                await socket.send(json.dumps({"type": "hang_up"}))
                self.count("calls that end together", await reading)
        except (ConnectionClosed, InvalidHandshake, OSError, TimeoutError) as error:
            self.count("calls that end together", type(error).__name__)

    async def _read(self, socket: ClientConnection) -> str:
        """Read until the call ends, and return its reason."""
        async for message in socket:
            if isinstance(message, str) and (event := json.loads(message))["type"] == "ended":
                return str(event["reason"])
        return f"closed {socket.close_code}"

    async def flood_typed_words(self, session: str, ticket: str) -> None:
        try:
            async with self._open(session, ticket) as socket:
                await socket.send(json.dumps({"type": "hello", "last_revision": 0}))
                reading = asyncio.create_task(self._read(socket))
                with suppress(ConnectionClosed):
                    for number in range(TYPED_LINES):
                        await socket.send(json.dumps({"type": "say", "text": f"Word{number}"}))
                self.count("typed words", await reading)
        except (ConnectionClosed, InvalidHandshake, OSError, TimeoutError) as error:
            self.count("typed words", type(error).__name__)

    async def forge_tickets(self, session: str) -> None:
        await asyncio.gather(*(self._forge_ticket(session) for _ in range(FORGED)))
        await asyncio.sleep(FORGED_PAUSE)

    async def _forge_ticket(self, session: str) -> None:
        """Ask for a socket with a made-up ticket, and read the first line of the answer."""
        reader, writer = await asyncio.open_connection("127.0.0.1", int(self.url.split(":")[2].split("/")[0]))
        try:
            writer.write(
                f"GET /ws/calls/{session}/ HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: {self.origin}\r\n"
                "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                f"Sec-WebSocket-Protocol: {SUBPROTOCOL}, ticket.{uuid4().hex}.{uuid4().hex}\r\n\r\n".encode()
            )
            line = await reader.readline()
            self.count("forged tickets", line.split()[1].decode() if line else "closed")
        finally:
            writer.transport.abort()

    def _open(self, session: str, ticket: str) -> connect:
        return connect(
            f"{self.url}{session}/?record=true",
            origin=self.origin,  # type: ignore[arg-type]  # a plain string is a valid origin
            subprotocols=[SUBPROTOCOL, f"ticket.{ticket}"],  # type: ignore[list-item]
            compression=None,
            max_size=None,
            proxy=None,
        )
