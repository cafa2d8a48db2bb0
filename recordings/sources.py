"""Where the audio of an epoch can be read from: the folder that it was spooled into, or the segments shipped of it."""

from io import FileIO
from pathlib import Path
from typing import Protocol

from recordings.spool import CALLER, JOURNAL, MICROPHONE


class SpoolFile(Protocol):
    """One of the files that an epoch's spool consists of, wherever its bytes lie now."""

    @property
    def size(self) -> int: ...

    def read(self, offset: int, length: int) -> bytes:
        """Bytes from there on; fewer where it ends."""


class SpoolSource(Protocol):
    @property
    def journal(self) -> SpoolFile: ...

    @property
    def microphone(self) -> SpoolFile: ...

    @property
    def caller(self) -> SpoolFile: ...


class LocalFile:
    """On this host's disk, perhaps not there."""

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
    """What a gateway's spool left in its folder."""

    def __init__(self, folder: Path) -> None:
        self.journal = LocalFile(folder / JOURNAL)
        self.microphone = LocalFile(folder / MICROPHONE)
        self.caller = LocalFile(folder / CALLER)
