"""Puts the spooled epochs of a call together: counselor left, caller right as far as heard, on one clock.

Whatever a crash, a power cut or a full disk left behind is read as far as it makes sense; nothing here raises for it.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recordings.sources import SpoolFile, SpoolSource
from recordings.spool import RATE, VERSION

LONGEST = 12 * 3600 * RATE  # what one WAV file can hold; a journal that says more is damaged
LONGEST_GAP = 3600 * RATE  # between epochs; more is two hosts whose wall clocks disagree
HALT = 15 * RATE // 1000  # a player this much behind had halted: a pause, or nothing to play


class Piece(NamedTuple):
    """So many samples of a file, from `offset` on, that stand at `at`."""

    file: SpoolFile
    offset: int
    at: int
    samples: int

    @property
    def end(self) -> int:
        return self.at + self.samples

    def between(self, start: int, end: int) -> "Piece":
        """What of it stands there; no samples where nothing does."""
        first = max(start, self.at)
        samples = max(0, min(end, self.end) - first)
        return self._replace(offset=self.offset + first - self.at, at=first, samples=samples)

    def is_followed_by(self, other: "Piece") -> bool:
        place = (self.offset + self.samples, self.end)
        return self.file is other.file and place == (other.offset, other.at)


class Placement(NamedTuple):
    """From this sample of the file on, the microphone's audio stands at `at`."""

    offset: int
    at: int


class Block(NamedTuple):
    """Caller audio as it was generated: where in the file, and where in its item it begins."""

    offset: int
    first: int
    samples: int


class Report(NamedTuple):
    """The player had rendered so many samples of an item at this position."""

    samples: int
    at: int
    final: bool


class Run(NamedTuple):
    """A part of an item that was played without a halt."""

    first: int
    at: int
    samples: int

    @property
    def end(self) -> int:
        return self.at + self.samples


@dataclass
class Item:
    """One utterance of the caller: what was generated, and what the player said about it."""

    blocks: list[Block] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)

    def pieces(self, file: SpoolFile) -> Iterator[Piece]:
        """What was heard, where it was heard."""
        for run in self.runs():
            for block in self.blocks:
                whole = Piece(file, block.offset, run.at + block.first - run.first, block.samples)
                yield whole.between(run.at, run.end)

    def runs(self) -> list[Run]:
        """Player and microphone share a clock: while the one plays on, both counts grow alike.

        Where the microphone's grew more, the player halted: before the samples that the report adds, which then end
        at the report; or after them, if it was cut there or the next report shows that nothing moved.
        """
        received = max((block.first + block.samples for block in self.blocks), default=0)
        runs: list[Run] = []
        heard = 0
        for number, report in enumerate(self.reports):
            added = min(report.samples, received) - heard
            if added < 0:
                continue
            begin = report.at - added
            halted = begin - runs[-1].end if runs else 0
            is_last_before = (report.final and report.samples < received) or self._stands_after(number)
            if not runs or (halted > 0 and added == 0) or (halted > HALT and not is_last_before):
                runs.append(Run(heard, begin, added))
            else:
                runs[-1] = runs[-1]._replace(samples=runs[-1].samples + added)
            heard += added
        return runs

    def _stands_after(self, number: int) -> bool:
        report, *following = self.reports[number : number + 2]
        return any(later.samples <= report.samples for later in following)


class EpochSpool:
    """What one gateway's hold of the call left behind. `wall` is None where not even the start is known."""

    def __init__(self, source: SpoolSource) -> None:
        self._source = source
        self.wall: float | None = None
        self.closed_at: int | None = None
        self.failure: str | None = None
        self._placements: list[Placement] = []
        self._items: dict[int, Item] = {}
        self._open_block: tuple[int, int, int] | None = None
        for record in journal_records(source.journal):
            self._take(record)
        self._close_block(samples_in(source.caller))
        self.counselor = in_order(self._microphone_pieces())
        self.caller = in_order(self._caller_pieces())

    @property
    def is_closed(self) -> bool:
        """It ended as an epoch should, not with its process."""
        return self.closed_at is not None

    @property
    def samples(self) -> int:
        heard = [pieces[-1].end for pieces in (self.counselor, self.caller) if pieces]
        return max([min(self.closed_at or 0, LONGEST), *heard])

    def _take(self, record: dict[str, object]) -> None:
        match record:
            case {"kind": "header", "version": version, "wall": float(wall)} if version == VERSION:
                self.wall = wall
            case {"kind": "microphone", "offset": int(offset), "at": int(at)}:
                self._placements.append(Placement(offset, at))
            case {"kind": "shift", "at": int(at), "by": int(by)}:
                self._shift(at, by)
            case {"kind": "caller", "item": int(item), "offset": int(offset), "index": int(first), **rest}:
                self._begin_block(item, offset, first, rest.get("samples"))
            case {"kind": "played", "item": int(item), "samples": int(n), "at": int(at), "final": bool(final)}:
                self._item(item).reports.append(Report(n, at, final))
            case {"kind": "failed", "reason": str(reason)}:
                self.failure = reason
            case {"kind": "closed", "at": int(at)}:
                self.closed_at = at

    def _begin_block(self, item: int, offset: int, first: int, samples: object) -> None:
        """It reaches to the next one, or as far as there is audio; older journals say how far."""
        if self._open_block and self._open_block[1] < offset:
            self._close_block(offset)
        self._open_block = (item, offset, first)
        if isinstance(samples, int):
            self._close_block(offset + samples)

    def _close_block(self, end: int) -> None:
        if self._open_block:
            item, offset, first = self._open_block
            self._item(item).blocks.append(Block(offset, first, max(0, end - offset)))
        self._open_block = None

    def _item(self, number: int) -> Item:
        return self._items.setdefault(number, Item())

    def _shift(self, at: int, by: int) -> None:
        """Hindsight: what the microphone's clock had placed from there on. A report at that very place is of before."""
        before = [placement for placement in self._placements if placement.at < at]
        after = [placement for placement in self._placements if placement.at >= at]
        if before:
            split = Placement(before[-1].offset + at - before[-1].at, at)
            if not after or split.offset < after[0].offset:
                after.insert(0, split)
        self._placements = before + [Placement(placement.offset, placement.at + by) for placement in after]
        for item in self._items.values():
            item.reports = [r._replace(at=r.at + by) if r.at > at else r for r in item.reports]

    def _microphone_pieces(self) -> Iterator[Piece]:
        file = self._source.microphone
        ends = [placement.offset for placement in self._placements[1:]] + [samples_in(file)]
        for (offset, at), end in zip(self._placements, ends, strict=False):
            yield Piece(file, offset, at, end - offset)

    def _caller_pieces(self) -> Iterator[Piece]:
        file = self._source.caller
        there = samples_in(file)
        for item in self._items.values():
            for piece in item.pieces(file):
                yield piece._replace(samples=min(piece.samples, there - piece.offset))


