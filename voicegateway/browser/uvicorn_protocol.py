"""uvicorn's WebSocket protocol with a fast path that delivers audio frames where they are read.

The usual path turns a frame into a message, stops reading, and wakes a task that takes the message from a queue and
resumes reading. That costs more than handling the frame and gains nothing, because accepting a frame never waits.
"""

from collections.abc import Callable

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import InvalidState
from websockets.frames import Frame

FAST_PATH = "steadyline.frames"  # key of the fast path among the scope's extensions
CLOSE_TIMEOUT = 2.0  # seconds from the closing frame to the abort, even if the peer has not read it


class CallWebSocketProtocol(WebSocketsSansIOProtocol):
    """WebSocket protocol that sends binary messages to the application's sink.

    All other messages, and all that arrive before a sink is set, take the usual path.
    """

    sink: Callable[[bytes], None] | None = None

    def handle_connect(self, event) -> None:  # type: ignore[no-untyped-def]  # uvicorn's own signature
        super().handle_connect(event)
        if hasattr(self, "scope"):
            self.scope["extensions"][FAST_PATH] = self  # type: ignore

    def set_sink(self, sink: Callable[[bytes], None]) -> None:
        self.sink = sink

    def handle_bytes(self, event: Frame) -> None:
        if self.sink is None or not event.fin or self.close_sent:
            super().handle_bytes(event)
        else:
            self.sink(bytes(event.data))

    def send_audio(self, data: bytes) -> bool:
        """Send binary data at once. Return False if that would have to wait or the socket is closed.

        In that case the caller uses the usual path, which waits or raises.
        """
        if self.close_sent or self.disconnected or not self.writable.is_set():
            return False
        try:
            self.conn.send_binary(data)
        except InvalidState:
            return False
        self.transport.write(b"".join(self.conn.data_to_send()))
        return True

    def force_close(self, code: int) -> None:
        """Close the socket without waiting. A regular send would wait for a peer that has stopped reading."""
        if self.close_sent or self.transport.is_closing():
            return
        self.conn.send_close(code)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code})
        self.loop.call_later(CLOSE_TIMEOUT, self.transport.abort)
