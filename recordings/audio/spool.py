"""Spool of one epoch of a call on disk: audio as it arrives, and a journal of its position in time.

Files only grow. Data that has not been written to them yet is in shared memory, so a killed process loses no audio that
it had received. Audio is written before its journal line, so the journal never refers to missing bytes. After a disk
error, the journal's last record is the reason. Until that record is written, a preallocated note holds the reason.
"""

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import orjson

from recordings.audio.append_only_file import AppendOnlyFile, sync_folder
from recordings.audio.buffer_recovery import BufferInUseError, complete_from_buffer
from recordings.audio.failure_note import FailureNote
from recordings.audio.microphone_clock import SAMPLE_RATE, ClockShift, MicrophoneClock
from recordings.audio.spool_buffer import MARKER_FILE, BufferedFile, SpoolBuffer

JOURNAL_VERSION = 1
MICROPHONE_FILE, CALLER_FILE, JOURNAL_FILE = "microphone.pcm", "caller.pcm", "journal.jsonl"


class SpoolWriter:
    """Writer of one epoch's spool. The folder must be new. Only `sync` may be called from another thread.

    With a buffer, the files lag behind until its next flush, which also syncs them. Without one, every call writes.

    Positions are samples on the recording's clock, which starts with the spool. Disk errors never raise: earlier data
    stays valid, positions keep counting, and `failure` holds the reason.
    """

    def __init__(
        self, folder: Path, clock: Callable[[], float], wall: float, buffer: SpoolBuffer | None = None
    ) -> None:
        self.folder = folder
        self._buffer = buffer
        self._marker = folder / MARKER_FILE
        self._clock = clock
        self._started = clock()
        self._note = FailureNote(folder)
        names = (MICROPHONE_FILE, CALLER_FILE, JOURNAL_FILE)
        self._on_disk = [AppendOnlyFile(folder / name, self._note.write) for name in names]
        self._buffered: list[BufferedFile] = []
        self._microphone: AppendOnlyFile | BufferedFile
        self._caller: AppendOnlyFile | BufferedFile
        self._journal: AppendOnlyFile | BufferedFile
        self._microphone, self._caller, self._journal = self._on_disk
        self._microphone_clock = MicrophoneClock()
        self._has_microphone = False
        self._microphone_samples = 0
        self._caller_samples = 0
        self._has_failed = False
        self._next_caller_block: tuple[int, int] | None = None
        self._next_position: int | None = None
        self._folders_to_sync = [folder, folder.parent]
        started = datetime.fromtimestamp(wall, UTC).isoformat()
        # The header must be on the disk before the disk can be full of audio.
        self._write_record("header", version=JOURNAL_VERSION, started=started, wall=float(wall), rate=SAMPLE_RATE)
        self._has_started = not self.failure  # if not, the folder may belong to another writer
        if self._has_started:
            self._note.reserve()
        if buffer and self._has_started:
            self._use_buffer(buffer)

    def _use_buffer(self, buffer: SpoolBuffer) -> None:
        """Write through the buffer from now on. Its contents count only while the marker exists."""
        try:
            self._marker.write_bytes(os.fsencode(buffer.folder))
        except OSError:
            return
        self._buffered = [BufferedFile(buffer, file, is_audio=file is not self._journal) for file in self._on_disk]
        self._microphone, self._caller, self._journal = self._buffered
        buffer.add_spool(self._buffered, self._folders_to_sync)

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
        """Sync all files, so that they survive a power cut. A buffer does that itself."""
        if not self._buffered:
            self._sync_files()

    @property
    def is_buffered(self) -> bool:
        """Return True if a buffer writes and syncs the files."""
        return bool(self._buffered)

    @property
    def safe_sizes(self) -> tuple[int, int, int] | None:
        """Bytes of the journal, microphone, and caller files that survive a power cut. None without a buffer."""
        if not self._buffered:
            return None
        microphone, caller, journal = (file.safe_size for file in self._buffered)
        return journal, microphone, caller

    def close(self) -> None:
        """Close the spool: at once, or with the next flush of its buffer."""
        self._write_record("closed", at=self.position())
        if self._buffer and self._buffered:
            self._buffer.close_spool(self._buffered, self._finish_on_disk)
        else:
            self._finish_on_disk()
            for file in self._on_disk:
                file.close()

    def _finish_on_disk(self) -> None:
        """Append the failure, if any, as the journal's last record. Remove the note and the marker."""
        if not self._has_started or not self._on_disk[-1].is_open:
            return
        if not self.failure or _append_failure(self.folder, self.failure):
            self._note.remove()
        with contextlib.suppress(OSError):
            self._marker.unlink(missing_ok=True)

    def _sync_files(self) -> None:
        # Audio first, as when writing.
        for file in self._on_disk:
            file.sync()
        with contextlib.suppress(IndexError):  # another thread may empty the list too
            while True:
                sync_folder(self._folders_to_sync.pop())

    def _rendered_position(self, index: int) -> int:
        now = self.position()
        if not self._has_microphone:
            if index == 0:
                return now
            _, shift = self._microphone_clock.place_frame(index, b"", now)
            if shift:
                self._write_shift(shift)
        return max(0, min(self._microphone_clock.position_of(index), now))

    def _append_audio(self, file: AppendOnlyFile | BufferedFile, pcm: bytes) -> bool:
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


def recover_spool(folder: Path) -> bool:
    """Complete the spool of a killed process from its buffer.

    Return False if the process is still exiting, or if the disk has no room for the reason of a failure.

    The caller must hold the spool's lock.
    """
    try:
        failure = complete_from_buffer(folder)
    except BufferInUseError:
        return False
    note = FailureNote(folder)
    if (failure := failure or note.read()) and not _append_failure(folder, failure):
        return False
    note.remove()
    return True


def _append_failure(folder: Path, reason: str) -> bool:
    """Append the record of a failure to the journal, if necessary in the space of the note. Return False if it failed.

    The note then still says that there was a failure.
    """
    record = orjson.dumps({"kind": "failed", "reason": reason}, option=orjson.OPT_APPEND_NEWLINE)
    if _append_line(folder / JOURNAL_FILE, record):
        return True
    FailureNote(folder).empty()
    return _append_line(folder / JOURNAL_FILE, record)


def _append_line(journal: Path, line: bytes) -> bool:
    """Append a line to an existing journal, whose last line may be incomplete. Return False if that failed."""
    try:
        with journal.open("r+b") as file:
            file.seek(0, os.SEEK_END)
            file.write(b"\n" + line)
    except OSError:
        return False
    return True


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
