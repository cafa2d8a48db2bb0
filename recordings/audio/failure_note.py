"""Note of a spool's write failure, in space reserved in advance for a full disk."""

import contextlib
import os
from errno import ENOSPC
from pathlib import Path

NOTE_FILE = "failure"
NOTE_BYTES = 4096  # one block of most file systems; emptying the note frees as much for the journal


class FailureNote:
    """Note in a spool's folder. Any thread may write it. Disk errors never raise.

    The first line is the reason, or blank. A note without any content stands for a full disk.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / NOTE_FILE
        self._is_reserved = False

    def reserve(self) -> None:
        """Create a blank note of NOTE_BYTES, or none if the disk is full."""
        try:
            self._path.write_bytes(b"\n" + os.urandom(NOTE_BYTES - 1))  # compression would shrink anything else
            self._is_reserved = True
        except OSError:
            self.remove()

    def write(self, reason: str) -> None:
        """Write the reason over the reserved space. Do nothing if this object has reserved no space."""
        if not self._is_reserved:
            return
        line = reason.encode()[: NOTE_BYTES - 1] + b"\n"
        try:
            fd = os.open(self._path, os.O_WRONLY)
            try:
                os.pwrite(fd, line, 0)
            finally:
                os.close(fd)
        except OSError:  # some file systems write to a new place each time
            self.empty()

    def read(self) -> str:
        """Return the reason, or "" if there was no failure."""
        try:
            content = self._path.read_bytes()
        except OSError:
            return ""
        return content.split(b"\n")[0].decode(errors="replace") if content else os.strerror(ENOSPC)

    def empty(self) -> None:
        """Free the space of the note, but keep the note."""
        with contextlib.suppress(OSError):
            os.truncate(self._path, 0)

    def remove(self) -> None:
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)
