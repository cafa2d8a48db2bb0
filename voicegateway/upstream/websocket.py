"""Client connection of `websockets` with a fast path that delivers events where they are read.

The usual path queues an event and wakes a task to take it out again, which costs more than reading it.
"""

from collections.abc import Callable
from typing import Any

from websockets.asyncio.client import ClientConnection
from websockets.frames import Frame, Opcode
from websockets.protocol import Event, State

from voicegateway.frames import TEXT_HEAD, FrameSplitter, MaskedFrameBuilder


class UpstreamSocket(ClientConnection):
    """Client connection with a fast path. Messages before `listen` and fragmented ones go to `recv` as usual."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._on_message: Callable[[bytes], None] | None = None
        self._queued_messages = 0  # messages on the usual path, which the fast path must not overtake
        self._frames = MaskedFrameBuilder()
        self._splitter = FrameSplitter(TEXT_HEAD, False, self._deliver, super().data_received, self._is_handshake_valid)

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

    def send_at_once(self, text: bytes) -> None:
        """Send a text message without waiting. The socket must be open."""
        self.transport.write(self._frames.build(TEXT_HEAD, text))

    def data_received(self, data: bytes) -> None:
        self._splitter.receive(data)

    def process_event(self, event: Event) -> None:
        if isinstance(event, Frame) and event.opcode in (Opcode.TEXT, Opcode.BINARY):
            self._queued_messages += 1
        super().process_event(event)

    def _deliver(self, payload: bytes) -> bool:
        """Pass a message to the listener. Return False if it must take the usual path."""
        if self._on_message is None or self._queued_messages or self.protocol.state is not State.OPEN:
            return False
        self._on_message(payload)
        return True

    def _is_handshake_valid(self) -> bool:
        return self.protocol.state is State.OPEN
