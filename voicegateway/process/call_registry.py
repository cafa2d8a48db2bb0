"""Registry of a gateway process: its calls, heartbeats, turn writer, spool uploads, and drain."""

import asyncio
import logging
import shutil
from collections import deque
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings

from ai import build_async_client
from recordings.audio.live_recording import LiveRecording
from recordings.storage import object_store
from training.services.call_leases import CallLease, expire_call, renew_leases
from voicegateway.conversation.call import Call
from voicegateway.conversation.call_config import CallEndReason
from voicegateway.process import pubsub
from voicegateway.process.admission import PresentedTickets
from voicegateway.process.database_executor import HEARTBEAT_EXECUTOR, database_to_async, retry_until_available
from voicegateway.process.spool_tasks import SpoolTasks
from voicegateway.process.turn_writer import TurnWriter

logger = logging.getLogger(__name__)

DIAL_TIMEOUT = 10.0  # seconds
LAG_INTERVAL, LAG_SAMPLES = 0.1, 100  # seconds, count: the worst lag of the last ten seconds is reported

# The call has another holder, or the counselor has lost access: end at once, without waiting for last words.
IMMEDIATE_END_REASONS = {CallEndReason.REPLACED, CallEndReason.LOGGED_OUT}


class CapacityError(Exception):
    """Refusal of a call that exceeds this process's capacity. `reason` is one word for the page and the log."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, eq=False)
class RegisteredCall:
    """Call held by this process."""

    lease: CallLease
    call: Call
    recording: LiveRecording | None


class CallRegistry:
    """Calls of one gateway process and the background tasks that serve them."""

    def __init__(self) -> None:
        self.writer = TurnWriter()
        # Shared by all calls: each client loads certificates and opens connections of its own.
        self.openai = build_async_client(timeout=DIAL_TIMEOUT, max_retries=0)
        self.calls: set[RegisteredCall] = set()
        self.slots_taken = 0
        self.presented_tickets = PresentedTickets()
        self.is_draining = False
        self.spools = SpoolTasks(self._live_recordings)
        self.loop_lags: deque[float] = deque(maxlen=LAG_SAMPLES)
        self._heartbeat_due = asyncio.Event()
        self._all_calls_ended = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        # Load the storage now, so that the first call's audio does not wait for it.
        object_store()
        self.spools.open_buffer()
        for work in (
            self.writer.run(),
            *self.spools.background_work(),
            self._send_heartbeats(),
            self._measure_loop_lag(),
            pubsub.subscribe(self._handle_message),
        ):
            self._spawn(work)

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.spools.close()
        await self.openai.close()

    # Admission and drain

    @contextmanager
    def reserve_slot(self) -> Iterator[None]:
        """Reserve a slot for one more call while the block runs. Raise CapacityError if there is none."""
        if self.is_draining:
            raise CapacityError("draining")
        if self.slots_taken >= settings.CALLS_PER_PROCESS or self.writer.is_behind:
            raise CapacityError("overloaded")
        if not self._has_disk_space():
            raise CapacityError("disk_full")
        self.slots_taken += 1
        self._all_calls_ended.clear()
        try:
            yield
        finally:
            self.slots_taken -= 1
            if not self.slots_taken:
                self._all_calls_ended.set()

    def _has_disk_space(self) -> bool:
        """Return True if the disk has room for one more call after reserving `DISK_PER_CALL` for each recorded call."""
        recorded = sum(registered.recording is not None for registered in self.calls)
        root = Path(settings.SPOOL_DIR)
        try:
            root.mkdir(parents=True, exist_ok=True)
            return shutil.disk_usage(root).free >= (recorded + 1) * settings.DISK_PER_CALL
        except OSError:
            return False

    @contextmanager
    def register(self, lease: CallLease, call: Call, recording: LiveRecording | None) -> Iterator[None]:
        """Send the call's heartbeats and upload its spool while the block runs."""
        registered = RegisteredCall(lease, call, recording)
        self.calls.add(registered)
        try:
            yield
        finally:
            self.calls.discard(registered)

    def _live_recordings(self) -> Iterator[tuple[UUID, LiveRecording]]:
        return ((one.lease.session_id, one.recording) for one in self.calls if one.recording)

    def status(self) -> dict[str, object]:
        """Return call and task counts and the event loop's lag, for operators and leak checks."""
        return {
            "calls": self.slots_taken,
            "calls_at_most": settings.CALLS_PER_PROCESS,
            "tasks": len(asyncio.all_tasks()),
            "loop_lag_ms": round(1000 * max(self.loop_lags, default=0.0), 1),
        }

    async def drain(self, seconds: float) -> None:
        """Refuse new calls, wait up to `seconds` for the current ones to end, then release the rest."""
        self.is_draining = True
        for registered in tuple(self.calls):
            registered.call.send_notice("draining")
        if self.slots_taken:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._all_calls_ended.wait()
        await self.release_all()

    async def release_all(self) -> None:
        """Save every call in its current state and release it to another process."""
        self.is_draining = True
        for registered in tuple(self.calls):
            registered.call.end_now(CallEndReason.SHUTDOWN)
        if self.slots_taken:
            await self._all_calls_ended.wait()

    # After a call

    def request_upload(self) -> None:
        """Upload the rest of an ended call's recording soon."""
        self.spools.leftover_upload_due.set()

    def schedule_expiry(self, session_id: UUID, epoch: int) -> None:
        """End the session after `LINE_KEPT_FOR` seconds unless the counselor comes back.

        If this process stops first, the sweep ends the session.
        """
        self._spawn(self._expire_after_grace(session_id, epoch))

    async def _expire_after_grace(self, session_id: UUID, epoch: int) -> None:
        await asyncio.sleep(settings.LINE_KEPT_FOR)
        if await retry_until_available(expire_call)(session_id, epoch):
            self.request_upload()

    # Background tasks

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _send_heartbeats(self) -> None:
        """Renew the leases of all calls and end those that this process has lost, even if the hints were lost."""
        while True:
            self._heartbeat_due.clear()
            registered_calls = tuple(self.calls)
            try:
                leases = [registered.lease for registered in registered_calls]
                lost = await database_to_async(renew_leases, HEARTBEAT_EXECUTOR)(leases)
            except Exception as error:
                logger.warning("No heartbeat: %s", type(error).__name__)
            else:
                for registered in registered_calls:
                    if registered.lease.session_id in lost:
                        _end_call(registered, CallEndReason(lost[registered.lease.session_id]))
            with suppress(TimeoutError):
                async with asyncio.timeout(settings.HEARTBEAT_EVERY):
                    await self._heartbeat_due.wait()

    def _handle_message(self, message: dict[str, Any]) -> None:
        """Act on a hint if it is about one of this process's calls."""
        for registered in tuple(self.calls):
            if str(registered.lease.session_id) != message["session_id"]:
                continue
            if message["type"] == "call.let_go" and message["epoch"] == registered.lease.epoch:
                _end_call(registered, CallEndReason.REPLACED)
            else:
                self._heartbeat_due.set()

    async def _measure_loop_lag(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + LAG_INTERVAL
            await asyncio.sleep(LAG_INTERVAL)
            self.loop_lags.append(max(0.0, loop.time() - due))


def _end_call(registered: RegisteredCall, reason: CallEndReason) -> None:
    (registered.call.end_now if reason in IMMEDIATE_END_REASONS else registered.call.end)(reason)
