"""Note of why a spool could not be written, in space that was set aside, because a full disk has no room for a line."""

import contextlib
import os
from pathlib import Path

NOTE_FILE = "failure"
NOTE_BYTES = 4096  # one block of most file systems; removing the note frees as much for the journal


class FailureNote:
    """Note in a spool's folder. Any thread may write it. Disk errors never raise."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / NOTE_FILE
        self._is_reserved = False

    def reserve(self) -> None:
        """Create an empty note that takes up its space."""
        with contextlib.suppress(OSError):
            self._path.write_bytes(b" " * NOTE_BYTES)
            self._is_reserved = True

    def write(self, reason: str) -> None:
        """Write the reason over the space that this object has reserved. Without one, do nothing."""
        if not self._is_reserved:
            return
        with contextlib.suppress(OSError):
            fd = os.open(self._path, os.O_WRONLY)
            try:
                os.pwrite(fd, reason.encode()[:NOTE_BYTES].ljust(NOTE_BYTES), 0)
            finally:
                os.close(fd)

    def read(self) -> str:
        """Return the reason, or "" if there is none."""
        with contextlib.suppress(OSError):
            return self._path.read_text(errors="replace").strip()
        return ""

    def remove(self) -> None:
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)
