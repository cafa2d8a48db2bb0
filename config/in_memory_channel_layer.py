"""In-memory channel layer for the demo."""

import asyncio
from typing import Any

from channels.layers import InMemoryChannelLayer


class ThreadSafeInMemoryChannelLayer(InMemoryChannelLayer):
    """An in-memory layer for one process whose web server and gateway run on separate event loops.

    The Channels layer puts messages into an asyncio queue from the sender's thread, which does not wake a waiting loop
    in another thread.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._loops: dict[str, asyncio.AbstractEventLoop] = {}

    async def receive(self, channel: str) -> dict[str, Any]:
        self._loops[channel] = asyncio.get_running_loop()
        message: dict[str, Any] = await super().receive(channel)
        return message

    async def send(self, channel: str, message: dict[str, Any]) -> None:
        receiver_loop = self._loops.get(channel)
        if receiver_loop is None or receiver_loop is asyncio.get_running_loop():
            await super().send(channel, message)
        elif not receiver_loop.is_closed():
            asyncio.run_coroutine_threadsafe(super().send(channel, message), receiver_loop)

    async def group_discard(self, group: str, channel: str) -> None:
        await super().group_discard(group, channel)
        self._loops.pop(channel, None)

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        for channel in list(self.groups.get(group, {})):
            await self.send(channel, message)
