"""Segments of a growing spool in the object store: pieces of its three files, a few seconds per object.

A segment's key names the bytes it holds, so uploading it twice, late, or from two processes changes nothing. After an
epoch is closed, its whole journal is uploaded as well, so that it can be read with one request.
"""

import re
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from itertools import pairwise
from threading import Lock
from typing import NamedTuple

from recordings.audio.spool_sources import SpoolFile, SpoolSource
from recordings.object_store import ObjectStore

SEGMENTS_AHEAD = 6  # segments fetched in advance, because each request takes time
SEGMENTS_BEHIND = 4  # segments kept after use, because caller audio may be generated well before it is heard

_EXTENTS = re.compile(r"(\d{10})-(\d{10})_(\d{10})-(\d{10})_(\d{10})-(\d{10})", re.ASCII)
_JOURNAL = re.compile(r"journal-(\d{10})", re.ASCII)


class Extent(NamedTuple):
    """Bytes of a spooled file from `start` up to, but not including, `end`."""

    start: int
    end: int

    @property
    def length(self) -> int:
        return self.end - self.start


class Segment(NamedTuple):
    """Object that holds one piece of each file, one after the other."""

    key: str
    journal: Extent
    microphone: Extent
    caller: Extent

    @property
    def extents(self) -> tuple[Extent, Extent, Extent]:
        return (self.journal, self.microphone, self.caller)

    def offset_of(self, column: int) -> int:
        """Return the offset of a file's piece within the object, in bytes."""
        return sum(extent.length for extent in self.extents[:column])

    @property
    def size(self) -> int:
        return self.offset_of(len(self.extents))


def build_segment(prefix: str, extents: Sequence[Extent]) -> Segment:
    name = "_".join(f"{start:010}-{end:010}" for start, end in extents)
    return Segment(prefix + name, *extents)


def journal_key(prefix: str, size: int) -> str:
    return f"{prefix}journal-{size:010}"


class UploadedSegments:
    """Complete segments of an epoch in the store. Partial objects and objects that are not segments do not count."""

    def __init__(self, store: ObjectStore, prefix: str) -> None:
        self.segments: list[Segment] = []
        self.journal: tuple[str, int] | None = None
        for found in store.list_objects(prefix):
            name = found.key.removeprefix(prefix)
            if extents := _EXTENTS.fullmatch(name):
                numbers = [int(number) for number in extents.groups()]
                segment = Segment(found.key, *(Extent(*numbers[at : at + 2]) for at in (0, 2, 4)))
                if segment.size == found.size:
                    self.segments.append(segment)
            elif (whole := _JOURNAL.fullmatch(name)) and int(whole[1]) == found.size:
                self.journal = (found.key, found.size)

    def sizes(self) -> tuple[int, int, int]:
        """Return the number of bytes of each file that are present without a gap: journal, microphone, caller."""
        ends = [
            (cover[-1].extents[column].end if cover else 0) for column, cover in enumerate(self.contiguous_segments())
        ]
        return (max(ends[0], self.journal[1] if self.journal else 0), ends[1], ends[2])

    def contiguous_segments(self) -> list[list[Segment]]:
        """Return, for each file, the segments that hold it from its first byte on without a gap."""
        return [_contiguous(self.segments, column) for column in range(3)]


def _contiguous(segments: list[Segment], column: int) -> list[Segment]:
    cover: list[Segment] = []
    end = 0
    for segment in sorted(segments, key=lambda candidate: candidate.extents[column]):
        extent = segment.extents[column]
        if extent.start <= end < extent.end:
            cover.append(segment)
            end = extent.end
    return cover


