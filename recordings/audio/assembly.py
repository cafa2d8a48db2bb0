"""Assembly of a call's spooled epochs on one clock: counselor in the left channel, caller as heard in the right.

Files damaged by a crash, a power cut, or a full disk do not raise errors. Everything that can be read is used.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recordings.audio.spool import JOURNAL_VERSION, SAMPLE_RATE
from recordings.audio.spool_sources import SpoolFile, SpoolSource

MAX_SAMPLES = 12 * 3600 * SAMPLE_RATE  # capacity of one WAV file; a journal beyond it is damaged
MAX_EPOCH_GAP = 3600 * SAMPLE_RATE  # samples between epochs; a longer gap means that two hosts' wall clocks disagree
HALT_THRESHOLD = 15 * SAMPLE_RATE // 1000  # samples; a player this far behind had paused or run out of audio


class AudioClip(NamedTuple):
    """Stretch of audio in a file and its position in the recording, in samples."""

    file: SpoolFile
    offset: int  # first sample within the file
    at: int  # first sample's position in the recording
    samples: int

    @property
    def end(self) -> int:
        return self.at + self.samples

    def trim(self, start: int, end: int) -> "AudioClip":
        """Return the part between the positions `start` and `end`, with 0 samples if there is none."""
        first = max(start, self.at)
        samples = max(0, min(end, self.end) - first)
        return self._replace(offset=self.offset + first - self.at, at=first, samples=samples)

    def continues_in(self, other: "AudioClip") -> bool:
        place = (self.offset + self.samples, self.end)
        return self.file is other.file and place == (other.offset, other.at)


class Placement(NamedTuple):
    """Position `at` in the recording at which the microphone file continues, starting with its sample `offset`."""

    offset: int
    at: int


class CallerBlock(NamedTuple):
    """Contiguous block of caller audio as it was generated, in samples."""

    offset: int  # start within the file
    first: int  # start within the item
    samples: int


class PlaybackReport(NamedTuple):
    """Playback report: at position `at`, the player had rendered `samples` samples of an item."""

    samples: int
    at: int
    final: bool


class PlaybackRun(NamedTuple):
    """Part of an item that played without a halt, in samples."""

    first: int  # start within the item
    at: int  # start in the recording
    samples: int

    @property
    def end(self) -> int:
        return self.at + self.samples


@dataclass
class RecordedItem:
    """Utterance of the caller: its generated audio, and the player's reports about it."""

    blocks: list[CallerBlock] = field(default_factory=list)
    reports: list[PlaybackReport] = field(default_factory=list)

    def clips(self, file: SpoolFile) -> Iterator[AudioClip]:
        """Yield the audio that was heard, at the positions where it was heard."""
        for run in self.runs():
            for block in self.blocks:
                clip = AudioClip(file, block.offset, run.at + block.first - run.first, block.samples)
                yield clip.trim(run.at, run.end)

    def runs(self) -> list[PlaybackRun]:
        """Return the stretches of continuous playback.

        Player and microphone share a clock, so during playback both counts advance together. If the microphone's count
        advanced further, the player halted. Usually, the halt comes before the samples that the report adds, so these
        samples end at the report's position. If the item was cut off there, or if the next report shows no progress,
        the halt comes after them.
        """
        received = max((block.first + block.samples for block in self.blocks), default=0)
        runs: list[PlaybackRun] = []
        heard = 0
        for number, report in enumerate(self.reports):
            added = min(report.samples, received) - heard
            if added < 0:
                continue
            begin = report.at - added
            halted = begin - runs[-1].end if runs else 0
            is_halt_at_end = (report.final and report.samples < received) or self._is_stalled_after(number)
            if not runs or (halted > 0 and added == 0) or (halted > HALT_THRESHOLD and not is_halt_at_end):
                runs.append(PlaybackRun(heard, begin, added))
            else:
                runs[-1] = runs[-1]._replace(samples=runs[-1].samples + added)
            heard += added
        return runs

    def _is_stalled_after(self, number: int) -> bool:
        report, *following = self.reports[number : number + 2]
        return any(later.samples <= report.samples for later in following)


