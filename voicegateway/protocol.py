"""uvicorn's WebSocket, with a short way for sound: a frame is handed over where it is read.

The long way makes a message of it, stops reading, wakes a task that takes the message out of a queue and begins to
read again: more work than the frame itself, and nothing is gained by it, since taking a frame never waits.
"""

from collections.abc import Callable

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame

# Under this name an application finds, in its scope, what to give its sink to.
SHORT_WAY = "steadyline.frames"


class CallProtocol(WebSocketsSansIOProtocol):
    """Binary messages go to the sink that the application has set; all others, and all before that, as ever."""

    sink: Callable[[bytes], None] | None = None

    def handle_connect(self, event) -> None:  # type: ignore[no-untyped-def]  # as uvicorn has it
        super().handle_connect(event)
        if hasattr(self, "scope"):
            self.scope["extensions"][SHORT_WAY] = self.set_sink  # type: ignore

    def set_sink(self, sink: Callable[[bytes], None]) -> None:
        self.sink = sink

    def handle_bytes(self, event: Frame) -> None:
        if self.sink is None or not event.fin or self.close_sent:
            super().handle_bytes(event)
        else:
            self.sink(bytes(event.data))
