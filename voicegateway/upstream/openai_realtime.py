"""Connection to OpenAI's Realtime API. The only module of the gateway that imports `openai`."""

from collections.abc import Callable
from typing import cast

import openai
from openai.resources.realtime.realtime import AsyncRealtimeConnection
from openai.types.websocket_connection_options import WebSocketConnectionOptions
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.protocol import State

from voicegateway.conversation.ports import UpstreamUnavailableError
from voicegateway.upstream.websocket import UpstreamSocket

# Any other close code (such as a policy violation or an oversized message) would only recur.
RETRYABLE_CLOSE_CODES = frozenset({1000, 1001, 1005, 1006, 1011, 1012, 1013, 1015})

WRITE_BUFFER_LIMIT = 16 * 1024  # unsent bytes above which a send waits


class ConnectionOptions(WebSocketConnectionOptions, total=False):
    """Options that the SDK passes on to `websockets` but does not declare."""

    open_timeout: float
    close_timeout: float
    create_connection: type[UpstreamSocket]


# No size limit, because an echoed item with audio exceeds any sensible one. Compressing audio is not worth its cost.
OPTIONS = ConnectionOptions(
    max_size=None, compression=None, open_timeout=4.0, close_timeout=2.0, create_connection=UpstreamSocket
)


class OpenAIRealtimeConnection:
    """Realtime connection that carries raw JSON: typed events cost 30 times as much.

    Frames go straight to the SDK's socket. The SDK's `send_raw` doubles the cost of a send to support reconnecting,
    which the call does itself.
    """

    def __init__(self, connection: AsyncRealtimeConnection) -> None:
        self.connection = connection
        self.socket = cast(UpstreamSocket, connection._connection)

    async def send(self, event: bytes) -> None:
        socket = self.socket
        if socket.state is State.CLOSED:
            raise translate_error(socket.protocol.close_exc)
        if socket.state is not State.OPEN:
            return  # closing: `listen` raises the reason
        try:
            await socket.send(event, text=True)
        except Exception as error:
            raise translate_error(error) from error

    def send_at_once(self, event: bytes) -> bool:
        socket = self.socket
        if socket.state is not State.OPEN or socket.transport.get_write_buffer_size() > WRITE_BUFFER_LIMIT:
            return False
        try:
            socket.send_at_once(event)
        except (OSError, RuntimeError):
            return False
        return True

    async def listen(self, on_message: Callable[[bytes], None]) -> None:
        try:
            await self.socket.listen(on_message)
        except Exception as error:
            raise translate_error(error) from error

    async def close(self) -> None:
        await self.connection.close()


async def connect(client: openai.AsyncOpenAI, model: str) -> OpenAIRealtimeConnection:
    """Open a connection. The call reconnects, not the SDK. Raise UpstreamUnavailableError on failure."""
    try:
        manager = client.realtime.connect(model=model, websocket_connection_options=OPTIONS)
        return OpenAIRealtimeConnection(await manager.enter())
    except Exception as error:
        raise translate_error(error) from error


def translate_error(error: Exception) -> Exception:
    """Return an error of the SDK or its socket as UpstreamUnavailableError. Return any other error, a bug, as is."""
    match error:
        case ConnectionClosed():
            code = error.rcvd.code if error.rcvd else 1006
            return UpstreamUnavailableError(code in RETRYABLE_CLOSE_CODES, f"closed_{code}")
        case InvalidStatus():
            status = error.response.status_code
            return UpstreamUnavailableError(status in {408, 409, 429} or status >= 500, f"http_{status}")
        case TimeoutError():
            return UpstreamUnavailableError(True, "timeout")
        case OSError() | WebSocketException() | RuntimeError():
            return UpstreamUnavailableError(True, "unreachable")
        case openai.OpenAIError():
            return UpstreamUnavailableError(False, type(error).__name__)
    return error
