"""Check that the speakers in the transcript are audible in the recording."""

from dataclasses import dataclass

import numpy as np

from recordings.audio.assembly import StereoBlock
from recordings.audio.microphone_clock import SAMPLE_RATE

FRAME = 20 * SAMPLE_RATE // 1000  # samples in 20 ms
SPEECH_LEVEL = 500  # root mean square, about -36 dB: louder than a quiet room
# A spoken word takes at least 0.2 s. Less than a quarter of that means missing audio, not mumbling.
MIN_SECONDS_PER_WORD = 0.05
MIN_WORDS = 4


class SpeechMeter:
    """Time that each channel of a recording was louder than a quiet room, measured block by block."""

    def __init__(self) -> None:
        self._loud = [0, 0]
        self._rest = [np.zeros(0, np.int16), np.zeros(0, np.int16)]

    def add(self, block: StereoBlock) -> None:
        """Add the next block."""
        for number, channel in enumerate(block):
            samples = np.concatenate([self._rest[number], channel]) if len(self._rest[number]) else channel
            whole = len(samples) // FRAME * FRAME
            frames = samples[:whole].astype(np.float32).reshape(-1, FRAME)
            self._loud[number] += int((np.einsum("ij,ij->i", frames, frames) > FRAME * SPEECH_LEVEL**2).sum())
            self._rest[number] = samples[whole:].copy()

    @property
    def seconds(self) -> tuple[float, float]:
        """Loud seconds of (counselor, caller)."""
        counselor, caller = (frames * FRAME / SAMPLE_RATE for frames in self._loud)
        return counselor, caller


@dataclass(frozen=True)
class SpeakerCoverage:
    """Transcribed words and loud seconds of one speaker."""

    name: str
    words: int  # spoken words in the transcript
    seconds: float  # time that the speaker's channel was loud

    @property
    def is_missing(self) -> bool:
        return self.words >= MIN_WORDS and self.seconds < self.words * MIN_SECONDS_PER_WORD


def missing_speakers(speakers: list[SpeakerCoverage]) -> tuple[str, ...]:
    """Return the names of the speakers that cannot be heard."""
    return tuple(speaker.name for speaker in speakers if speaker.is_missing)
