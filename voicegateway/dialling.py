import asyncio
from collections.abc import Coroutine
from contextlib import suppress

from voicegateway.ports import Voice, VoiceUnavailable


class Dialling:
    """A voice from the first moment: what is sent or awaited waits until the connection stands, or fails with it."""

    def __init__(self, connecting: Coroutine[None, None, Voice]) -> None:
        self._connecting = asyncio.ensure_future(connecting)

    async def send(self, event: bytes) -> None:
        voice = await asyncio.shield(self._connecting)
        await voice.send(event)

    async def receive(self) -> bytes:
        voice = await asyncio.shield(self._connecting)
        return await voice.receive()

    async def close(self) -> None:
        if not self._connecting.done():
            self._connecting.cancel()
        with suppress(asyncio.CancelledError, VoiceUnavailable):
            voice = await self._connecting
            await voice.close()
