"""Pub/sub hints about calls, sent between processes.

The channel layer carries them and may lose them; the database is the source of truth.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from uuid import UUID

from channels.layers import get_channel_layer

logger = logging.getLogger(__name__)

# One group for all calls: hints are rare, and a subscription per call would be one more thing to fail.
GROUP = "calls"
PUBLISH_TIMEOUT = 1.0  # seconds; a request waits for this
RETRY_DELAY = 2.0  # seconds to wait while the channel layer is unavailable
RESUBSCRIBE_AFTER = 3600.0  # seconds; an in-memory layer would otherwise let the subscription expire


async def publish(kind: str, session_id: UUID, **fields: object) -> None:
    """Send a hint to every gateway. Raise the channel layer's own errors, or TimeoutError if it hangs."""
    layer = get_channel_layer()
    if layer is not None:
        async with asyncio.timeout(PUBLISH_TIMEOUT):
            await layer.group_send(GROUP, {"type": kind, "session_id": str(session_id), **fields})


async def subscribe(on_message: Callable[[dict[str, Any]], None]) -> None:
    """Call `on_message` for each hint until cancelled.

    While the channel layer is unavailable, the heartbeat makes the same checks.
    """
    while True:
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(RESUBSCRIBE_AFTER):
                    await _subscribe_once(on_message)
        except Exception as error:
            logger.warning("Could not receive hints: %s", type(error).__name__)
            await asyncio.sleep(RETRY_DELAY)


async def _subscribe_once(on_message: Callable[[dict[str, Any]], None]) -> None:
    layer = get_channel_layer()
    channel = await layer.new_channel()
    await layer.group_add(GROUP, channel)
    try:
        while True:
            on_message(await layer.receive(channel))
    finally:
        await layer.group_discard(GROUP, channel)
