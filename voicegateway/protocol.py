"""uvicorn's WebSocket, with a short way for sound: a frame is handed over where it is read.

The long way makes a message of it, stops reading, wakes a task that takes the message out of a queue and begins to
read again: more work than the frame itself, and nothing is gained by it, since taking a frame never waits.
"""

from collections.abc import Callable

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import InvalidState
from websockets.frames import Frame

# Under this name an application finds the short way in its scope.
SHORT_WAY = "steadyline.frames"
GIVES_UP_AFTER = 2.0  # seconds from the closing frame to the end, whether or not anybody reads it


class CallProtocol(WebSocketsSansIOProtocol):
    """Binary messages go to the sink that the application has set; all others, and all before that, as ever."""

    sink: Callable[[bytes], None] | None = None

    def handle_connect(self, event) -> None:  # type: ignore[no-untyped-def]  # as uvicorn has it
        super().handle_connect(event)
        if hasattr(self, "scope"):
            self.scope["extensions"][SHORT_WAY] = self  # type: ignore

    def set_sink(self, sink: Callable[[bytes], None]) -> None:
        self.sink = sink

    def handle_bytes(self, event: Frame) -> None:
        if self.sink is None or not event.fin or self.close_sent:
            super().handle_bytes(event)
        else:
            self.sink(bytes(event.data))

    def send_sound(self, data: bytes) -> bool:
        """Send it now. False where that has to wait, or nobody is there any more: the long way waits, or says so."""
        if self.close_sent or self.disconnected or not self.writable.is_set():
            return False
        try:
            self.conn.send_binary(data)
        except InvalidState:
            return False
        self.transport.write(b"".join(self.conn.data_to_send()))
        return True

    def give_up(self, code: int) -> None:
        """Close a socket whose other end reads nothing. A send would wait for it; this does not."""
        if self.close_sent or self.transport.is_closing():
            return
        self.conn.send_close(code)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code})
        self.loop.call_later(GIVES_UP_AFTER, self.transport.abort)
