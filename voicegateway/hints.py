"""News between processes about calls. It is carried by the channel layer and may be lost; the database is the truth."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from uuid import UUID

from channels.layers import get_channel_layer

logger = logging.getLogger(__name__)

# One for all calls: news are rare, and a subscription for each call would be one more thing that can break.
GROUP = "calls"
AGAIN_AFTER = 2.0  # seconds without a channel layer
RENEWED_EVERY = 3600.0  # before an in-memory layer forgets who listens


async def hint(kind: str, session_id: UUID, **facts: object) -> None:
    """Tell every gateway. Raises whatever the channel layer does."""
    layer = get_channel_layer()
    if layer is not None:
        await layer.group_send(GROUP, {"type": kind, "session_id": str(session_id), **facts})


async def listen(heard: Callable[[dict[str, Any]], None]) -> None:
    """Pass on what is told, until cancelled. While the channel layer is away, the heartbeat finds out by itself."""
    while True:
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(RENEWED_EVERY):
                    await _listen_once(heard)
        except Exception as error:
            logger.warning("No hints: %s", type(error).__name__)
            await asyncio.sleep(AGAIN_AFTER)


async def _listen_once(heard: Callable[[dict[str, Any]], None]) -> None:
    layer = get_channel_layer()
    channel = await layer.new_channel()
    await layer.group_add(GROUP, channel)
    try:
        while True:
            heard(await layer.receive(channel))
    finally:
        await layer.group_discard(GROUP, channel)
