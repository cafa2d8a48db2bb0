"""The caller's voice from OpenAI's Realtime API. The only module of the gateway that imports `openai`."""

from collections.abc import Iterator
from contextlib import contextmanager

import openai
from openai.resources.realtime.realtime import AsyncRealtimeConnection
from openai.types.websocket_connection_options import WebSocketConnectionOptions
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from voicegateway.ports import VoiceUnavailable

# A close with another code (a policy, a message too big) would only come again.
PASSING_CLOSE_CODES = frozenset({1000, 1001, 1005, 1006, 1011, 1012, 1013, 1015})


class ConnectionOptions(WebSocketConnectionOptions, total=False):
    """The SDK passes these on to `websockets` too, but does not declare them."""

    open_timeout: float
    close_timeout: float


# An echoed item with audio exceeds any sensible limit; compression does not pay for sound.
OPTIONS = ConnectionOptions(max_size=None, compression=None, open_timeout=4.0, close_timeout=2.0)


class OpenAIVoice:
    """One Realtime connection, as raw JSON: typed events cost thirty times as much."""

    def __init__(self, connection: AsyncRealtimeConnection) -> None:
        self.connection = connection

    async def send(self, event: bytes) -> None:
        with in_our_words():
            await self.connection.send_raw(event.decode())  # bytes would go out as a binary message

    async def receive(self) -> bytes:
        with in_our_words():
            return await self.connection.recv_bytes()

    async def close(self) -> None:
        await self.connection.close()


async def connect(client: openai.AsyncOpenAI, model: str) -> OpenAIVoice:
    """Open a connection. Reconnecting is the call's business, not the SDK's."""
    with in_our_words():
        manager = client.realtime.connect(model=model, websocket_connection_options=OPTIONS)
        return OpenAIVoice(await manager.enter())


@contextmanager
def in_our_words() -> Iterator[None]:
    """Turn whatever the SDK or its socket raises inside into `VoiceUnavailable`."""
    try:
        yield
    except ConnectionClosed as closed:
        code = closed.rcvd.code if closed.rcvd else 1006
        raise VoiceUnavailable(code in PASSING_CLOSE_CODES, f"closed_{code}") from closed
    except InvalidStatus as refused:
        status = refused.response.status_code
        raise VoiceUnavailable(status in {408, 409, 429} or status >= 500, f"http_{status}") from refused
    except TimeoutError as late:
        raise VoiceUnavailable(True, "timeout") from late
    except (OSError, WebSocketException) as broken:
        raise VoiceUnavailable(True, "unreachable") from broken
    except openai.OpenAIError as error:
        raise VoiceUnavailable(False, type(error).__name__) from error
