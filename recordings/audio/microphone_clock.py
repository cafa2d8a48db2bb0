"""Mapping of the microphone's samples to the recording's clock."""

import math
from dataclasses import dataclass

import numpy as np

SAMPLE_RATE = 24_000  # samples per second
MILLISECOND = SAMPLE_RATE // 1000  # in samples, like all values below except QUIET_AMPLITUDE

LATE_THRESHOLD = 200 * MILLISECOND  # above network jitter, below stalls and suspended audio contexts
EARLY_THRESHOLD = 10 * MILLISECOND  # a sample that arrives this long before its position proves the position wrong
BURST_TIMEOUT = 3000 * MILLISECOND  # longest wait for a burst to begin after a stall
BURST_CATCH_UP = 50 * MILLISECOND  # lateness that falls by this within BURST_TIMEOUT means a burst
UNSENT_GAP = 1000 * MILLISECOND  # a late period does not continue across a gap this long in the sent audio
HALF_WINDOW = 2500 * MILLISECOND  # half of the window over which the least lateness is taken
DRIFT_TOLERANCE = 3 * MILLISECOND  # largest drift at which the anchor is left unchanged
SAMPLES_PER_SLEW = 20 * MILLISECOND  # the anchor follows a drifting clock by at most one sample per this many
MIN_STEP, MIN_STEP_IN_SPEECH = 1 * MILLISECOND, 5 * MILLISECOND  # smallest drift corrected in a pause, in speech
QUIET_AMPLITUDE = 300  # PCM16 amplitude below which a sample is quiet


class SlidingMinimum:
    """Minimum over the last 2.5 to 5 s, kept as two half windows."""

    def __init__(self) -> None:
        self._older = self._newer = math.inf
        self._began = 0

    def add(self, value: int, now: int) -> None:
        if now - self._began >= HALF_WINDOW:
            self._older, self._newer, self._began = self._newer, value, now
        else:
            self._newer = min(self._newer, value)

    def minimum(self) -> int:
        """Return the minimum, or 0 until there are enough values."""
        return 0 if self._older == math.inf else int(min(self._older, self._newer))

    def subtract(self, by: int) -> None:
        self._older -= by
        self._newer -= by


@dataclass(frozen=True)
class ClockShift:
    """Correction of earlier positions: everything placed at position `at` or later moves `by` samples later."""

    at: int
    by: int  # negative if it moves earlier


@dataclass
class AnchorPeriod:
    """Stretch of audio with one anchor."""

    index: int  # first sample, in the microphone's running index
    start: int  # position of that sample
    floor: int  # end of the previous stretch, before which this one must not move
    anchor_before: int | None = None  # anchor of the samples up to `index`


@dataclass
class LatePeriod:
    """Run of late frames, either a burst after a stall or the result of a suspended audio context."""

    period: AnchorPeriod  # stretch that begins with the first late frame
    minimum: int  # least lateness in this run
    last_drop: int  # lateness when it last fell by BURST_CATCH_UP
    dropped_at: int  # arrival of the frame at which it fell


class MicrophoneClock:
    """Clock that maps the microphone's running index to positions in the recording.

    An anchor, set by a frame's arrival, turns the running index into a position. The network only adds delay, so the
    least observed lateness is the true one. Late frames are placed by sample count. If they stay late for
    BURST_TIMEOUT, the microphone's clock had stopped, and everything since the first late frame moves later. If a
    frame arrives early, the anchor itself was late, and its whole period moves earlier. Each correction is a
    ClockShift, so no audio is lost.
    """

    def __init__(self) -> None:
        self._next_index = 0
        self._end_position = 0
        self._anchor = 0
        self._period: AnchorPeriod | None = None
        self._late: LatePeriod | None = None
        self._window = SlidingMinimum()

    def place_frame(self, index: int, pcm: bytes, now: int) -> tuple[int, ClockShift | None]:
        """Return the position of a frame that arrived at `now`, and the correction of earlier positions, if any."""
        samples = len(pcm) // 2
        arrival = now - samples
        limit = self._end_position
        period = self._period
        if period is None or self._is_clock_reset(index, arrival):
            period = self._start_period(index, arrival)
        self._follow_drift(samples)
        position = self._position(index, pcm)
        if index - self._next_index > UNSENT_GAP:
            self._late = None
        self._next_index = index + samples
        if samples:
            self._end_position = position + samples
        lateness = arrival - (self._anchor + index)
        if lateness > LATE_THRESHOLD:
            shift = self._wait_for_burst(AnchorPeriod(index, position, limit, self._anchor), lateness, arrival)
        else:
            shift = self._note_punctual_frame(period, lateness, arrival)
        return position + (shift.by if shift else 0), shift

    def position_of(self, index: int) -> int:
        """Return the position of any index of the microphone's clock, received or not."""
        period = self._period
        if period and period.anchor_before is not None and index <= period.index:
            return period.anchor_before + index
        return self._anchor + index

    def _is_clock_reset(self, index: int, arrival: int) -> bool:
        """Return True if the running index went back, as after a page reload, or jumped ahead of real time."""
        has_jumped_ahead = index > self._next_index and self._anchor + index - arrival > LATE_THRESHOLD
        return has_jumped_ahead or index < self._next_index - LATE_THRESHOLD

    def _start_period(self, index: int, arrival: int) -> AnchorPeriod:
        period = self._period = AnchorPeriod(index, max(arrival, self._end_position), self._end_position)
        self._next_index, self._end_position, self._anchor = index, period.start, period.start - index
        self._late = None
        self._window = SlidingMinimum()
        return period

    def _note_punctual_frame(self, period: AnchorPeriod, lateness: int, arrival: int) -> ClockShift | None:
        self._late = None
        if lateness < -EARLY_THRESHOLD:
            by = min(-lateness, period.start - period.floor)
            return self._shift_period(period, -by) if by else None
        self._window.add(lateness, arrival)
        return None

    def _wait_for_burst(self, candidate: AnchorPeriod, lateness: int, arrival: int) -> ClockShift | None:
        late = self._late = self._late or LatePeriod(candidate, lateness, lateness, arrival)
        late.minimum = min(late.minimum, lateness)
        if lateness <= late.last_drop - BURST_CATCH_UP:
            late.last_drop, late.dropped_at = lateness, arrival
        if arrival - late.dropped_at < BURST_TIMEOUT:
            return None
        self._period, self._late = late.period, None
        return self._shift_period(late.period, late.minimum)

    def _shift_period(self, period: AnchorPeriod, by: int) -> ClockShift:
        shift = ClockShift(period.start, by)
        period.start += by
        self._anchor += by
        self._end_position += by
        self._window = SlidingMinimum()
        return shift

    def _follow_drift(self, samples: int) -> None:
        error = self._window.minimum()
        if abs(error) > DRIFT_TOLERANCE:
            max_step = samples // SAMPLES_PER_SLEW
            step = max(-max_step, min(max_step, error))
            self._anchor += step
            self._window.subtract(step)

    def _position(self, index: int, pcm: bytes) -> int:
        """Return a frame's position by sample count. In gapless audio, a small drift is corrected only in a pause."""
        exact = self._anchor + index
        if abs(index - self._next_index) >= MIN_STEP:
            return max(exact, self._end_position)
        drift = abs(exact - self._end_position)
        is_due = drift >= MIN_STEP_IN_SPEECH or (drift >= MIN_STEP and is_quiet(pcm))
        return exact if is_due else self._end_position


def is_quiet(pcm: bytes) -> bool:
    return bool((np.abs(np.frombuffer(pcm, "<i2").astype(np.int32)) < QUIET_AMPLITUDE).all())
