"""Sends a spool to the object store while it grows, so that the loss of its host costs seconds."""

from dataclasses import dataclass
from pathlib import Path

from recordings.objects import ObjectStore
from recordings.segments import Extent, Shipped, journal_key, segment_at
from recordings.sources import SpoolFolder
from recordings.spool import Spool

AT_MOST = 512 * 1024  # bytes of one file in one segment: a long outage is made up for in many small steps


class Shipper:
    """Of one epoch. Ships from where the store says the last one stopped; any number may, at any time."""

    def __init__(self, folder: Path, store: ObjectStore, prefix: str, is_new: bool = False) -> None:
        spool = SpoolFolder(folder)
        self._files = (spool.journal, spool.microphone, spool.caller)
        self._store = store
        self._prefix = prefix
        self._shipped: tuple[int, ...] | None = (0, 0, 0) if is_new else None

    def ship(self) -> None:
        """All that the spool holds now. Raises StoreAway: then nothing is lost and it goes on from there."""
        if self._shipped is None:
            self._shipped = Shipped(self._store, self._prefix).sizes()
        # The journal first: of what it speaks there are bytes in the other files already.
        there = tuple(file.size for file in self._files)
        while any(done < size for done, size in zip(self._shipped, there, strict=True)):
            self._shipped = self._ship_one(self._shipped, there)

    def seal(self) -> tuple[int, ...]:
        """Nobody writes to the spool any more: ship the rest and the journal whole. The sizes of the three files."""
        self.ship()
        assert self._shipped is not None
        journal = self._files[0]
        if journal.size:
            self._store.put(journal_key(self._prefix, journal.size), journal.read(0, journal.size))
        return self._shipped

    def _ship_one(self, shipped: tuple[int, ...], there: tuple[int, ...]) -> tuple[int, ...]:
        extents = [
            Extent(done, min(max(done, size), done + AT_MOST)) for done, size in zip(shipped, there, strict=True)
        ]
        pieces = [file.read(*(extent.start, extent.length)) for file, extent in zip(self._files, extents, strict=True)]
        segment = segment_at(self._prefix, extents)
        self._store.put(segment.key, b"".join(pieces))
        return tuple(extent.end for extent in extents)


@dataclass(frozen=True, eq=False)
class Recorded:
    """Where the audio of a call goes: to this host's disk, and from there to the object store."""

    spool: Spool
    shipper: Shipper

    def ship(self) -> None:
        """From a thread, one at a time. Raises StoreAway or OSError; nothing is lost by that."""
        # Synced first: the store never has more than a power cut leaves on the disk.
        self.spool.sync()
        self.shipper.ship()
