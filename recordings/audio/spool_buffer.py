"""Buffer of a process's spools in shared memory, so that its event loop never waits for the disk.

A write to a file waits while the disk commits an earlier change to that file, up to 80 ms on a disk that really syncs.
The buffer keeps audio in files on a memory file system, where writing never waits, and a thread copies it to the spools
in batches. The memory outlives a killed process, and the next one completes the spools from it. A power cut loses audio
that has not been copied and synced.
"""

import contextlib
import os
import shutil
from collections import deque
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import NamedTuple
from uuid import uuid4

from recordings.audio.append_only_file import AppendOnlyFile, sync_folder
from recordings.audio.memory_segment import PATH_OFFSET, UNUSED, MemorySegment

SEGMENT_BYTES = 4 * 1024**2  # 0.3 s of both voices of 150 calls
MAX_SEGMENTS = 16  # per process; while all are in use, the process waits for the disk
SEGMENTS = "*.segment"
MARKER_FILE = "buffer"  # file in a spool that names the folder of its buffer
DISK_POLL = 0.05  # seconds between checks while the process waits for the disk
SYNC_TOGETHER = 4  # with at least this many files, one sync of the file system is cheaper


class BufferedFile:
    """File of a spool behind the buffer. `safe_size` is the number of bytes that survive a power cut."""

    def __init__(self, buffer: "SpoolBuffer", file: AppendOnlyFile, is_audio: bool) -> None:
        self.file = file
        self.path = os.fsencode(file.path)
        self.is_audio = is_audio
        self.size = file.path.stat().st_size
        self.safe_size = 0
        self.number = next(buffer.file_numbers)
        self.generation = UNUSED  # generation of the segment that holds the path
        self.pending: list[bytes] = []
        self.is_dirty = False  # the next batch writes and syncs it
        self.is_closing = False
        self._buffer = buffer

    @property
    def failure(self) -> str | None:
        return self.file.failure

    def append(self, data: bytes) -> bool:
        if self.is_closing or not self.file.is_open or self.file.failure:
            return False
        self._buffer.append(self, data)
        return True


class PendingWrite(NamedTuple):
    """Data to append to a file, and the file's size afterward."""

    file: BufferedFile
    pieces: list[bytes]
    size: int


class NewSpool(NamedTuple):
    """Spool that has not been synced yet: its files, and the folders that list them."""

    files: Sequence[BufferedFile]
    folders: Sequence[Path]


class ClosingSpool(NamedTuple):
    """Ended spool. Once everything is on the disk, `on_close` is called, and the files are closed."""

    files: Sequence[BufferedFile]
    on_close: Callable[[], None]


class FlushBatch(NamedTuple):
    """Contents of one flush, and the segments that it frees."""

    writes: list[PendingWrite]
    segments: list[MemorySegment]
    closing: list[ClosingSpool]
    folders: list[Path]  # folders with new files


