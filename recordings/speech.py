"""Whether those who speak in the transcript can be heard in the recording."""

from dataclasses import dataclass

import numpy as np

from recordings.assembly import Sound
from recordings.microphone import RATE

FRAME = 20 * RATE // 1000
LEVEL = 500  # root mean square, about -36 dB: louder than a quiet room
# Nobody says four words in less than a fifth of a second each. Far below that something is missing, not mumbled.
SECONDS_A_WORD = 0.05
FEWEST_WORDS = 4


class Loudness:
    """How long each channel of a recording was louder than a quiet room, gathered while it streams by."""

    def __init__(self) -> None:
        self._loud = [0, 0]
        self._rest = [np.zeros(0, np.int16), np.zeros(0, np.int16)]

    def add(self, sound: Sound) -> None:
        """Take what comes next."""
        for number, channel in enumerate(sound):
            samples = np.concatenate([self._rest[number], channel]) if len(self._rest[number]) else channel
            whole = len(samples) // FRAME * FRAME
            frames = samples[:whole].astype(np.float32).reshape(-1, FRAME)
            self._loud[number] += int((np.einsum("ij,ij->i", frames, frames) > FRAME * LEVEL**2).sum())
            self._rest[number] = samples[whole:].copy()

    @property
    def seconds(self) -> tuple[float, float]:
        """Counselor, caller."""
        counselor, caller = (frames * FRAME / RATE for frames in self._loud)
        return counselor, caller


@dataclass(frozen=True)
class Side:
    """One speaker: the words that the transcript has of them as spoken, the seconds that their channel was loud."""

    name: str
    words: int
    seconds: float

    @property
    def is_missing(self) -> bool:
        return self.words >= FEWEST_WORDS and self.seconds < self.words * SECONDS_A_WORD


def missing_sides(sides: list[Side]) -> str:
    """What a person is told; empty where everybody who spoke is heard."""
    names = [side.name for side in sides if side.is_missing]
    return f"the {' and the '.join(names)} cannot be heard where the transcript has their words" if names else ""
