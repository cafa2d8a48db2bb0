"""Writes the audio of one epoch of a call to disk as it comes; where it belongs in time goes into a journal beside it.

Every file only ever grows and nothing is buffered, so a killed process loses nothing that it was given.
Audio is written before the journal line about it: the journal never speaks of bytes that are not there.
"""

import contextlib
import json
import math
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

RATE = 24_000
MILLISECOND = RATE // 1000
VERSION = 1
MICROPHONE, CALLER, JOURNAL = "microphone.pcm", "caller.pcm", "journal.jsonl"

LATE = 200 * MILLISECOND  # network jitter stays below; a stall and a suspended context do not
EARLY = 10 * MILLISECOND  # a sample that comes this long before its place proves the place wrong
PATIENCE = 3000 * MILLISECOND  # so long may a burst take to begin after a stall
CATCHING_UP = 50 * MILLISECOND  # lateness that falls by this within PATIENCE is a burst on its way
HALF_WINDOW = 2500 * MILLISECOND
DRIFT_IGNORED = 3 * MILLISECOND
SLEW = 20 * MILLISECOND  # the anchor follows a drifting clock by at most one sample in so many
STEP, STEP_IN_SPEECH = 1 * MILLISECOND, 5 * MILLISECOND
QUIET = 300

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


class SlidingMinimum:
    """The least of the last 2.5 to 5 s, kept as two halves."""

    def __init__(self) -> None:
        self._older = self._newer = math.inf
        self._began = 0

    def add(self, value: int, now: int) -> None:
        if now - self._began >= HALF_WINDOW:
            self._older, self._newer, self._began = self._newer, value, now
        else:
            self._newer = min(self._newer, value)

    def least(self) -> int:
        """0 until enough was seen."""
        return 0 if self._older == math.inf else int(min(self._older, self._newer))

    def lower(self, by: int) -> None:
        self._older -= by
        self._newer -= by


@dataclass(frozen=True)
class Shift:
    """What was learnt late: everything the microphone's clock placed from `at` on stands `by` samples later."""

    at: int
    by: int


@dataclass
class Era:
    """A stretch with one anchor. It begins at sample `index`, placed at `start`; the one before ended at `limit`."""

    index: int
    start: int
    limit: int
    anchor_before: int | None = None


@dataclass
class Lateness:
    """Frames keep coming late since `since`: the burst after a stall, or a context that was suspended?"""

    since: Era
    least: int
    mark: int
    marked_at: int


class MicrophoneClock:
    """Where on the recording's clock the microphone's samples stand: placed by arrival, counted by samples.

    An anchor turns the running index into a position. The network only ever adds delay, so the least lateness seen
    is the true one. Frames that come late keep their counted place. If they stay as late for PATIENCE, the
    microphone's clock stood still, and all since the first late one moves on; if one comes early, the anchor itself
    had been late, and its whole era moves back. Either is a Shift: hindsight loses no sample.
    """

    def __init__(self) -> None:
        self._next = 0
        self._end = 0
        self._anchor = 0
        self._era: Era | None = None
        self._late: Lateness | None = None
        self._window = SlidingMinimum()

    def place(self, index: int, pcm: bytes, now: int) -> tuple[int, Shift | None]:
        """The position of a frame that has just come, and what it taught about those before it."""
        samples = len(pcm) // 2
        arrival = now - samples
        limit = self._end
        era = self._era
        if era is None or self._is_another_clock(index, arrival):
            era = self._begin(index, arrival)
        self._follow_drift(samples)
        position = self._position(index, pcm)
        self._next = index + samples
        if samples:
            self._end = position + samples
        shift = self._learn(era, Era(index, position, limit, self._anchor), arrival)
        return position + (shift.by if shift else 0), shift

    def at(self, index: int) -> int:
        """The position of any sample of the microphone's clock, heard or not."""
        era = self._era
        if era and era.anchor_before is not None and index <= era.index:
            return era.anchor_before + index
        return self._anchor + index

    def _is_another_clock(self, index: int, arrival: int) -> bool:
        """The running index went back (a reloaded page) or leapt into the future."""
        has_leapt = index > self._next and self._anchor + index - arrival > LATE
        return has_leapt or index < self._next - LATE

    def _begin(self, index: int, arrival: int) -> Era:
        era = self._era = Era(index, max(arrival, self._end), self._end)
        self._next, self._end, self._anchor = index, era.start, era.start - index
        self._late = None
        self._window = SlidingMinimum()
        return era

    def _learn(self, era: Era, here: Era, arrival: int) -> Shift | None:
        lateness = arrival - (self._anchor + here.index)
        if lateness > LATE:
            return self._wait_for_burst(here, lateness, arrival)
        self._late = None
        if lateness < -EARLY:
            by = min(-lateness, era.start - era.limit)
            return self._move(era, -by) if by else None
        self._window.add(lateness, arrival)
        return None

    def _wait_for_burst(self, here: Era, lateness: int, arrival: int) -> Shift | None:
        late = self._late = self._late or Lateness(here, lateness, lateness, arrival)
        late.least = min(late.least, lateness)
        if lateness <= late.mark - CATCHING_UP:
            late.mark, late.marked_at = lateness, arrival
        if arrival - late.marked_at < PATIENCE:
            return None
        self._era, self._late = late.since, None
        return self._move(late.since, late.least)

    def _move(self, era: Era, by: int) -> Shift:
        shift = Shift(era.start, by)
        era.start += by
        self._anchor += by
        self._end += by
        self._window = SlidingMinimum()
        return shift

    def _follow_drift(self, samples: int) -> None:
        error = self._window.least()
        if abs(error) > DRIFT_IGNORED:
            most = samples // SLEW
            step = max(-most, min(most, error))
            self._anchor += step
            self._window.lower(step)

    def _position(self, index: int, pcm: bytes) -> int:
        """Its counted place; but where nothing is missing, a small drift waits for a pause in the speech."""
        exact = self._anchor + index
        if abs(index - self._next) >= STEP:
            return max(exact, self._end)
        drift = abs(exact - self._end)
        is_due = drift >= STEP_IN_SPEECH or (drift >= STEP and is_quiet(pcm))
        return exact if is_due else self._end


def is_quiet(pcm: bytes) -> bool:
    return bool((np.abs(np.frombuffer(pcm, "<i2").astype(np.int32)) < QUIET).all())


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
        if self._keep(self._caller, pcm):
            self._note("caller", item=item, offset=self._spoken, index=index, samples=samples)
            self._spoken += samples

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
        while self._folders_to_sync:
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
        if self.failure:
            return False
        is_kept = file.append(pcm)
        if not is_kept and file.failure:
            self._note("failed", reason=file.failure)
        return is_kept

    def _note_shift(self, shift: Shift) -> None:
        self._note("shift", at=shift.at, by=shift.by)
        if self._follows_on is not None:
            self._follows_on += shift.by

    def _note(self, kind: str, **facts: int | float | str) -> None:
        self._journal.append(json.dumps({"kind": kind, **facts}, separators=(",", ":")).encode() + b"\n")


def sync_folder(folder: Path) -> None:
    """A new file's name is safe only once its folder is. Not every file system can: the file itself is what counts."""
    with contextlib.suppress(OSError):
        fd = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
