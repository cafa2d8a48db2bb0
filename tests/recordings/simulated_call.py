"""A simulated browser and network on one manual clock, and signals whose samples encode their own index."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recordings.audio.assembly import Assembly, EpochTimeline, assemble
from recordings.audio.spool import SAMPLE_RATE, SpoolWriter
from recordings.audio.spool_sources import SpoolFolder

WALL_TIME = 1_700_000_000.0
PERIOD = 65_535
Samples = NDArray[np.int16]


class ManualClock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def numbered_samples(first: int, samples: int) -> bytes:
    """Return PCM16 in which sample n has the value n modulo 65535, plus one, so that no sample is silent."""
    numbers = np.arange(first, first + samples) % PERIOD + 1
    return numbers.astype("<u2").tobytes()


def interleaved_blocks(assembly: Assembly) -> Iterator[bytes]:
    """Return the interleaved stereo blocks, one second each, as they are written to the file."""
    return (second.interleaved() for second in assembly.one_second_blocks())


def channels(assembly: Assembly) -> tuple[Samples, Samples]:
    stereo = np.frombuffer(b"".join(interleaved_blocks(assembly)), "<i2").reshape(-1, 2)
    return stereo[:, 0], stereo[:, 1]


def sample_indexes(samples: Samples) -> NDArray[np.int64]:
    """Return the indexes of numbered samples, in ascending order. Each gap must be shorter than PERIOD samples."""
    remainders = samples.view(np.uint16).astype(np.int64) - 1
    return remainders[0] + np.concatenate([[0], np.cumsum(np.diff(remainders) % PERIOD)])


def read_epoch(folder: Path) -> EpochTimeline:
    return EpochTimeline(SpoolFolder(folder))


@dataclass
class SimulatedCall:
    """A spool on a manual clock, which `at(seconds)` sets to that many seconds after the epoch began."""

    folder: Path
    wall: float = WALL_TIME  # time of day when the epoch began, in Unix seconds
    clock: ManualClock = field(default_factory=ManualClock)

    def __post_init__(self) -> None:
        self.began = self.clock()
        self.spool = SpoolWriter(self.folder, self.clock, self.wall)

    def at(self, seconds: float) -> SpoolWriter:
        self.clock.now = self.began + seconds
        return self.spool

    def assembly(self) -> Assembly:
        return assemble([read_epoch(self.folder)])

    def journal(self) -> str:
        return (self.folder / "journal.jsonl").read_text()


@dataclass
class SimulatedNetwork:
    """A network that delays messages but keeps their order, as TCP does."""

    delay: Callable[[float], float] = lambda sent: 0.0  # delay in seconds of a message sent at this time
    latest: float = 0.0  # arrival of the latest message, in seconds

    def arrival(self, sent: float) -> float:
        self.latest = max(self.latest, sent + self.delay(sent))
        return self.latest


def stall(start: float, seconds: float, usual: Callable[[float], float] = lambda sent: 0.0) -> Callable[[float], float]:
    """Return a delay that holds everything back for `seconds` from `start`, then lets it all through at once."""
    return lambda sent: max(usual(sent), start + seconds - sent if sent >= start else 0.0)


def microphone_frames(
    seconds: float, frame: int = 480, when: Callable[[int], float] = lambda sample: sample / SAMPLE_RATE
) -> Iterator[tuple[float, int, int]]:
    """Yield (sent, index, samples) of every frame. `when` maps a sample of the microphone's clock to its true time."""
    for index in range(0, round(seconds * SAMPLE_RATE), frame):
        yield when(index + frame), index, frame


def send_frames(call: SimulatedCall, network: SimulatedNetwork, frames: Iterable[tuple[float, int, int]]) -> list[int]:
    """Send the frames and return the positions that the spool gave them."""
    return [
        call.at(network.arrival(sent)).record_microphone(numbered_samples(index, n), index) for sent, index, n in frames
    ]
