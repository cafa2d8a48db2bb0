"""A browser and its network on one hand-fed clock, and signals in which every sample tells its number."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recordings.assembly import Assembly, EpochSpool, assemble
from recordings.sources import SpoolFolder
from recordings.spool import RATE, Spool

WALL = 1_700_000_000.0
PERIOD = 65_535
Samples = NDArray[np.int16]


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def counting(first: int, samples: int) -> bytes:
    """Never silent: sample n has the value n modulo 65535, plus one."""
    numbers = np.arange(first, first + samples) % PERIOD + 1
    return numbers.astype("<u2").tobytes()


def blocks_of(assembly: Assembly) -> Iterator[bytes]:
    """Interleaved stereo, as it is written to the file."""
    return (second.interleaved() for second in assembly.seconds())


def channels(assembly: Assembly) -> tuple[Samples, Samples]:
    stereo = np.frombuffer(b"".join(blocks_of(assembly)), "<i2").reshape(-1, 2)
    return stereo[:, 0], stereo[:, 1]


def numbers_in(samples: Samples) -> NDArray[np.int64]:
    """The numbers of counted samples in rising order, of which fewer than PERIOD are missing in one place."""
    remainders = samples.view(np.uint16).astype(np.int64) - 1
    return remainders[0] + np.concatenate([[0], np.cumsum(np.diff(remainders) % PERIOD)])


def epoch_in(folder: Path) -> EpochSpool:
    return EpochSpool(SpoolFolder(folder))


@dataclass
class Call:
    """A spool whose clock follows the story: `at(seconds)` since the epoch began."""

    folder: Path
    wall: float = WALL
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.began = self.clock()
        self.spool = Spool(self.folder, self.clock, self.wall)

    def at(self, seconds: float) -> Spool:
        self.clock.now = self.began + seconds
        return self.spool

    def assembly(self) -> Assembly:
        return assemble([epoch_in(self.folder)])

    def journal(self) -> str:
        return (self.folder / "journal.jsonl").read_text()


@dataclass
class Network:
    """Delays, but keeps the order, as TCP does."""

    delay: Callable[[float], float] = lambda sent: 0.0
    latest: float = 0.0

    def arrival(self, sent: float) -> float:
        self.latest = max(self.latest, sent + self.delay(sent))
        return self.latest


def stalled(
    start: float, seconds: float, usual: Callable[[float], float] = lambda sent: 0.0
) -> Callable[[float], float]:
    """Nothing gets through for a while, then all at once."""
    return lambda sent: max(usual(sent), start + seconds - sent if sent >= start else 0.0)


def microphone_frames(
    seconds: float, frame: int = 480, when: Callable[[int], float] = lambda sample: sample / RATE
) -> Iterator[tuple[float, int, int]]:
    """(sent, index, samples) of every frame; `when` tells the true time of a sample of the microphone's clock."""
    for index in range(0, round(seconds * RATE), frame):
        yield when(index + frame), index, frame


def speak_into(call: Call, network: Network, frames: Iterable[tuple[float, int, int]]) -> list[int]:
    """The positions that the spool answered."""
    return [call.at(network.arrival(sent)).hear(counting(index, n), index) for sent, index, n in frames]
