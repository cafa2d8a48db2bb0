"""`websockets`' client connection, with a short way for events: one is handed over where it is read.

The long way puts it into a queue and wakes a task that takes it out again, which costs more than reading it.
"""

from collections.abc import Callable

from websockets.asyncio.client import ClientConnection
from websockets.frames import Frame, Opcode
from websockets.protocol import Event


class UpstreamSocket(ClientConnection):
    """Until somebody listens, and for messages in fragments, it is an ordinary connection: then `recv` has them."""

    _sink: Callable[[bytes], None] | None = None
    _unread = 0  # messages on the long way: nothing may overtake them

    async def listen(self, sink: Callable[[bytes], None]) -> None:
        """Hand over each message, in their order, until the connection is lost, which raises ConnectionClosed.

        The sink must not raise: it is called where the connection reads.
        """
        self._sink = sink
        try:
            while True:
                message = await self.recv(decode=False)
                self._unread -= 1
                sink(message)
        finally:
            self._sink = None

    def process_event(self, event: Event) -> None:
        if isinstance(event, Frame) and event.opcode in (Opcode.TEXT, Opcode.BINARY):
            if self._sink is not None and event.fin and not self._unread:
                self._sink(bytes(event.data))
                return
            self._unread += 1
        super().process_event(event)
