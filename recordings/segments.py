"""What a gateway ships of a spool while it grows: pieces of its three files, a few seconds in one object.

A segment's key says which bytes it holds, so its name can mean nothing else: sending it twice, late or by two processes
changes nothing. When an epoch is closed its journal follows whole, to be read at once.
"""

import re
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from itertools import pairwise
from threading import Lock
from typing import NamedTuple

from recordings.objects import ObjectStore
from recordings.sources import SpoolFile, SpoolSource

AHEAD = 6  # segments fetched before they are needed: each takes a moment to come
KEPT = 4  # segments kept behind: the caller's audio may have been generated well before it was heard

_EXTENTS = re.compile(r"(\d{10})-(\d{10})_(\d{10})-(\d{10})_(\d{10})-(\d{10})", re.ASCII)
_JOURNAL = re.compile(r"journal-(\d{10})", re.ASCII)


class Extent(NamedTuple):
    """Bytes `start` up to `end` of a spooled file."""

    start: int
    end: int

    @property
    def length(self) -> int:
        return self.end - self.start


class Segment(NamedTuple):
    """One piece of each file, one behind the other in one object."""

    key: str
    journal: Extent
    microphone: Extent
    caller: Extent

    @property
    def extents(self) -> tuple[Extent, Extent, Extent]:
        return (self.journal, self.microphone, self.caller)

    def place(self, column: int) -> int:
        """Where in the object the piece of this file begins."""
        return sum(extent.length for extent in self.extents[:column])

    @property
    def size(self) -> int:
        return self.place(len(self.extents))


def segment_at(prefix: str, extents: Sequence[Extent]) -> Segment:
    name = "_".join(f"{start:010}-{end:010}" for start, end in extents)
    return Segment(prefix + name, *extents)


def journal_key(prefix: str, size: int) -> str:
    return f"{prefix}journal-{size:010}"


class Shipped:
    """What the store holds of an epoch. What is there only in part, or is no segment, does not count."""

    def __init__(self, store: ObjectStore, prefix: str) -> None:
        self.segments: list[Segment] = []
        self.journal: tuple[str, int] | None = None
        for found in store.objects(prefix):
            name = found.key.removeprefix(prefix)
            if extents := _EXTENTS.fullmatch(name):
                numbers = [int(number) for number in extents.groups()]
                segment = Segment(found.key, *(Extent(*numbers[at : at + 2]) for at in (0, 2, 4)))
                if segment.size == found.size:
                    self.segments.append(segment)
            elif (whole := _JOURNAL.fullmatch(name)) and int(whole[1]) == found.size:
                self.journal = (found.key, found.size)

    def sizes(self) -> tuple[int, int, int]:
        """How far each file is there without a gap, in bytes: journal, microphone, caller."""
        ends = [(cover[-1].extents[column].end if cover else 0) for column, cover in enumerate(self.covers())]
        return (max(ends[0], self.journal[1] if self.journal else 0), ends[1], ends[2])

    def covers(self) -> list[list[Segment]]:
        """For each file the segments that hold it from its first byte on, each going on where the one before ends."""
        return [_cover(self.segments, column) for column in range(3)]


def _cover(segments: list[Segment], column: int) -> list[Segment]:
    cover: list[Segment] = []
    end = 0
    for segment in sorted(segments, key=lambda one: one.extents[column]):
        extent = segment.extents[column]
        if extent.start <= end < extent.end:
            cover.append(segment)
            end = extent.end
    return cover


class ShippedEpoch:
    """An epoch, read from the store. Ends with its `with` block."""

    journal: SpoolFile
    microphone: SpoolFile
    caller: SpoolFile

    def __init__(self, store: ObjectStore, prefix: str) -> None:
        shipped = Shipped(store, prefix)
        self._objects = FetchedAhead(store, shipped.segments)
        whole, microphone, caller = shipped.covers()
        pieces = (PieceByPiece(self._objects, cover, column) for column, cover in ((1, microphone), (2, caller)))
        self.microphone, self.caller = pieces
        if shipped.journal:
            self.journal = WholeObject(store, *shipped.journal)
        else:
            self.journal = PieceByPiece(self._objects, whole, 0)

    def __enter__(self) -> SpoolSource:
        return self

    def __exit__(self, *_: object) -> None:
        self._objects.close()


class WholeObject:
    def __init__(self, store: ObjectStore, key: str, size: int) -> None:
        self.size = size
        self._store = store
        self._key = key

    def read(self, offset: int, length: int) -> bytes:
        return fetch(self._store, self._key, offset, min(length, self.size - offset))


class PieceByPiece:
    """A file whose pieces lie in segments."""

    def __init__(self, objects: "FetchedAhead", cover: list[Segment], column: int) -> None:
        self._objects = objects
        self._cover = cover
        self._column = column
        self._near = 0
        ends = [0, *(segment.extents[column].end for segment in cover)]
        self._spans = [Extent(start, end) for start, end in pairwise(ends)]

    @property
    def size(self) -> int:
        return self._spans[-1].end if self._spans else 0

    def read(self, offset: int, length: int) -> bytes:
        return b"".join(self._pieces(offset, offset + length))

    def _pieces(self, offset: int, end: int) -> Iterator[bytes]:
        for number in range(self._first(offset), len(self._spans)):
            span = self._spans[number]
            if span.start >= end:
                break
            segment = self._cover[number]
            begins = segment.place(self._column) - segment.extents[self._column].start
            yield self._objects.get(segment)[begins + max(offset, span.start) : begins + min(end, span.end)]

    def _first(self, offset: int) -> int:
        """Reading goes mostly on from where it was."""
        if self._near >= len(self._spans) or self._spans[self._near].start > offset:
            self._near = 0
        while self._near < len(self._spans) and self._spans[self._near].end <= offset:
            self._near += 1
        return self._near


class FetchedAhead:
    """Whole segments, of which a few are held: those in use and those that come next."""

    def __init__(self, store: ObjectStore, segments: list[Segment]) -> None:
        self._store = store
        self._order = sorted(segments, key=lambda segment: [extent.start for extent in segment.extents])
        self._numbers = {segment.key: number for number, segment in enumerate(self._order)}
        self._held: OrderedDict[int, Future[bytes]] = OrderedDict()
        self._threads = ThreadPoolExecutor(max_workers=AHEAD, thread_name_prefix="segments")
        self._lock = Lock()

    def get(self, segment: Segment) -> bytes:
        """Raises StoreAway, or FileNotFoundError where it was deleted meanwhile."""
        number = self._numbers[segment.key]
        with self._lock:
            for wanted in range(number, min(number + AHEAD, len(self._order))):
                if wanted not in self._held:
                    self._held[wanted] = self._threads.submit(self._fetch, self._order[wanted])
            self._held.move_to_end(number)
            data = self._held[number]
            while len(self._held) > AHEAD + KEPT:
                self._held.popitem(last=False)
        return data.result()

    def _fetch(self, segment: Segment) -> bytes:
        return fetch(self._store, segment.key, 0, segment.size)

    def close(self) -> None:
        self._threads.shutdown(cancel_futures=True)


def fetch(store: ObjectStore, key: str, first: int, length: int) -> bytes:
    with closing(store.read_range(key, first, length)) as reader:
        data = bytearray()
        while block := reader.read(length - len(data)):
            data += block
        return bytes(data)
