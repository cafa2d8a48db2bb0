"""uvicorn's WebSocket protocol with a fast path that delivers audio frames where they are read.

The usual path turns a frame into a message, stops reading, and wakes a task that takes the message from a queue and
resumes reading. That costs more than handling the frame and gains nothing, because accepting a frame never waits.
"""

import time
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame
from websockets.protocol import State

from voicegateway.browser.rate_limit import TokenBucket
from voicegateway.frames import BINARY_HEAD, FrameSplitter, build_frame

FAST_PATH = "steadyline.frames"  # key of the fast path among the scope's extensions
# Pings, pongs, and fragments. A client sends a ping every few seconds at most, and few clients fragment messages.
CONTROL_FRAMES_AT_ONCE, CONTROL_FRAMES_PER_SECOND = 200, 20
CLOSE_TOO_FAST = 1008  # WebSocket close code
CLOSE_TIMEOUT = 2.0  # seconds from the closing frame to the abort, even if the peer has not read it


class CallWebSocketProtocol(WebSocketsSansIOProtocol):
    """WebSocket protocol that sends binary messages to the application's sink.

    All other messages, and all that arrive before a sink is set, take the usual path.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.sink: Callable[[bytes], None] | None = None
        self.on_flood: Callable[[], None] | None = None
        self.control_frames = TokenBucket(CONTROL_FRAMES_AT_ONCE, CONTROL_FRAMES_PER_SECOND)
        self.splitter = FrameSplitter(BINARY_HEAD, True, self._deliver, super().data_received, self._is_handshake_valid)

    def handle_connect(self, event) -> None:  # type: ignore[no-untyped-def]  # uvicorn's own signature
        super().handle_connect(event)
        if hasattr(self, "scope"):
            self.scope["extensions"][FAST_PATH] = self  # type: ignore

    def set_sink(self, sink: Callable[[bytes], None], on_flood: Callable[[], None]) -> None:
        """Send binary messages to `sink`. Call `on_flood`, which ends the call, if control frames arrive too fast."""
        self.sink = sink
        self.on_flood = on_flood

    # Frames that never reach the application and would otherwise use time and memory without a limit

    def handle_ping(self) -> None:
        if not self._may_handle_control_frame():
            return
        if self.writable.is_set():
            super().handle_ping()
        else:
            self.conn.data_to_send()  # pongs for a peer that does not read would pile up

    def handle_pong(self, event: Frame) -> None:
        if self._may_handle_control_frame():
            super().handle_pong(event)

    def handle_cont(self, event: Frame) -> None:
        if self._may_handle_control_frame():
            super().handle_cont(event)

    def _may_handle_control_frame(self) -> bool:
        if self.control_frames.spend(1, time.monotonic()):
            return True
        self.conn.data_to_send()
        self.frames.clear()
        if self.on_flood is not None:
            self.on_flood()
        else:
            self.force_close(CLOSE_TOO_FAST)
        return False

    def data_received(self, data: bytes) -> None:
        self.splitter.receive(data)

    def send_audio(self, data: bytes) -> bool:
        """Send binary data at once. Return False if that would have to wait or the socket is closed.

        In that case the caller uses the usual path, which waits or raises.
        """
        if self.close_sent or self.disconnected or not self.writable.is_set() or self.conn.state is not State.OPEN:
            return False
        self.transport.write(build_frame(BINARY_HEAD, data))
        return True

    def _deliver(self, payload: bytes) -> bool:
        """Pass a message to the sink. Return False if it must take the usual path."""
        if self.sink is None or self.close_sent or self.conn.state is not State.OPEN:
            return False
        self.sink(payload)
        return True

    def _is_handshake_valid(self) -> bool:
        return self.handshake_initiated and not self.close_sent

    def force_close(self, code: int) -> None:
        """Close the socket without waiting. A regular send would wait for a peer that has stopped reading."""
        if self.close_sent or self.transport.is_closing():
            return
        self.conn.send_close(code)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code})
        self.loop.call_later(CLOSE_TIMEOUT, self.transport.abort)
