import asyncio
from typing import Any

from channels.layers import InMemoryChannelLayer


class ThreadSafeInMemoryChannelLayer(InMemoryChannelLayer):
    """An in-memory layer for one process whose web and gateway run on loops of their own.

    Channels' own layer puts into an asyncio queue from whatever thread sends, which does not wake the loop that waits.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._homes: dict[str, asyncio.AbstractEventLoop] = {}

    async def receive(self, channel: str) -> dict[str, Any]:
        self._homes[channel] = asyncio.get_running_loop()
        message: dict[str, Any] = await super().receive(channel)
        return message

    async def send(self, channel: str, message: dict[str, Any]) -> None:
        home = self._homes.get(channel)
        if home is None or home is asyncio.get_running_loop():
            await super().send(channel, message)
        elif not home.is_closed():
            asyncio.run_coroutine_threadsafe(super().send(channel, message), home)

    async def group_discard(self, group: str, channel: str) -> None:
        await super().group_discard(group, channel)
        self._homes.pop(channel, None)

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        for channel in list(self.groups.get(group, {})):
            await self.send(channel, message)