class SpoolBuffer:
    """Buffer of one process. Call its methods only from the event loop's thread, except for `add_spool` and `write`.

    `root` must be on a memory file system. Raise OSError if it has no room.
    """

    def __init__(self, root: Path, segment_bytes: int = SEGMENT_BYTES, max_segments: int = MAX_SEGMENTS) -> None:
        self.folder = root / uuid4().hex
        self._segment_bytes = segment_bytes
        self._max_segments = max_segments
        self._segment_count = 0
        self._generation = UNUSED
        self.file_numbers = count()
        self._free: SimpleQueue[MemorySegment] = SimpleQueue()
        self._used: list[MemorySegment] = []  # since the last batch
        self._filling: MemorySegment | None = None  # the last one of them
        self._dirty: list[BufferedFile] = []
        self._closing: list[ClosingSpool] = []
        self._new_spools: deque[NewSpool] = deque()
        self._batches: deque[FlushBatch] = deque()  # taken and not yet written
        self.folder.mkdir(parents=True, mode=0o700)
        try:
            self._free.put(self._create_segment())
        except OSError:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise

    def append(self, file: BufferedFile, data: bytes) -> None:
        segment, length = self._filling, len(data)
        if segment is None or file.generation != segment.generation or not segment.has_room(length):
            segment = self._record_path(file, length)
        segment.add(file.number, file.size, data)
        file.size += length
        file.pending.append(data)
        if not file.is_dirty:
            self._mark_dirty(file)

    def add_spool(self, files: Sequence[BufferedFile], folders: Sequence[Path]) -> None:
        """Take over a new spool. The next flush syncs its files, with whatever they contain, and its folders.

        Any thread may call this.
        """
        self._new_spools.append(NewSpool(files, folders))

    def close_spool(self, files: Sequence[BufferedFile], on_close: Callable[[], None]) -> None:
        """Accept no more data. The next flush closes the files, after calling `on_close` on its own thread."""
        for file in files:
            file.is_closing = True
        self._closing.append(ClosingSpool(files, on_close))

    def take_batch(self) -> FlushBatch | None:
        """Return everything that is not on the disk yet, or None. Pass each batch to `write`, in order."""
        folders = self._take_new_spools()
        if not self._dirty and not self._closing:
            return None
        # Audio first, so that the journal never refers to missing bytes.
        dirty = sorted(self._dirty, key=lambda file: not file.is_audio)
        writes = [PendingWrite(file, file.pending, file.size) for file in dirty]
        batch = FlushBatch(writes, self._used, self._closing, folders)
        for file in dirty:
            file.pending, file.is_dirty = [], False
        self._used, self._filling, self._dirty, self._closing = [], None, [], []
        self._batches.append(batch)
        return batch

    def write(self, batch: FlushBatch) -> None:
        """Copy a batch to the disk and sync it. Call this from one thread at a time. An error disables its file."""
        writes = [write for write in batch.writes if write.file.file.append(b"".join(write.pieces))]
        _sync_files([write.file.file for write in writes], batch.folders)
        for write in writes:
            if not write.file.failure:
                write.file.safe_size = write.size
        for spool in batch.closing:
            spool.on_close()
            for file in spool.files:
                file.file.close()
        for segment in batch.segments:
            segment.begin(UNUSED)
            self._free.put(segment)
        self._batches.remove(batch)

    def close(self) -> None:
        """Write the rest and remove the buffer."""
        while batch := self.take_batch():
            self.write(batch)
        while not self._free.empty():
            self._free.get().remove()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _take_new_spools(self) -> list[Path]:
        """Mark the files of new spools for syncing. Return the folders to sync."""
        folders: list[Path] = []
        while self._new_spools:
            spool = self._new_spools.popleft()
            for file in spool.files:
                self._mark_dirty(file)
            folders += spool.folders
        return folders

    def _mark_dirty(self, file: BufferedFile) -> None:
        if not file.is_dirty:
            file.is_dirty = True
            self._dirty.append(file)

    def _record_path(self, file: BufferedFile, length: int) -> MemorySegment:
        """Return a segment with room for the data. Add the file's path to it, so that it can be read on its own."""
        segment = self._filling
        if segment is None or not segment.has_room(length, len(file.path)):
            segment = self._empty_segment()
            self._generation += 1
            segment.begin(self._generation)
            self._used.append(segment)
            self._filling = segment
        segment.add(file.number, PATH_OFFSET, file.path)
        file.generation = segment.generation
        return segment

    def _empty_segment(self) -> MemorySegment:
        """Return an empty segment. If the memory is used up, wait for the disk."""
        if self._free.empty() and self._segment_count < self._max_segments:
            with contextlib.suppress(OSError):
                return self._create_segment()
        while True:
            if self._free.empty() and not self._batches and (batch := self.take_batch()):
                self.write(batch)
            with contextlib.suppress(Empty):
                return self._free.get(timeout=DISK_POLL)

    def _create_segment(self) -> MemorySegment:
        segment = MemorySegment(self.folder / f"{self._segment_count}.segment", self._segment_bytes)
        self._segment_count += 1
        return segment


def _sync_files(files: Sequence[AppendOnlyFile], folders: Sequence[Path]) -> None:
    """Sync files and folders. If there are many, sync them together, so that the disk commits once."""
    if len(files) >= SYNC_TOGETHER and files[0].sync_file_system():
        return
    for file in files:
        file.sync()
    for folder in folders:
        sync_folder(folder)
