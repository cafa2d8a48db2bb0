"""Saves what was said. One writer for the whole gateway; a call hands over a turn and goes on."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

from training.models import TranscriptTurn
from training.services.turns import record_turns
from voicegateway.briefing import Turn
from voicegateway.database import AWAY, RETRY_AFTER, WRITER, in_database

logger = logging.getLogger(__name__)

MOST_WAITING = 10_000  # turns; a later state of a turn replaces the earlier one, so this many different ones
GATHERED_FOR = 0.1  # seconds that a turn may wait for those of other calls, unless its call is ending
MOST_AT_ONCE = 50  # turns


@dataclass(frozen=True)
class Entry:
    session_id: UUID
    epoch: int
    turn: Turn
    saved: Callable[[Turn], None] = lambda turn: None


def save(entries: Sequence[Entry]) -> None:
    """All or none."""
    said: dict[UUID, list[TranscriptTurn]] = {}
    for entry in entries:
        said.setdefault(entry.session_id, []).append(as_row(entry))
    record_turns(said)


def as_row(entry: Entry) -> TranscriptTurn:
    turn = entry.turn
    return TranscriptTurn(
        item=turn.item,
        revision=turn.revision,
        after=turn.after or "",
        role=turn.role,
        text_generated=turn.text_generated,
        text_heard=turn.text_heard,
        is_final=turn.final,
        start_ms=turn.start_ms,
        end_ms=turn.end_ms,
        source=turn.source,
        is_interrupted=turn.interrupted,
        epoch=entry.epoch,
    )


class TurnWriter:
    """Writes in the order things were said; while the database is away it keeps everything and tries again.

    What all calls say within a moment is written together: a transaction costs more than the turns in it.
    """

    def __init__(
        self, write: Callable[[Sequence[Entry]], Awaitable[None]] | None = None, retry_after: float = RETRY_AFTER
    ) -> None:
        self._write = write or in_database(save, WRITER)
        self._retry_after = retry_after
        self._waiting: dict[UUID, dict[str, Entry]] = {}
        self._writing: frozenset[UUID] = frozenset()
        self._due = asyncio.Event()
        self._in_a_hurry = asyncio.Event()
        self._saved = asyncio.Condition()

    @property
    def is_behind(self) -> bool:
        """Too much waits to take on another call."""
        return sum(len(turns) for turns in self._waiting.values()) > MOST_WAITING

    def put(self, entry: Entry) -> None:
        self._waiting.setdefault(entry.session_id, {})[entry.turn.item] = entry
        self._due.set()

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            await self._due.wait()
            self._due.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(GATHERED_FOR):
                    await self._in_a_hurry.wait()
            self._in_a_hurry.clear()
            while self._waiting:
                await self._write_some()

    async def flush(self, session_id: UUID) -> None:
        """Wait until everything said in this session is saved."""
        self._in_a_hurry.set()
        async with self._saved:
            await self._saved.wait_for(lambda: session_id not in self._writing and session_id not in self._waiting)

    async def _write_some(self) -> None:
        said = self._take_some()
        self._writing = frozenset(said)
        try:
            await self._write_all([entry for turns in said.values() for entry in turns.values()])
        except AWAY as away:
            logger.warning("Turns of %d calls are not saved yet: %s", len(said), type(away).__name__)
            # A later state of the same turn may have come meanwhile.
            earlier = {session_id: turns | self._waiting.pop(session_id, {}) for session_id, turns in said.items()}
            self._waiting = earlier | self._waiting
            await asyncio.sleep(self._retry_after)
        finally:
            self._writing = frozenset()
            async with self._saved:
                self._saved.notify_all()

    def _take_some(self) -> dict[UUID, dict[str, Entry]]:
        """What has waited longest, and no more than a statement can well hold."""
        said: dict[UUID, dict[str, Entry]] = {}
        room = MOST_AT_ONCE
        while room and self._waiting:
            session_id, turns = next(iter(self._waiting.items()))
            said[session_id] = {item: turns.pop(item) for item in list(turns)[:room]}
            room -= len(said[session_id])
            if not turns:
                del self._waiting[session_id]
        return said

    async def _write_all(self, entries: Sequence[Entry]) -> None:
        """All together, or where that is refused one by one: nobody's turns are held up by another's."""
        try:
            await self._write(entries)
        except AWAY:
            raise
        except Exception as error:
            if len(entries) > 1:
                for entry in entries:
                    await self._write_all([entry])
                return
            # It will never be taken. The log gets no more than the error's name: its text may quote the row, and
            # with it what was said.
            facts = {"session_id": entries[0].session_id}
            logger.error("A turn cannot be saved: %s", type(error).__name__, extra=facts)
        else:
            for entry in entries:
                entry.saved(entry.turn)


@dataclass(frozen=True)
class SessionTurns:
    """The writer, as one call sees it."""

    writer: TurnWriter
    session_id: UUID
    epoch: int
    saved: Callable[[Turn], None]

    def put(self, turn: Turn) -> None:
        self.writer.put(Entry(self.session_id, self.epoch, turn, self.saved))
