"""What a gateway process has once: calls, their heartbeat, the writer of turns, spools and their way out, the drain."""

import asyncio
import logging
import shutil
from collections import deque
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings

from ai import build_async_client
from recordings.objects import StoreAway
from recordings.services.leftovers import see_spools, ship_leftovers
from recordings.shipping import Recorded
from recordings.storage import object_store
from training.services.lines import Held, beat, lapse
from voicegateway import hints
from voicegateway.briefing import EndReason
from voicegateway.call import Call
from voicegateway.database import BEATER, SHIPPER, at_last, in_database
from voicegateway.turns import TurnWriter

logger = logging.getLogger(__name__)

DIAL_TIMEOUT = 10.0  # seconds
SYNC_EVERY = 1.0  # seconds of audio that a power cut may cost
LAST_SHIPMENT = 15.0  # seconds
SHIPS = 4  # uploads at once, which is many more calls: each takes a fraction of the time between two
LAG_EVERY, LAGS_KEPT = 0.1, 100  # the worst of the last ten seconds

# Another holder has the call, or the counselor may not have it any more: these end at once, without last words.
AT_ONCE = {EndReason.REPLACED, EndReason.LOGGED_OUT}


class Full(Exception):
    """This process takes no more calls. `reason` is one word for the page and the log."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, eq=False)
class Holding:
    """A call that this process holds."""

    held: Held
    call: Call
    recording: Recorded | None


class Switchboard:
    """Lives as long as the process; its calls come and go."""

    def __init__(self) -> None:
        self.writer = TurnWriter()
        # One for all calls: each would bring its own certificates and connections.
        self.openai = build_async_client(timeout=DIAL_TIMEOUT, max_retries=0)
        self.holdings: set[Holding] = set()
        self.admitted = 0
        self.is_draining = False
        self.lags: deque[float] = deque(maxlen=LAGS_KEPT)
        self._disk = ThreadPoolExecutor(max_workers=1, thread_name_prefix="gateway-disk")
        self._ships = ThreadPoolExecutor(max_workers=SHIPS, thread_name_prefix="gateway-ships")
        self._shipping: set[Recorded] = set()
        self._leftovers_due = asyncio.Event()
        self._look_due = asyncio.Event()
        self._nobody_left = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        # Loaded now: the first call's sound must not wait for it.
        object_store()
        for work in (
            self.writer.run(),
            self._sync_spools(),
            self._ship_spools(),
            self._see_spools(),
            self._ship_leftovers(),
            self._beat(),
            self._measure_lag(),
            hints.listen(self._hear),
        ):
            self._keep(work)

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._disk.shutdown(wait=True)
        self._ships.shutdown(wait=False, cancel_futures=True)
        await self._ship_the_last()
        await self.openai.close()

    async def _ship_the_last(self) -> None:
        """This host may be gone for good. A store that is away is not waited for: whoever starts here next ships it."""
        try:
            async with asyncio.timeout(LAST_SHIPMENT):
                await in_database(ship_leftovers, SHIPPER)()
        except TimeoutError:
            logger.warning("Recordings stay on this host until a gateway starts here again")
        except Exception:
            logger.exception("Recordings could not be shipped; they stay on this host")

    # Who is here

    @contextmanager
    def place(self) -> Iterator[None]:
        """A place for one more call, kept while the block lasts. Raises Full."""
        if self.is_draining:
            raise Full("draining")
        if self.admitted >= settings.CALLS_PER_PROCESS or self.writer.is_behind:
            raise Full("overloaded")
        if not self._has_room():
            raise Full("disk_full")
        self.admitted += 1
        self._nobody_left.clear()
        try:
            yield
        finally:
            self.admitted -= 1
            if not self.admitted:
                self._nobody_left.set()

    def _has_room(self) -> bool:
        """Whether the disk would take this call's audio, too. Those under way come first."""
        recorded = sum(holding.recording is not None for holding in self.holdings)
        root = Path(settings.SPOOL_DIR)
        try:
            root.mkdir(parents=True, exist_ok=True)
            return shutil.disk_usage(root).free >= (recorded + 1) * settings.DISK_PER_CALL
        except OSError:
            return False

    @contextmanager
    def holding(self, held: Held, call: Call, recording: Recorded | None) -> Iterator[None]:
        """Keep the call's heartbeat and its spool while the block lasts."""
        holding = Holding(held, call, recording)
        self.holdings.add(holding)
        try:
            yield
        finally:
            self.holdings.discard(holding)

    def report(self) -> dict[str, object]:
        """For an operator, and for whoever checks that nothing is left behind."""
        return {
            "calls": self.admitted,
            "calls_at_most": settings.CALLS_PER_PROCESS,
            "tasks": len(asyncio.all_tasks()),
            "loop_lag_ms": round(1000 * max(self.lags, default=0.0), 1),
        }

    async def drain(self, seconds: float) -> None:
        """Take no more calls and let those under way come to their end, but not longer than that."""
        self.is_draining = True
        for holding in tuple(self.holdings):
            holding.call.notify("draining")
        if self.admitted:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._nobody_left.wait()
        await self.put_down_all()

    async def put_down_all(self) -> None:
        """Save every call as it is and leave it to another process."""
        self.is_draining = True
        for holding in tuple(self.holdings):
            holding.call.stop(EndReason.SHUTDOWN)
        if self.admitted:
            await self._nobody_left.wait()

    # What calls leave behind

    def finish_soon(self) -> None:
        """A call is over: the rest of its recording can be shipped."""
        self._leftovers_due.set()

    def lapse_later(self, session_id: UUID, epoch: int) -> None:
        """The line is kept for a while, and then the session ends. If this process does too, the sweep sees to it."""
        self._keep(self._lapse(session_id, epoch))

    async def _lapse(self, session_id: UUID, epoch: int) -> None:
        await asyncio.sleep(settings.LINE_KEPT_FOR)
        if await at_last(lapse)(session_id, epoch):
            self.finish_soon()

    # What it does all the time

    def _keep(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _beat(self) -> None:
        """Say which calls are held, and notice which are not ours any more, whatever became of the hints."""
        while True:
            self._look_due.clear()
            holdings = tuple(self.holdings)
            try:
                lost = await in_database(beat, BEATER)([holding.held for holding in holdings])
            except Exception as error:
                logger.warning("No heartbeat: %s", type(error).__name__)
            else:
                for holding in holdings:
                    if holding.held.session_id in lost:
                        _end(holding, EndReason(lost[holding.held.session_id]))
            with suppress(TimeoutError):
                async with asyncio.timeout(settings.HEARTBEAT_EVERY):
                    await self._look_due.wait()

    def _hear(self, message: dict[str, Any]) -> None:
        """A hint about a call, perhaps one of ours."""
        for holding in tuple(self.holdings):
            if str(holding.held.session_id) != message["session_id"]:
                continue
            if message["type"] == "call.let_go" and message["epoch"] == holding.held.epoch:
                _end(holding, EndReason.REPLACED)
            else:
                self._look_due.set()

    async def _measure_lag(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + LAG_EVERY
            await asyncio.sleep(LAG_EVERY)
            self.lags.append(max(0.0, loop.time() - due))

    async def _sync_spools(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(SYNC_EVERY)
            for holding in tuple(self.holdings):
                if holding.recording:
                    await loop.run_in_executor(self._disk, holding.recording.spool.sync)

    async def _ship_spools(self) -> None:
        """The loss of this host costs what was heard since the last time, and what is on its way."""
        while True:
            await asyncio.sleep(settings.SHIP_EVERY)
            for holding in tuple(self.holdings):
                if holding.recording and holding.recording not in self._shipping:
                    self._shipping.add(holding.recording)
                    self._keep(self._ship(holding.held, holding.recording))

    async def _ship(self, held: Held, recording: Recorded) -> None:
        try:
            await asyncio.get_running_loop().run_in_executor(self._ships, recording.ship)
        except (StoreAway, OSError) as error:
            # No traceback: while the store is away every call says so every few seconds.
            logger.warning("Not shipped (%s); it stays here", error, extra={"session_id": held.session_id})
        finally:
            self._shipping.discard(recording)

    async def _see_spools(self) -> None:
        """However long the store is away: these are not lost, they are here."""
        while True:
            try:
                await in_database(see_spools, BEATER)()
            except Exception as error:
                logger.warning("Spools not announced: %s", type(error).__name__)
            await asyncio.sleep(settings.SWEEP_EVERY)

    async def _ship_leftovers(self) -> None:
        """At once after a call, when the process starts, and now and then for what other events left behind."""
        while True:
            self._leftovers_due.clear()
            try:
                await in_database(ship_leftovers, SHIPPER)()
            except Exception:
                logger.exception("Recordings could not be shipped; they will be tried again")
            with suppress(TimeoutError):
                async with asyncio.timeout(settings.SWEEP_EVERY):
                    await self._leftovers_due.wait()


def _end(holding: Holding, reason: EndReason) -> None:
    (holding.call.stop if reason in AT_ONCE else holding.call.end)(reason)