class Sound(NamedTuple):
    """A part of a recording: as many samples of each channel."""

    counselor: NDArray[np.int16]
    caller: NDArray[np.int16]

    def interleaved(self) -> bytes:
        """Stereo PCM16, counselor left."""
        stereo = np.empty((len(self.counselor), 2), "<i2")
        stereo[:, 0], stereo[:, 1] = self
        return stereo.tobytes()


@dataclass
class Assembly:
    """A whole recording, read in blocks: its length never shows in memory."""

    samples: int
    counselor: list[Piece]
    caller: list[Piece]

    def seconds(self) -> Iterator[Sound]:
        """A second at a time; the last may be shorter."""
        tracks = [Track(self.counselor), Track(self.caller)]
        for start in range(0, self.samples, RATE):
            length = min(RATE, self.samples - start)
            second = Sound(np.zeros(length, "<i2"), np.zeros(length, "<i2"))
            for channel, track in zip(second, tracks, strict=True):
                track.fill(channel, start)
            yield second


class Track:
    """Reads one channel from its beginning to its end."""

    def __init__(self, pieces: list[Piece]) -> None:
        self._pieces = pieces
        self._next = 0

    def fill(self, block: NDArray[np.int16], start: int) -> None:
        """Later blocks only ever ask for later samples."""
        end = start + len(block)
        while self._next < len(self._pieces) and self._pieces[self._next].at < end:
            piece = self._pieces[self._next].between(start, end)
            samples = self._read(piece)
            block[piece.at - start : piece.at - start + len(samples)] = samples
            if self._pieces[self._next].end > end:
                break
            self._next += 1

    def _read(self, piece: Piece) -> NDArray[np.int16]:
        data = piece.file.read(2 * piece.offset, 2 * piece.samples)
        return np.frombuffer(data, "<i2", count=len(data) // 2)


def assemble(epochs: Sequence[EpochSpool]) -> Assembly:
    """Each epoch stands where its start on the wall clock says; never before the end of the one before it.

    Where nobody was heard at all there is no recording: no samples, however long the call.
    """
    whole = Assembly(0, [], [])
    first: float | None = None
    for wall, epoch in sorted(((e.wall, e) for e in epochs if e.wall is not None), key=lambda pair: pair[0]):
        first = wall if first is None else first
        start = min(max(round((wall - first) * RATE), whole.samples), whole.samples + LONGEST_GAP)
        whole.counselor += [piece._replace(at=piece.at + start) for piece in epoch.counselor]
        whole.caller += [piece._replace(at=piece.at + start) for piece in epoch.caller]
        whole.samples = start + epoch.samples
    return whole if whole.counselor or whole.caller else Assembly(0, [], [])


def in_order(pieces: Iterable[Piece]) -> list[Piece]:
    """As they are heard, neighbours joined. Where two overlap the later cuts the earlier short."""
    line: list[Piece] = []
    for piece in sorted((piece.between(0, LONGEST) for piece in pieces), key=lambda piece: piece.at):
        if not piece.samples:
            continue
        while line and line[-1].end > piece.at:
            earlier = line.pop().between(0, piece.at)
            line += [earlier] if earlier.samples else []
        if line and line[-1].is_followed_by(piece):
            line[-1] = line[-1]._replace(samples=line[-1].samples + piece.samples)
        else:
            line.append(piece)
    return line


def journal_records(journal: SpoolFile) -> Iterator[dict[str, object]]:
    """The lines that can be read; a torn one cannot."""
    for line in journal.read(0, journal.size).split(b"\n"):
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(record, dict) and is_sound(record):
            yield record


def is_sound(record: dict[str, object]) -> bool:
    """Counts and positions are never negative and never astronomic."""
    numbers = [value for key, value in record.items() if key != "by" and isinstance(value, int | float)]
    return all(0 <= number < 2**40 for number in numbers)


def samples_in(file: SpoolFile) -> int:
    """Whole ones: the last may be torn."""
    return file.size // 2