class UploadedEpoch:
    """Spool source that reads an epoch from the store. It is valid within its `with` block."""

    journal: SpoolFile
    microphone: SpoolFile
    caller: SpoolFile

    def __init__(self, store: ObjectStore, prefix: str) -> None:
        uploaded = UploadedSegments(store, prefix)
        self._objects = SegmentPrefetcher(store, uploaded.segments)
        whole, microphone, caller = uploaded.contiguous_segments()
        pieces = (SegmentedFile(self._objects, cover, column) for column, cover in ((1, microphone), (2, caller)))
        self.microphone, self.caller = pieces
        if uploaded.journal:
            self.journal = ObjectFile(store, *uploaded.journal)
        else:
            self.journal = SegmentedFile(self._objects, whole, 0)

    def __enter__(self) -> SpoolSource:
        return self

    def __exit__(self, *_: object) -> None:
        self._objects.close()


class ObjectFile:
    def __init__(self, store: ObjectStore, key: str, size: int) -> None:
        self.size = size
        self._store = store
        self._key = key

    def read(self, offset: int, length: int) -> bytes:
        return read_object(self._store, self._key, offset, min(length, self.size - offset))


class SegmentedFile:
    """File whose pieces are in segments."""

    def __init__(self, objects: "SegmentPrefetcher", cover: list[Segment], column: int) -> None:
        self._objects = objects
        self._segments = cover
        self._column = column
        self._last_index = 0
        ends = [0, *(segment.extents[column].end for segment in cover)]
        self._extents = [Extent(start, end) for start, end in pairwise(ends)]

    @property
    def size(self) -> int:
        return self._extents[-1].end if self._extents else 0

    def read(self, offset: int, length: int) -> bytes:
        return b"".join(self._chunks(offset, offset + length))

    def _chunks(self, offset: int, end: int) -> Iterator[bytes]:
        for number in range(self._find_segment(offset), len(self._extents)):
            span = self._extents[number]
            if span.start >= end:
                break
            segment = self._segments[number]
            base = segment.offset_of(self._column) - segment.extents[self._column].start
            yield self._objects.get(segment)[base + max(offset, span.start) : base + min(end, span.end)]

    def _find_segment(self, offset: int) -> int:
        """Return the index of the segment at `offset`. Start at the last result, because most reads are sequential."""
        if self._last_index >= len(self._extents) or self._extents[self._last_index].start > offset:
            self._last_index = 0
        while self._last_index < len(self._extents) and self._extents[self._last_index].end <= offset:
            self._last_index += 1
        return self._last_index


class SegmentPrefetcher:
    """Cache of whole segments: the ones in use and the next ones."""

    def __init__(self, store: ObjectStore, segments: list[Segment]) -> None:
        self._store = store
        self._order = sorted(segments, key=lambda segment: [extent.start for extent in segment.extents])
        self._numbers = {segment.key: number for number, segment in enumerate(self._order)}
        self._cache: OrderedDict[int, Future[bytes]] = OrderedDict()
        self._threads = ThreadPoolExecutor(max_workers=SEGMENTS_AHEAD, thread_name_prefix="segments")
        self._lock = Lock()

    def get(self, segment: Segment) -> bytes:
        """Return a segment's bytes. Raise StoreUnavailableError, or FileNotFoundError if it has been deleted."""
        number = self._numbers[segment.key]
        with self._lock:
            for ahead in range(number, min(number + SEGMENTS_AHEAD, len(self._order))):
                if ahead not in self._cache:
                    self._cache[ahead] = self._threads.submit(self._fetch, self._order[ahead])
            self._cache.move_to_end(number)
            data = self._cache[number]
            while len(self._cache) > SEGMENTS_AHEAD + SEGMENTS_BEHIND:
                self._cache.popitem(last=False)
        return data.result()

    def _fetch(self, segment: Segment) -> bytes:
        return read_object(self._store, segment.key, 0, segment.size)

    def close(self) -> None:
        self._threads.shutdown(cancel_futures=True)


def read_object(store: ObjectStore, key: str, first: int, length: int) -> bytes:
    with closing(store.read_range(key, first, length)) as reader:
        data = bytearray()
        while block := reader.read(length - len(data)):
            data += block
        return bytes(data)
