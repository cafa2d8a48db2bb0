"""Client connection of `websockets` with a fast path that delivers events where they are read.

The usual path queues an event and wakes a task to take it out again, which costs more than reading it.
"""

from collections.abc import Callable

from websockets.asyncio.client import ClientConnection
from websockets.frames import Frame, Opcode
from websockets.protocol import Event


class UpstreamSocket(ClientConnection):
    """Client connection with a fast path. Messages before `listen` and fragmented ones go to `recv` as usual."""

    _on_message: Callable[[bytes], None] | None = None
    _queued_messages = 0  # messages on the usual path, which the fast path must not overtake

    async def listen(self, on_message: Callable[[bytes], None]) -> None:
        """Pass each message to `on_message`, in order. Raise ConnectionClosed once the connection is lost.

        `on_message` must not raise, because the connection's read callback calls it.
        """
        self._on_message = on_message
        try:
            while True:
                message = await self.recv(decode=False)
                self._queued_messages -= 1
                on_message(message)
        finally:
            self._on_message = None

    def process_event(self, event: Event) -> None:
        if isinstance(event, Frame) and event.opcode in (Opcode.TEXT, Opcode.BINARY):
            if self._on_message is not None and event.fin and not self._queued_messages:
                self._on_message(bytes(event.data))
                return
            self._queued_messages += 1
        super().process_event(event)
