"""Read interface of a spool, implemented by its folder on disk and by its uploaded segments."""

from io import FileIO
from pathlib import Path
from typing import Protocol

from recordings.audio.spool import CALLER_FILE, JOURNAL_FILE, MICROPHONE_FILE


class SpoolFile(Protocol):
    """One file of an epoch's spool, on disk or in the store."""

    @property
    def size(self) -> int: ...

    def read(self, offset: int, length: int) -> bytes:
        """Return `length` bytes from `offset`, or fewer at the end."""


class SpoolSource(Protocol):
    @property
    def journal(self) -> SpoolFile: ...

    @property
    def microphone(self) -> SpoolFile: ...

    @property
    def caller(self) -> SpoolFile: ...


class LocalSpoolFile:
    """Spool file on this host's disk. A missing file reads as empty."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def size(self) -> int:
        return self._path.stat().st_size if self._path.exists() else 0

    def read(self, offset: int, length: int) -> bytes:
        try:
            file = FileIO(self._path)
        except FileNotFoundError:
            return b""
        with file:
            file.seek(offset)
            return file.read(length) or b""


class SpoolFolder:
    """Files in a spool's folder on this host."""

    def __init__(self, folder: Path) -> None:
        self.journal = LocalSpoolFile(folder / JOURNAL_FILE)
        self.microphone = LocalSpoolFile(folder / MICROPHONE_FILE)
        self.caller = LocalSpoolFile(folder / CALLER_FILE)