class EpochTimeline:
    """Audio and journal of one epoch. `wall_time` is None if its start is unknown."""

    def __init__(self, source: SpoolSource) -> None:
        self._source = source
        self.wall_time: float | None = None
        self.closed_at: int | None = None
        self.failure: str | None = None
        self._placements: list[Placement] = []
        self._items: dict[int, RecordedItem] = {}
        self._open_block: tuple[int, int, int] | None = None
        for record in read_journal(source.journal):
            self._apply_record(record)
        self._close_block(count_samples(source.caller))
        self.counselor = arrange_clips(self._counselor_clips())
        self.caller = arrange_clips(self._caller_clips())

    @property
    def is_closed(self) -> bool:
        """Return True if the epoch was closed properly rather than cut off with its process."""
        return self.closed_at is not None

    @property
    def samples(self) -> int:
        heard = [clips[-1].end for clips in (self.counselor, self.caller) if clips]
        return max([min(self.closed_at or 0, MAX_SAMPLES), *heard])

    def _apply_record(self, record: dict[str, object]) -> None:
        match record:
            case {"kind": "header", "version": version, "wall": float(wall)} if version == JOURNAL_VERSION:
                self.wall_time = wall
            case {"kind": "microphone", "offset": int(offset), "at": int(at)}:
                self._placements.append(Placement(offset, at))
            case {"kind": "shift", "at": int(at), "by": int(by)}:
                self._shift(at, by)
            case {"kind": "caller", "item": int(item), "offset": int(offset), "index": int(first), **rest}:
                self._begin_block(item, offset, first, rest.get("samples"))
            case {"kind": "played", "item": int(item), "samples": int(n), "at": int(at), "final": bool(final)}:
                self._item(item).reports.append(PlaybackReport(n, at, final))
            case {"kind": "failed", "reason": str(reason)}:
                self.failure = reason
            case {"kind": "closed", "at": int(at)}:
                self.closed_at = at

    def _begin_block(self, item: int, offset: int, first: int, samples: object) -> None:
        """Begin a block. It ends at the next block or at the end of the audio. Older journals state its length."""
        if self._open_block and self._open_block[1] < offset:
            self._close_block(offset)
        self._open_block = (item, offset, first)
        if isinstance(samples, int):
            self._close_block(offset + samples)

    def _close_block(self, end: int) -> None:
        if self._open_block:
            item, offset, first = self._open_block
            self._item(item).blocks.append(CallerBlock(offset, first, max(0, end - offset)))
        self._open_block = None

    def _item(self, number: int) -> RecordedItem:
        return self._items.setdefault(number, RecordedItem())

    def _shift(self, at: int, by: int) -> None:
        """Add `by` samples to every position that the microphone's clock assigned at or after `at`.

        A report exactly at `at` belongs to the audio before it and stays.
        """
        before = [placement for placement in self._placements if placement.at < at]
        after = [placement for placement in self._placements if placement.at >= at]
        if before:
            split = Placement(before[-1].offset + at - before[-1].at, at)
            if not after or split.offset < after[0].offset:
                after.insert(0, split)
        self._placements = before + [Placement(placement.offset, placement.at + by) for placement in after]
        for item in self._items.values():
            item.reports = [r._replace(at=r.at + by) if r.at > at else r for r in item.reports]

    def _counselor_clips(self) -> Iterator[AudioClip]:
        file = self._source.microphone
        ends = [placement.offset for placement in self._placements[1:]] + [count_samples(file)]
        for (offset, at), end in zip(self._placements, ends, strict=False):
            yield AudioClip(file, offset, at, end - offset)

    def _caller_clips(self) -> Iterator[AudioClip]:
        file = self._source.caller
        available = count_samples(file)
        for item in self._items.values():
            for clip in item.clips(file):
                yield clip._replace(samples=min(clip.samples, available - clip.offset))


class StereoBlock(NamedTuple):
    """Part of a recording, with the same number of samples in each channel."""

    counselor: NDArray[np.int16]
    caller: NDArray[np.int16]

    def interleaved(self) -> bytes:
        """Return interleaved stereo PCM16, counselor in the left channel."""
        stereo = np.empty((len(self.counselor), 2), "<i2")
        stereo[:, 0], stereo[:, 1] = self
        return stereo.tobytes()


