"""Background work for the spools of a gateway process: writing to the disk, uploads, and leftovers."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from uuid import UUID

from django.conf import settings

from recordings.audio.live_recording import LiveRecording
from recordings.audio.spool_buffer import SpoolBuffer
from recordings.object_store import StoreUnavailableError
from recordings.services.spools import mark_spools_seen, open_spool_buffer, upload_closed_spools
from voicegateway.process.database_executor import HEARTBEAT_EXECUTOR, UPLOAD_EXECUTOR, database_to_async

logger = logging.getLogger(__name__)

# Seconds between syncs. A power cut loses this much audio, plus what arrives during a sync.
SYNC_INTERVAL = 0.5
FINAL_UPLOAD_TIMEOUT = 15.0  # seconds
# Concurrent uploads. They serve many more calls, because one upload takes a fraction of the interval between two.
UPLOAD_THREADS = 4
MAX_UPLOAD_PAUSE = 0.5  # seconds; longest wait before the pace is adjusted to new calls

NamedRecording = tuple[UUID, LiveRecording]  # with its session's id


class UploadOrder:
    """Order of uploads: one at a time, evenly spaced, because uploading all at once would stall the event loop."""

    def __init__(self) -> None:
        self._round: deque[NamedRecording] = deque()

    def update(self, live: Iterable[NamedRecording]) -> int:
        """Drop ended recordings, add new ones at the end, and return the number of recordings."""
        current = dict.fromkeys(live)
        self._round = deque(one for one in self._round if one in current)
        known = set(self._round)
        self._round.extend(one for one in current if one not in known)
        return len(self._round)

    def next(self) -> NamedRecording | None:
        """Return the recording that was uploaded longest ago, or None if there are no recordings."""
        if not self._round:
            return None
        self._round.rotate(-1)
        return self._round[-1]


def _sync_spools(recordings: Iterable[LiveRecording]) -> None:
    for recording in recordings:
        recording.spool.sync()


class SpoolTasks:
    """Background work for the spools of this process. `live_recordings` returns those of calls in progress."""

    def __init__(self, live_recordings: Callable[[], Iterable[NamedRecording]]) -> None:
        self.buffer: SpoolBuffer | None = None
        self.leftover_upload_due = asyncio.Event()
        self._live_recordings = live_recordings
        self._disk_executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="gateway-disk")
        self._upload_executor = ThreadPoolExecutor(max_workers=UPLOAD_THREADS, thread_name_prefix="gateway-uploads")
        self._uploads: dict[LiveRecording, asyncio.Task[None]] = {}

    def open_buffer(self) -> None:
        self.buffer = open_spool_buffer()

    def background_work(self) -> list[Coroutine[None, None, None]]:
        return [self._sync(), self._upload_live(), self._mark_seen(), self._upload_leftovers()]

    async def close(self) -> None:
        """Write everything to the disk and upload it, because this host may never start again.

        Stop uploading after `FINAL_UPLOAD_TIMEOUT`: the next gateway on this host uploads the rest.
        """
        self._disk_executor.shutdown(wait=True)
        if self.buffer:
            self.buffer.close()
        self._upload_executor.shutdown(wait=False, cancel_futures=True)
        try:
            async with asyncio.timeout(FINAL_UPLOAD_TIMEOUT):
                await database_to_async(upload_closed_spools, UPLOAD_EXECUTOR)()
        except TimeoutError:
            logger.warning("Recordings stay on this host until a gateway starts here again")
        except Exception:
            logger.exception("Recordings could not be uploaded; they stay on this host")

    async def _sync(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(SYNC_INTERVAL)
            await self._flush_buffer()
            unbuffered = [recording for _, recording in self._live_recordings() if not recording.spool.is_buffered]
            if unbuffered:
                await loop.run_in_executor(self._disk_executor, _sync_spools, unbuffered)

    async def _flush_buffer(self) -> None:
        """Write the contents of the buffer to the disk."""
        if self.buffer and (batch := self.buffer.take_batch()):
            await asyncio.get_running_loop().run_in_executor(self._disk_executor, self.buffer.write, batch)

    async def _upload_live(self) -> None:
        """Upload each live recording every `SHIP_EVERY` seconds.

        Losing this host costs the audio since the last upload and whatever is in transit.
        """
        order, loop = UploadOrder(), asyncio.get_running_loop()
        latest = loop.time()
        while True:
            count = order.update(self._live_recordings())
            wait = latest + settings.SHIP_EVERY / max(1, count) - loop.time()
            if wait > 0:
                await asyncio.sleep(min(wait, MAX_UPLOAD_PAUSE))
                continue
            latest = loop.time()
            due = order.next()
            if due and due[1] not in self._uploads:
                self._uploads[due[1]] = asyncio.create_task(self._upload(*due))

    async def _upload(self, session_id: UUID, recording: LiveRecording) -> None:
        try:
            await asyncio.get_running_loop().run_in_executor(self._upload_executor, recording.upload)
        except (StoreUnavailableError, OSError) as error:
            # No traceback: during an outage of the store every call logs this every few seconds.
            log_fields = {"session_id": session_id}
            logger.warning("Audio not uploaded (%s); it stays on this host", error, extra=log_fields)
        finally:
            del self._uploads[recording]

    async def _mark_seen(self) -> None:
        """Mark the spools on this host as seen, so that a long outage of the store does not make them count as lost."""
        while True:
            try:
                await database_to_async(mark_spools_seen, HEARTBEAT_EXECUTOR)()
            except Exception as error:
                logger.warning("Spools not marked as seen: %s", type(error).__name__)
            await asyncio.sleep(settings.SWEEP_EVERY)

    async def _upload_leftovers(self) -> None:
        """Upload closed spools at the process's start, after each call, and every `SWEEP_EVERY` seconds.

        The periodic run catches spools left behind by anything else.
        """
        while True:
            self.leftover_upload_due.clear()
            try:
                await self._flush_buffer()
                await database_to_async(upload_closed_spools, UPLOAD_EXECUTOR)()
            except Exception:
                logger.exception("Recordings could not be uploaded; the upload will be retried")
            with suppress(TimeoutError):
                async with asyncio.timeout(settings.SWEEP_EVERY):
                    await self.leftover_upload_due.wait()
