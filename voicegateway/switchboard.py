"""What a gateway process has once: the writer of turns, the spools to be synced, the recordings to be finished."""

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor

from django.conf import settings

from ai import build_async_client
from recordings.services import finish_recordings
from recordings.spool import Spool
from voicegateway.database import FINISHER, in_database
from voicegateway.turns import TurnWriter

logger = logging.getLogger(__name__)

DIAL_TIMEOUT = 10.0  # seconds
SYNC_EVERY = 1.0  # seconds of audio that a power cut may cost


class Switchboard:
    """Lives as long as the process; its calls come and go."""

    def __init__(self) -> None:
        self.writer = TurnWriter()
        # One for all calls: each would bring its own certificates and connections.
        self.openai = build_async_client(timeout=DIAL_TIMEOUT, max_retries=0)
        self.spools: set[Spool] = set()
        self._disk = ThreadPoolExecutor(max_workers=1, thread_name_prefix="gateway-disk")
        self._recordings_due = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        self._tasks = [
            asyncio.create_task(work) for work in (self.writer.run(), self._sync_spools(), self._finish_recordings())
        ]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._disk.shutdown(wait=True)
        await self.openai.close()

    def finish_soon(self) -> None:
        """A call is over: its recording can be made."""
        self._recordings_due.set()

    async def _sync_spools(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(SYNC_EVERY)
            for spool in tuple(self.spools):
                await loop.run_in_executor(self._disk, spool.sync)

    async def _finish_recordings(self) -> None:
        """At once after a call, when the process starts, and now and then for what other events left behind."""
        while True:
            self._recordings_due.clear()
            await self._finish_waiting()
            try:
                async with asyncio.timeout(settings.SWEEP_EVERY):
                    await self._recordings_due.wait()
            except TimeoutError:
                continue

    async def _finish_waiting(self) -> None:
        try:
            await in_database(finish_recordings, FINISHER)()
        except Exception:
            logger.exception("Recordings could not be finished; they will be tried again")
