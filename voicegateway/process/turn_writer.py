"""Writer that saves the turns of all calls of a gateway. A call queues a turn and never waits."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

from training.models import TranscriptTurn
from training.services.turns import record_turns
from training.transcript import TurnSnapshot
from voicegateway.process.database_executor import RETRY_DELAY, TURN_EXECUTOR, UNAVAILABLE_ERRORS, database_to_async

logger = logging.getLogger(__name__)

MAX_QUEUED = 10_000  # distinct turns; a later state of a turn replaces the earlier one
BATCH_WINDOW = 0.2  # seconds that a turn waits to be batched with other calls' turns, unless a call is ending
MAX_BATCH = 50  # turns


@dataclass(frozen=True)
class QueuedTurn:
    """Turn waiting to be saved."""

    session_id: UUID
    epoch: int
    turn: TurnSnapshot
    on_saved: Callable[[TurnSnapshot], None] = lambda turn: None


def save_turns(entries: Sequence[QueuedTurn]) -> None:
    """Save all of the turns or none of them."""
    batch: dict[UUID, list[TranscriptTurn]] = {}
    for entry in entries:
        batch.setdefault(entry.session_id, []).append(TranscriptTurn.from_snapshot(entry.turn, entry.epoch))
    record_turns(batch)


class TurnWriter:
    """Queue and writer of turns, in spoken order. It keeps and retries everything while the database is unavailable.

    Turns that all calls queue within `BATCH_WINDOW` are written together: a transaction costs more than its turns.
    """

    def __init__(
        self,
        save_batch: Callable[[Sequence[QueuedTurn]], Awaitable[None]] | None = None,
        retry_after: float = RETRY_DELAY,
    ) -> None:
        self._save_batch = save_batch or database_to_async(save_turns, TURN_EXECUTOR)
        self._retry_after = retry_after
        self._queued: dict[UUID, dict[str, QueuedTurn]] = {}
        self._writing: frozenset[UUID] = frozenset()
        self._work_due = asyncio.Event()
        self._flush_requested = asyncio.Event()
        self._saved = asyncio.Condition()

    @property
    def is_behind(self) -> bool:
        """Return True if the queue is too long to take on another call."""
        return sum(len(turns) for turns in self._queued.values()) > MAX_QUEUED

    def put(self, entry: QueuedTurn) -> None:
        self._queued.setdefault(entry.session_id, {})[entry.turn.item] = entry
        self._work_due.set()

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            await self._work_due.wait()
            self._work_due.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(BATCH_WINDOW):
                    await self._flush_requested.wait()
            self._flush_requested.clear()
            while self._queued:
                await self._write_batch()

    async def flush(self, session_id: UUID) -> None:
        """Wait until every queued turn of the session is saved."""
        self._flush_requested.set()
        async with self._saved:
            await self._saved.wait_for(lambda: session_id not in self._writing and session_id not in self._queued)

    async def _write_batch(self) -> None:
        batch = self._take_batch()
        self._writing = frozenset(batch)
        try:
            await self._write_all([entry for turns in batch.values() for entry in turns.values()])
        except UNAVAILABLE_ERRORS as error:
            logger.warning("Turns of %d calls are not saved yet: %s", len(batch), type(error).__name__)
            # Keep the later state of a turn that was queued again during the attempt.
            earlier = {session_id: turns | self._queued.pop(session_id, {}) for session_id, turns in batch.items()}
            self._queued = earlier | self._queued
            await asyncio.sleep(self._retry_after)
        finally:
            self._writing = frozenset()
            async with self._saved:
                self._saved.notify_all()

    def _take_batch(self) -> dict[UUID, dict[str, QueuedTurn]]:
        """Take up to `MAX_BATCH` turns, those of the longest-waiting sessions first."""
        batch: dict[UUID, dict[str, QueuedTurn]] = {}
        free = MAX_BATCH
        while free and self._queued:
            session_id, turns = next(iter(self._queued.items()))
            batch[session_id] = {item: turns.pop(item) for item in list(turns)[:free]}
            free -= len(batch[session_id])
            if not turns:
                del self._queued[session_id]
        return batch

    async def _write_all(self, entries: Sequence[QueuedTurn]) -> None:
        """Save the turns together, or one by one if that fails, so that one bad turn never holds up another call's."""
        try:
            await self._save_batch(entries)
        except UNAVAILABLE_ERRORS:
            raise
        except Exception as error:
            if len(entries) > 1:
                for entry in entries:
                    await self._write_all([entry])
                return
            # This turn will never be accepted. Log only the error's name: its text may quote the row, and with it
            # the counselor's or caller's words.
            log_fields = {"session_id": entries[0].session_id}
            logger.error("A turn cannot be saved: %s", type(error).__name__, extra=log_fields)
        else:
            for entry in entries:
                entry.on_saved(entry.turn)


@dataclass(frozen=True)
class SessionTurnSink:
    """Turn sink of one call."""

    writer: TurnWriter
    session_id: UUID
    epoch: int
    on_saved: Callable[[TurnSnapshot], None]

    def put(self, turn: TurnSnapshot) -> None:
        self.writer.put(QueuedTurn(self.session_id, self.epoch, turn, self.on_saved))
