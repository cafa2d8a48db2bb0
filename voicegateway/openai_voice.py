"""The caller's voice from OpenAI's Realtime API. The only module of the gateway that imports `openai`."""

from collections.abc import Callable
from typing import cast

import openai
from openai.resources.realtime.realtime import AsyncRealtimeConnection
from openai.types.websocket_connection_options import WebSocketConnectionOptions
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.protocol import State

from voicegateway.ports import VoiceUnavailable
from voicegateway.upstream_socket import UpstreamSocket

# A close with another code (a policy, a message too big) would only come again.
PASSING_CLOSE_CODES = frozenset({1000, 1001, 1005, 1006, 1011, 1012, 1013, 1015})


WAITS_BEYOND = 16 * 1024  # bytes that the network has not taken yet


class ConnectionOptions(WebSocketConnectionOptions, total=False):
    """The SDK passes these on to `websockets` too, but does not declare them."""

    open_timeout: float
    close_timeout: float
    create_connection: type[UpstreamSocket]


# An echoed item with audio exceeds any sensible limit; compression does not pay for sound.
OPTIONS = ConnectionOptions(
    max_size=None, compression=None, open_timeout=4.0, close_timeout=2.0, create_connection=UpstreamSocket
)


class OpenAIVoice:
    """One Realtime connection, as raw JSON: typed events cost thirty times as much.

    Frames go straight to the SDK's own socket. Its `send_raw` is for a connection that it mends itself, which is the
    call's business here, and costs as much again as sending.
    """

    def __init__(self, connection: AsyncRealtimeConnection) -> None:
        self.connection = connection
        self.socket = cast(UpstreamSocket, connection._connection)

    async def send(self, event: bytes) -> None:
        socket = self.socket
        if socket.state is State.CLOSED:
            raise in_our_words(socket.protocol.close_exc)
        if socket.state is not State.OPEN:
            return  # it is closing: whoever receives is told how it ended
        try:
            if socket.transport.get_write_buffer_size() > WAITS_BEYOND:
                await socket.send(event, text=True)
            else:
                # What that comes to where nothing has to be waited for.
                socket.protocol.send_text(event)
                socket.send_data()
        except Exception as error:
            raise in_our_words(error) from error

    async def listen(self, sink: Callable[[bytes], None]) -> None:
        try:
            await self.socket.listen(sink)
        except Exception as error:
            raise in_our_words(error) from error

    async def close(self) -> None:
        await self.connection.close()


async def connect(client: openai.AsyncOpenAI, model: str) -> OpenAIVoice:
    """Open a connection. Reconnecting is the call's business, not the SDK's."""
    try:
        manager = client.realtime.connect(model=model, websocket_connection_options=OPTIONS)
        return OpenAIVoice(await manager.enter())
    except Exception as error:
        raise in_our_words(error) from error


def in_our_words(error: Exception) -> Exception:
    """What the SDK or its socket raises as `VoiceUnavailable`; anything else is a fault of ours, as it is."""
    match error:
        case ConnectionClosed():
            code = error.rcvd.code if error.rcvd else 1006
            return VoiceUnavailable(code in PASSING_CLOSE_CODES, f"closed_{code}")
        case InvalidStatus():
            status = error.response.status_code
            return VoiceUnavailable(status in {408, 409, 429} or status >= 500, f"http_{status}")
        case TimeoutError():
            return VoiceUnavailable(True, "timeout")
        case OSError() | WebSocketException() | RuntimeError():
            return VoiceUnavailable(True, "unreachable")
        case openai.OpenAIError():
            return VoiceUnavailable(False, type(error).__name__)
    return error
