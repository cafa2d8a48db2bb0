"""Recovery of spools from the buffers of killed processes."""

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterator
from errno import EIO
from pathlib import Path

from recordings.audio.memory_segment import read_records
from recordings.audio.spool_buffer import MARKER_FILE, SEGMENTS


class BufferInUseError(Exception):
    """Refusal to read the buffer of a process that is still running."""


def complete_from_buffer(spool: Path) -> str | None:
    """Complete a spool's files from the buffer of its killed process. Return the reason for a failure, or None.

    The caller must hold the spool's lock. Raise BufferInUseError while the process is still exiting.
    """
    marker = spool / MARKER_FILE
    try:
        folder = Path(os.fsdecode(marker.read_bytes()))
    except FileNotFoundError:
        return None
    failures: dict[Path, str] = {}
    with _lock_segments(folder) as segments:
        for _, path, offset, data in sorted(record for segment in segments for record in read_records(segment)):
            if path.parent == spool and path not in failures:
                try:
                    _append_missing(path, offset, data)
                except OSError as error:
                    failures[path] = error.strerror or type(error).__name__
        marker.unlink()
    return next(iter(failures.values()), None)


def remove_unused_buffers(root: Path, spools: Path) -> None:
    """Remove the buffers of dead processes that no spool needs anymore."""
    needed = {marker.read_text(errors="surrogateescape") for marker in spools.glob(f"*/*/{MARKER_FILE}")}
    for folder in root.iterdir() if root.exists() else ():
        if str(folder) in needed or not any(folder.glob(SEGMENTS)):
            continue
        with contextlib.suppress(BufferInUseError), _lock_segments(folder):
            shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _lock_segments(folder: Path) -> Iterator[list[bytes]]:
    """Lock a buffer's segments while the block runs and yield their contents. Raise BufferInUseError if in use."""
    with contextlib.ExitStack() as stack:
        contents = []
        for path in folder.glob(SEGMENTS):
            try:
                file = stack.enter_context(path.open("rb"))
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except FileNotFoundError:
                continue
            except BlockingIOError:
                raise BufferInUseError from None
            contents.append(file.read())
        yield contents


def _append_missing(path: Path, offset: int, data: bytes) -> None:
    """Append the data that a file does not contain yet. Raise OSError if a failed write has left a gap."""
    with path.open("ab") as file:
        size = file.tell()
        if offset > size:
            raise OSError(EIO, os.strerror(EIO))
        if offset <= size < offset + len(data):
            file.write(data[size - offset :])
