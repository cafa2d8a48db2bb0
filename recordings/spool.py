"""Writes the audio of one epoch of a call to disk as it comes; where it belongs in time goes into a journal beside it.

Every file only ever grows and nothing is buffered, so a killed process loses nothing that it was given.
Audio is written before the journal line about it: the journal never speaks of bytes that are not there.
"""

import contextlib
import fcntl
import os
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import orjson

from recordings.microphone import RATE, MicrophoneClock, Shift

VERSION = 1
MICROPHONE, CALLER, JOURNAL = "microphone.pcm", "caller.pcm", "journal.jsonl"

_fdatasync: Callable[[int], None] = getattr(os, "fdatasync", os.fsync)  # macOS has only fsync


class AppendOnlyFile:
    """All of what is given or, after the first error, nothing more: the call goes on, `failure` says why."""

    def __init__(self, path: Path) -> None:
        self.failure: str | None = None
        self._fd = -1
        self._closing = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        except OSError as error:
            self._fail(error)
            return
        # Whoever finds it unlocked knows that its writer has closed it, or is dead.
        with contextlib.suppress(OSError):  # a disk that knows no locks
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)

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
        """From another thread; on a copy of the descriptor, so that closing never waits for the disk."""
        with self._closing:
            if self._fd < 0:
                return
            fd = os.dup(self._fd)
        try:
            _fdatasync(fd)
        except OSError as error:
            self._fail(error)
        finally:
            os.close(fd)

    def close(self) -> None:
        with self._closing:
            fd, self._fd = self._fd, -1
            if fd >= 0:
                os.close(fd)

    def _fail(self, error: OSError) -> None:
        self.failure = self.failure or error.strerror or type(error).__name__


class Spool:
    """One epoch's writer. The folder must be new; no method but `sync` may be called from another thread.

    Positions are samples of the recording's clock, which starts with the spool. No disk error is ever raised: what
    was written before stays valid, positions go on counting, and `failure` says what happened.
    """

    def __init__(self, folder: Path, clock: Callable[[], float], wall: float) -> None:
        self.folder = folder
        self._clock = clock
        self._began = clock()
        self._journal = AppendOnlyFile(folder / JOURNAL)
        self._microphone = AppendOnlyFile(folder / MICROPHONE)
        self._caller = AppendOnlyFile(folder / CALLER)
        self._place = MicrophoneClock()
        self._has_microphone = False
        self._heard = 0
        self._spoken = 0
        self._has_failed = False
        self._speaks_on: tuple[int, int] | None = None
        self._follows_on: int | None = None
        self._folders_to_sync = [folder, folder.parent]
        started = datetime.fromtimestamp(wall, UTC).isoformat()
        self._note("header", version=VERSION, started=started, wall=float(wall), rate=RATE)

    @property
    def failure(self) -> str | None:
        return self._journal.failure or self._microphone.failure or self._caller.failure

    def position(self) -> int:
        return round((self._clock() - self._began) * RATE)

    def hear(self, pcm: bytes, index: int) -> int:
        """Keep a microphone frame; its position. `index` is the running index of its first sample."""
        self._has_microphone = True
        position, shift = self._place.place(index, pcm, self.position())
        is_kept = self._keep(self._microphone, pcm)
        if shift:
            self._note_shift(shift)
        if is_kept and position != self._follows_on:
            self._note("microphone", offset=self._heard, at=position)
        if is_kept:
            self._heard += len(pcm) // 2
            self._follows_on = position + len(pcm) // 2
        return position

    def speak(self, item: int, index: int, pcm: bytes) -> None:
        """Keep the caller's audio as it was generated; what of it was heard, `played` says."""
        samples = len(pcm) // 2
        if not self._keep(self._caller, pcm):
            return
        if (item, index) != self._speaks_on:
            self._note("caller", item=item, offset=self._spoken, index=index)
        self._spoken += samples
        self._speaks_on = (item, index + samples)

    def played(self, item: int, samples: int, at_mic_sample: int, final: bool) -> None:
        """So many samples of the item had been rendered at that sample of the microphone's clock.

        A counselor who types may have no microphone: then the reports themselves tell how its clock runs, and
        where it does not run at all (0) the report counts from when it arrived.
        """
        self._note("played", item=item, samples=samples, at=self._rendered_at(at_mic_sample), final=final)

    def mute(self, on: bool) -> None:
        self._note("mute", on=on, at=self.position())

    def sync(self) -> None:
        """Make what was written so far survive a power cut. Audio first, as it was written."""
        for file in (self._microphone, self._caller, self._journal):
            file.sync()
        with contextlib.suppress(IndexError):  # another thread may be at them, too
            while True:
                sync_folder(self._folders_to_sync.pop())

    def close(self) -> None:
        self._note("closed", at=self.position())
        for file in (self._microphone, self._caller, self._journal):
            file.close()

    def _rendered_at(self, index: int) -> int:
        now = self.position()
        if not self._has_microphone:
            if index == 0:
                return now
            _, shift = self._place.place(index, b"", now)
            if shift:
                self._note_shift(shift)
        return max(0, min(self._place.at(index), now))

    def _keep(self, file: AppendOnlyFile, pcm: bytes) -> bool:
        """Nothing more once anything failed: the two channels end together."""
        if self._has_failed or self._journal.failure:
            return False
        is_kept = file.append(pcm)
        if not is_kept:
            self._has_failed = True
            self._note("failed", reason=file.failure or "closed")
        return is_kept

    def _note_shift(self, shift: Shift) -> None:
        self._note("shift", at=shift.at, by=shift.by)
        if self._follows_on is not None:
            self._follows_on += shift.by

    def _note(self, kind: str, **facts: int | float | str) -> None:
        self._journal.append(orjson.dumps({"kind": kind, **facts}, option=orjson.OPT_APPEND_NEWLINE))


@contextlib.contextmanager
def left_behind(folder: Path) -> Iterator[bool]:
    """Whether nobody writes to the spool in this folder any more; if so, nobody else is told so while this lasts."""
    try:
        fd = os.open(folder / JOURNAL, os.O_RDONLY)
    except FileNotFoundError:  # the disk took not even that
        yield True
        return
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        yield False
    else:
        yield True
    finally:
        os.close(fd)


def sync_folder(folder: Path) -> None:
    """A new file's name is safe only once its folder is. Not every file system can: the file itself is what counts."""
    with contextlib.suppress(OSError):
        fd = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