@dataclass
class Assembly:
    """Whole recording, read in blocks so that its length does not affect memory use."""

    samples: int
    counselor: list[AudioClip]
    caller: list[AudioClip]

    def one_second_blocks(self) -> Iterator[StereoBlock]:
        """Yield the recording in blocks of one second. The last may be shorter."""
        tracks = [ChannelReader(self.counselor), ChannelReader(self.caller)]
        for start in range(0, self.samples, SAMPLE_RATE):
            length = min(SAMPLE_RATE, self.samples - start)
            second = StereoBlock(np.zeros(length, "<i2"), np.zeros(length, "<i2"))
            for channel, track in zip(second, tracks, strict=True):
                track.fill(channel, start)
            yield second


class ChannelReader:
    """Sequential reader of one channel."""

    def __init__(self, clips: list[AudioClip]) -> None:
        self._clips = clips
        self._next = 0

    def fill(self, block: NDArray[np.int16], start: int) -> None:
        """Fill a block of zeros with the audio from `start` on. Calls must be in order of `start`."""
        end = start + len(block)
        while self._next < len(self._clips) and self._clips[self._next].at < end:
            clip = self._clips[self._next].trim(start, end)
            samples = self._read(clip)
            block[clip.at - start : clip.at - start + len(samples)] = samples
            if self._clips[self._next].end > end:
                break
            self._next += 1

    def _read(self, clip: AudioClip) -> NDArray[np.int16]:
        data = clip.file.read(2 * clip.offset, 2 * clip.samples)
        return np.frombuffer(data, "<i2", count=len(data) // 2)


def assemble(epochs: Sequence[EpochTimeline]) -> Assembly:
    """Place each epoch by its start on the wall clock, but never before the end of the previous one.

    If there is no audio, the result has 0 samples, regardless of the length of the call.
    """
    assembly = Assembly(0, [], [])
    first: float | None = None
    for wall, epoch in sorted(((e.wall_time, e) for e in epochs if e.wall_time is not None), key=lambda pair: pair[0]):
        first = wall if first is None else first
        start = min(max(round((wall - first) * SAMPLE_RATE), assembly.samples), assembly.samples + MAX_EPOCH_GAP)
        assembly.counselor += [clip._replace(at=clip.at + start) for clip in epoch.counselor]
        assembly.caller += [clip._replace(at=clip.at + start) for clip in epoch.caller]
        assembly.samples = start + epoch.samples
    return assembly if assembly.counselor or assembly.caller else Assembly(0, [], [])


def arrange_clips(clips: Iterable[AudioClip]) -> list[AudioClip]:
    """Sort clips by position and join adjacent ones. Of two that overlap, the later one cuts the earlier one short."""
    arranged: list[AudioClip] = []
    for clip in sorted((clip.trim(0, MAX_SAMPLES) for clip in clips), key=lambda clip: clip.at):
        if not clip.samples:
            continue
        while arranged and arranged[-1].end > clip.at:
            earlier = arranged.pop().trim(0, clip.at)
            arranged += [earlier] if earlier.samples else []
        if arranged and arranged[-1].continues_in(clip):
            arranged[-1] = arranged[-1]._replace(samples=arranged[-1].samples + clip.samples)
        else:
            arranged.append(clip)
    return arranged


def read_journal(journal: SpoolFile) -> Iterator[dict[str, object]]:
    """Yield the readable records of a journal. Skip torn lines."""
    for line in journal.read(0, journal.size).split(b"\n"):
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(record, dict) and is_plausible(record):
            yield record


def is_plausible(record: dict[str, object]) -> bool:
    """Return True if every number except `by` is at least 0 and below 2**40."""
    numbers = [value for key, value in record.items() if key != "by" and isinstance(value, int | float)]
    return all(0 <= number < 2**40 for number in numbers)


def count_samples(file: SpoolFile) -> int:
    """Return the number of whole samples in a file. The last sample may be torn."""
    return file.size // 2
