"""Connections of a call to the model: opened when needed or in advance, and closed in the background."""

import asyncio
import logging
from collections.abc import Mapping

from voicegateway.conversation.ports import Connector, RealtimeConnection

logger = logging.getLogger(__name__)

SPARE_RETRY_DELAY = 30.0  # seconds between attempts to open a spare connection


class UpstreamConnections:
    """The connections of one call, including at most one spare that is opened in advance."""

    def __init__(self, connect: Connector, log_fields: Mapping[str, object]) -> None:
        self._connect = connect
        self._log_fields = log_fields
        self._spare: asyncio.Future[RealtimeConnection] | None = None
        self._spare_retry_at = 0.0
        self._closing_tasks: set[asyncio.Task[None]] = set()

    async def open(self) -> RealtimeConnection:
        """Return the spare connection if there is one, otherwise a new one. Raise UpstreamUnavailableError."""
        spare, self._spare = self._spare, None
        return await (self._connect() if spare is None else spare)

    def prepare_spare(self, now: float) -> bool:
        """Start to open a spare connection unless there is one. Return True once it is open.

        Call this repeatedly. After a failure, it waits `SPARE_RETRY_DELAY` seconds before the next attempt.
        """
        if self._spare is None and now >= self._spare_retry_at:
            self._spare = asyncio.ensure_future(self._connect())
        if self._spare is None or not self._spare.done():
            return False
        if self._spare.exception() is None:
            return True
        logger.warning("Could not open a spare connection to upstream", extra=self._log_fields)
        self._spare, self._spare_retry_at = None, now + SPARE_RETRY_DELAY
        return False

    def close_in_background(self, connection: RealtimeConnection) -> None:
        """Close a connection in the background, because an unresponsive peer must not delay the next connection."""
        task = asyncio.create_task(self._close(connection))
        self._closing_tasks.add(task)
        task.add_done_callback(self._closing_tasks.discard)

    async def close_all(self) -> None:
        """Drop the spare connection, and wait until all dropped connections are closed."""
        self._drop_spare()
        await asyncio.gather(*self._closing_tasks)

    def _drop_spare(self) -> None:
        spare, self._spare = self._spare, None
        if spare is None:
            return
        spare.cancel()
        if spare.done() and not spare.cancelled() and spare.exception() is None:
            self.close_in_background(spare.result())

    async def _close(self, connection: RealtimeConnection) -> None:
        """Close a connection and log any error. The call must continue, or be saved if it is over."""
        try:
            await connection.close()
        except Exception:
            logger.exception("Could not close the connection to upstream", extra=self._log_fields)
