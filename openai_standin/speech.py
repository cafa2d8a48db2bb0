"""Text to a caller's voice: PCM16 mono at 24 kHz. Shipped lines first, else espeak-ng, else a hum as long."""

import io
import re
import shutil
import subprocess
import wave
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .callers import CALLERS

RATE = 24_000
LINES = Path(__file__).parent / "lines"
LINES_RATE = 8_000
LONGEST_TEXT = 1_000
ESPEAK_SECONDS = 10
PEAK = 0.5

Samples = NDArray[np.int16]


def _mulaw_table() -> Samples:
    """G.711: every byte's sample."""
    code = ~np.arange(256, dtype=np.uint8)
    exponent, mantissa = (code >> 4) & 7, code & 15
    magnitude = ((mantissa.astype(np.int32) << 3) + 132 << exponent) - 132
    return np.where(code & 128, -magnitude, magnitude).astype(np.int16)


MULAW = _mulaw_table()


def _smoother(factor: int) -> NDArray[np.float64]:
    """A windowed sinc, so that stepping the rate up leaves no mirror of the voice above the old band."""
    taps = np.arange(-8 * factor, 8 * factor + 1)
    return np.sinc(taps / factor) * np.hanning(len(taps))


def step_up(samples: Samples, factor: int = RATE // LINES_RATE) -> Samples:
    spread = np.zeros(len(samples) * factor)
    spread[::factor] = samples
    return np.clip(np.convolve(spread, _smoother(factor), mode="same"), -32768, 32767).astype(np.int16)


@lru_cache(maxsize=64)
def speak(text: str) -> bytes:
    """The text as PCM16 mono 24 kHz. Slow the first time (espeak-ng): call it in a thread."""
    audio = _shipped(text)
    if audio is None:
        audio = _espoken(text[:LONGEST_TEXT])
    return (_hummed(text[:LONGEST_TEXT]) if audio is None else audio).tobytes()


def line_file(line: str) -> Path:
    """Named by its text: a line that was reworded can never be heard in its old words."""
    return LINES / f"{sha256(line.encode()).hexdigest()[:16]}.ulaw"


def _shipped(text: str) -> Samples | None:
    path = line_file(text.strip())
    return step_up(MULAW[np.fromfile(path, dtype=np.uint8)]) if path.exists() else None


def _espoken(text: str) -> Samples | None:
    if not re.search(r"\w", text) or shutil.which("espeak-ng") is None:
        return None
    try:
        rate, samples = espeak(text, CALLERS[0].voice)
    except (subprocess.SubprocessError, OSError, wave.Error):
        return None
    return levelled(resample(samples, rate, RATE))


def espeak(text: str, voice: str) -> tuple[int, Samples]:
    command = ["espeak-ng", "-v", voice, "-s", "155", "--stdout", "--", text]
    spoken = subprocess.run(command, capture_output=True, check=True, timeout=ESPEAK_SECONDS).stdout
    with wave.open(io.BytesIO(spoken)) as file:
        # What espeak-ng streams has no known length in its header, so read to the end.
        return file.getframerate(), np.frombuffer(spoken[44 : len(spoken) // 2 * 2], dtype="<i2")


def resample(samples: Samples, rate: int, wanted: int) -> NDArray[np.float64]:
    """To another rate, smoothed first where the band gets narrower."""
    smooth = samples.astype(np.float64)
    if wanted < rate:
        taps = np.arange(-32, 33)
        kernel = np.sinc(taps * wanted / rate) * np.hamming(len(taps))
        smooth = np.convolve(smooth, kernel / kernel.sum(), mode="same")
    count = int(len(samples) * wanted / rate)
    return np.interp(np.arange(count) * rate / wanted, np.arange(len(samples)), smooth)


def levelled(samples: NDArray[np.float64]) -> Samples:
    loudest = float(np.abs(samples).max(initial=1.0))
    return (samples * (PEAK * 32767 / loudest)).astype(np.int16)


def _hummed(text: str) -> Samples:
    """Soft syllables at a speaking pace, for a machine that has neither the line nor espeak-ng."""
    pieces: list[NDArray[np.float64]] = []
    for word in re.findall(r"[^\s]+", text) or ["."]:
        for index in range(max(1, len(re.findall(r"[aeiouy]+", word.lower())))):
            pieces.append(_syllable(180 + 12 * ((len(word) + index) % 5)))
        pieces.append(np.zeros(RATE // (4 if word[-1] in ".?!" else 16)))
    return levelled(np.concatenate(pieces))


def _syllable(pitch: float) -> NDArray[np.float64]:
    length = RATE * 16 // 100
    clock = np.arange(length) / RATE
    tone = sum(np.sin(2 * np.pi * pitch * harmonic * clock) / harmonic**2 for harmonic in (1, 2, 3))
    return np.hanning(length) * tone
