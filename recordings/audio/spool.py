"""Spool of one epoch of a call on disk: audio as it arrives, and a journal of its position in time.

Files only grow and nothing is buffered, so a killed process loses no audio that it had received. Audio is written
before its journal line, so the journal never refers to missing bytes.
"""

import contextlib
import fcntl
import os
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import orjson

from recordings.audio.microphone_clock import SAMPLE_RATE, ClockShift, MicrophoneClock

JOURNAL_VERSION = 1
MICROPHONE_FILE, CALLER_FILE, JOURNAL_FILE = "microphone.pcm", "caller.pcm", "journal.jsonl"

_fdatasync: Callable[[int], None] = getattr(os, "fdatasync", os.fsync)  # macOS has only fsync


class AppendOnlyFile:
    """File that only grows. After the first error, it accepts no more data, and `failure` is the reason."""

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
        # An unlocked file means that its writer has closed it or is dead.
        with contextlib.suppress(OSError):  # some file systems have no locks
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
        """Sync the file, from any thread. It uses a copy of the descriptor, so `close` need not wait for the disk."""
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


class SpoolWriter:
    """Writer of one epoch's spool. The folder must be new. Only `sync` may be called from another thread.

    Positions are samples on the recording's clock, which starts with the spool. Disk errors never raise: earlier data
    stays valid, positions keep counting, and `failure` holds the reason.
    """

    def __init__(self, folder: Path, clock: Callable[[], float], wall: float) -> None:
        self.folder = folder
        self._clock = clock
        self._started = clock()
        self._journal = AppendOnlyFile(folder / JOURNAL_FILE)
        self._microphone = AppendOnlyFile(folder / MICROPHONE_FILE)
        self._caller = AppendOnlyFile(folder / CALLER_FILE)
        self._microphone_clock = MicrophoneClock()
        self._has_microphone = False
        self._microphone_samples = 0
        self._caller_samples = 0
        self._has_failed = False
        self._next_caller_block: tuple[int, int] | None = None
        self._next_position: int | None = None
        self._folders_to_sync = [folder, folder.parent]
        started = datetime.fromtimestamp(wall, UTC).isoformat()
        self._write_record("header", version=JOURNAL_VERSION, started=started, wall=float(wall), rate=SAMPLE_RATE)

    @property
    def failure(self) -> str | None:
        return self._journal.failure or self._microphone.failure or self._caller.failure

    def position(self) -> int:
        return round((self._clock() - self._started) * SAMPLE_RATE)

    def record_microphone(self, pcm: bytes, index: int) -> int:
        """Write a microphone frame and return its position. `index` is the running index of its first sample."""
        self._has_microphone = True
        position, shift = self._microphone_clock.place_frame(index, pcm, self.position())
        is_written = self._append_audio(self._microphone, pcm)
        if shift:
            self._write_shift(shift)
        if is_written and position != self._next_position:
            self._write_record("microphone", offset=self._microphone_samples, at=position)
        if is_written:
            self._microphone_samples += len(pcm) // 2
            self._next_position = position + len(pcm) // 2
        return position

    def record_caller(self, item: int, index: int, pcm: bytes) -> None:
        """Write the caller's audio as it was generated. `record_playback` records how much of it was heard."""
        samples = len(pcm) // 2
        if not self._append_audio(self._caller, pcm):
            return
        if (item, index) != self._next_caller_block:
            self._write_record("caller", item=item, offset=self._caller_samples, index=index)
        self._caller_samples += samples
        self._next_caller_block = (item, index + samples)

    def record_playback(self, item: int, samples: int, at_mic_sample: int, final: bool) -> None:
        """Record that `samples` samples of an item had been rendered at microphone sample `at_mic_sample`.

        A counselor who types may have no microphone. The microphone's clock then follows these reports. If
        `at_mic_sample` is 0, the clock is not running, and the report's time of arrival is used.
        """
        self._write_record("played", item=item, samples=samples, at=self._rendered_position(at_mic_sample), final=final)

    def set_muted(self, on: bool) -> None:
        self._write_record("mute", on=on, at=self.position())

    def sync(self) -> None:
        """Sync all files, so that they survive a power cut. Audio comes first, as when writing."""
        for file in (self._microphone, self._caller, self._journal):
            file.sync()
        with contextlib.suppress(IndexError):  # another thread may empty the list too
            while True:
                sync_folder(self._folders_to_sync.pop())

    def close(self) -> None:
        self._write_record("closed", at=self.position())
        for file in (self._microphone, self._caller, self._journal):
            file.close()

    def _rendered_position(self, index: int) -> int:
        now = self.position()
        if not self._has_microphone:
            if index == 0:
                return now
            _, shift = self._microphone_clock.place_frame(index, b"", now)
            if shift:
                self._write_shift(shift)
        return max(0, min(self._microphone_clock.position_of(index), now))

    def _append_audio(self, file: AppendOnlyFile, pcm: bytes) -> bool:
        """Append audio. Return True if it was written. After a failure, write none: both channels must end together."""
        if self._has_failed or self._journal.failure:
            return False
        is_written = file.append(pcm)
        if not is_written:
            self._has_failed = True
            self._write_record("failed", reason=file.failure or "closed")
        return is_written

    def _write_shift(self, shift: ClockShift) -> None:
        self._write_record("shift", at=shift.at, by=shift.by)
        if self._next_position is not None:
            self._next_position += shift.by

    def _write_record(self, kind: str, **fields: int | float | str) -> None:
        self._journal.append(orjson.dumps({"kind": kind, **fields}, option=orjson.OPT_APPEND_NEWLINE))


@contextlib.contextmanager
def try_lock_spool(folder: Path) -> Iterator[bool]:
    """Yield True if the spool in this folder has no writer. No other process gets True while the block runs."""
    try:
        fd = os.open(folder / JOURNAL_FILE, os.O_RDONLY)
    except FileNotFoundError:  # not even the journal could be created
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
    """Sync a folder, so that new files in it survive a power cut. Ignore errors where that is unsupported."""
    with contextlib.suppress(OSError):
        fd = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
