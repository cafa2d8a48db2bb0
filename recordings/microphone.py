"""Where the microphone's samples stand on the recording's clock."""

import math
from dataclasses import dataclass

import numpy as np

RATE = 24_000
MILLISECOND = RATE // 1000

LATE = 200 * MILLISECOND  # network jitter stays below; a stall and a suspended context do not
EARLY = 10 * MILLISECOND  # a sample that comes this long before its place proves the place wrong
PATIENCE = 3000 * MILLISECOND  # so long may a burst take to begin after a stall
CATCHING_UP = 50 * MILLISECOND  # lateness that falls by this within PATIENCE is a burst on its way
LONG_GAP = 1000 * MILLISECOND  # where nothing was sent, nothing shows how a lateness ended
HALF_WINDOW = 2500 * MILLISECOND
DRIFT_IGNORED = 3 * MILLISECOND
SLEW = 20 * MILLISECOND  # the anchor follows a drifting clock by at most one sample in so many
STEP, STEP_IN_SPEECH = 1 * MILLISECOND, 5 * MILLISECOND
QUIET = 300


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
        if index - self._next > LONG_GAP:
            self._late = None
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
