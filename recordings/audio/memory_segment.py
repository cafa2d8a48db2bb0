"""Segment of a spool buffer: a mapped file of records, which outlives the process that writes it."""

import fcntl
import mmap
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

# Length, file number, offset in the file, generation. The generation is written last, so a record without it does not
# count.
_RECORD = struct.Struct("<IIQQ")
_GENERATION = struct.Struct("<Q")
PATH_OFFSET = 2**64 - 1  # in a record that holds a file's path instead of its data
UNUSED = 0  # generation of a segment without records


class MemorySegment:
    """Mapped file of records. Only records of its current generation count. Later generations hold later records."""

    def __init__(self, path: Path, size: int) -> None:
        self.path = path
        self.size = size
        self.generation = UNUSED
        self.used = _GENERATION.size
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Allocate the memory now. Writing to memory that cannot be allocated would kill the process.
            _allocate(self._fd, size)
            self._memory = mmap.mmap(self._fd, size)
        except OSError:
            os.close(self._fd)
            path.unlink(missing_ok=True)
            raise

    def begin(self, generation: int) -> None:
        """Begin a new generation, which invalidates all earlier records."""
        self.generation = generation
        self.used = _GENERATION.size
        _GENERATION.pack_into(self._memory, 0, generation)

    def has_room(self, length: int, path_length: int = 0) -> bool:
        """Return True if there is room for a record with that much data, and for one with a path before it."""
        return self.used + length + path_length + 2 * _RECORD.size <= self.size

    def add(self, number: int, offset: int, data: bytes) -> None:
        at = self.used
        start = at + _RECORD.size
        self.used = start + len(data)
        self._memory[start : self.used] = data
        _RECORD.pack_into(self._memory, at, len(data), number, offset, self.generation)

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)
        self._memory.close()
        os.close(self._fd)


def _allocate(fd: int, size: int) -> None:
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(fd, 0, size)
    else:  # macOS, for development only
        os.ftruncate(fd, size)


class RecoveredRecord(NamedTuple):
    """Data of a killed process. Records sort in the order in which they were written."""

    order: tuple[int, int]  # generation, position in the segment
    path: Path
    offset: int
    data: bytes


def read_records(segment: bytes) -> Iterator[RecoveredRecord]:
    if len(segment) < _GENERATION.size or not (generation := _GENERATION.unpack_from(segment)[0]):
        return
    paths: dict[int, Path] = {}
    at = _GENERATION.size
    while at + _RECORD.size <= len(segment):
        length, number, offset, written_in = _RECORD.unpack_from(segment, at)
        data = segment[at + _RECORD.size : at + _RECORD.size + length]
        if written_in != generation:
            return
        if offset == PATH_OFFSET:
            paths[number] = Path(os.fsdecode(data))
        else:
            yield RecoveredRecord((generation, at), paths[number], offset, data)
        at += _RECORD.size + length
