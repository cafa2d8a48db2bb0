"""Files and folders on disk that keep their contents after a crash."""

import contextlib
import ctypes
import fcntl
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

_fdatasync: Callable[[int], None] = getattr(os, "fdatasync", os.fsync)  # macOS has only fsync
_syncfs: Callable[[int], int] | None = getattr(ctypes.CDLL(None), "syncfs", None)  # only Linux has it


class AppendOnlyFile:
    """File that only grows. After the first error, it accepts no more data, and `failure` is the reason.

    `on_failure` is called with the reason, on the thread where the error occurred.
    """

    def __init__(self, path: Path, on_failure: Callable[[str], None]) -> None:
        self.path = path
        self._on_failure = on_failure
        self.failure: str | None = None
        self._fd = -1
        self._closing = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        except OSError as error:
            self._fail(error)
            return
        # An unlocked file means that its writer has closed it or is dead.
        with contextlib.suppress(OSError):  # some file systems have no locks
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)

    @property
    def is_open(self) -> bool:
        return self._fd >= 0

    def append(self, data: bytes) -> bool:
        if self._fd < 0 or self.failure:
            return False
        try:
            while data:
                data = data[os.write(self._fd, data) :]
        except OSError as error:
            self._fail(error)
            return False
        return True

    def sync(self) -> None:
        """Sync the file, from any thread."""
        with self._duplicate() as fd:
            try:
                if fd is not None:
                    _fdatasync(fd)
            except OSError as error:
                self._fail(error)

    def sync_file_system(self) -> bool:
        """Sync everything on the file's file system. Return False if that failed or is not supported."""
        with self._duplicate() as fd:
            return fd is not None and _syncfs is not None and _syncfs(fd) == 0

    @contextlib.contextmanager
    def _duplicate(self) -> Iterator[int | None]:
        """Yield a copy of the descriptor, so that `close` need not wait for the disk. Yield None if it is closed."""
        with self._closing:
            fd = os.dup(self._fd) if self._fd >= 0 else None
        try:
            yield fd
        finally:
            if fd is not None:
                os.close(fd)

    def close(self) -> None:
        with self._closing:
            fd, self._fd = self._fd, -1
            if fd >= 0:
                os.close(fd)

    def _fail(self, error: OSError) -> None:
        if not self.failure:
            self.failure = error.strerror or type(error).__name__
            self._on_failure(self.failure)


def sync_folder(folder: Path) -> None:
    """Sync a folder, so that new files in it survive a power cut. Ignore errors where that is unsupported."""
    with contextlib.suppress(OSError):
        fd = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
