"""Fake microphones made of tones, and detection of those tones in a recording."""

import io
import wave
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

FILE_RATE = 48_000  # Hz; a browser's fake microphone plays this rate without conversion
LOUDNESS = 0.3  # amplitude, where 1 is full scale
WINDOW = 0.01  # seconds per loudness measurement

Samples = NDArray[np.float64]


@dataclass(frozen=True)
class ToneBurst:
    start: float  # seconds from the beginning
    seconds: float  # duration
    hertz: float

    @property
    def end(self) -> float:
        return self.start + self.seconds


def write_microphone(path: Path, bursts: Iterable[ToneBurst], seconds: float) -> Path:
    """Write a WAV file that lasts `seconds`, silent except for these bursts. A fake microphone plays it in a loop."""
    sound = np.zeros(round(seconds * FILE_RATE))
    for burst in bursts:
        clock = np.arange(round(burst.seconds * FILE_RATE)) / FILE_RATE
        first = round(burst.start * FILE_RATE)
        sound[first : first + len(clock)] = LOUDNESS * np.sin(2 * np.pi * burst.hertz * clock)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(FILE_RATE)
        file.writeframes((sound * 32767).astype("<i2").tobytes())
    return path


def read_stereo(wav: bytes) -> tuple[int, Samples, Samples]:
    """Return the rate and the left and right channels of a 16-bit WAV file, scaled to -1 to 1."""
    with wave.open(io.BytesIO(wav)) as file:
        assert (file.getnchannels(), file.getsampwidth()) == (2, 2)
        samples = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").astype(np.float64) / 32768
        return file.getframerate(), samples[0::2], samples[1::2]


def loudness(samples: Samples) -> float:
    return float(np.sqrt(np.mean(samples**2))) if len(samples) else 0.0


def find_tones(samples: Samples, rate: int, longest_gap: float = 0.15) -> list[ToneBurst]:
    """Return the audible stretches, each with its loudest frequency. Gaps of up to `longest_gap` s are bridged."""
    size = round(WINDOW * rate)
    windows = samples[: len(samples) // size * size].reshape(-1, size)
    loud = np.flatnonzero(np.sqrt((windows**2).mean(axis=1)) > LOUDNESS / 10)
    if not len(loud):
        return []
    pieces = np.split(loud, np.flatnonzero(np.diff(loud) > longest_gap / WINDOW) + 1)
    return [_measure_tone(samples, rate, piece[0] * size, (piece[-1] + 1) * size) for piece in pieces]


def _measure_tone(samples: Samples, rate: int, first: int, end: int) -> ToneBurst:
    sound = samples[first:end] * np.hanning(end - first)
    spectrum = np.abs(np.fft.rfft(sound))
    return ToneBurst(first / rate, (end - first) / rate, float(spectrum.argmax()) * rate / len(sound))
