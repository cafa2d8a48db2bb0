"""Text to speech as PCM16 mono at 24 kHz: shipped lines first, else espeak-ng, else a hum of similar length."""

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

from .callers import ALL_CALLERS

SAMPLE_RATE = 24_000
LINES_FOLDER = Path(__file__).parent / "lines"
LINES_SAMPLE_RATE = 8_000
MAX_TEXT_CHARACTERS = 1_000
ESPEAK_TIMEOUT = 10  # seconds
PEAK_LEVEL = 0.5  # of full scale

Samples = NDArray[np.int16]


def _mulaw_table() -> Samples:
    """Return the sample for each of the 256 G.711 mu-law codes."""
    code = ~np.arange(256, dtype=np.uint8)
    exponent, mantissa = (code >> 4) & 7, code & 15
    magnitude = ((mantissa.astype(np.int32) << 3) + 132 << exponent) - 132
    return np.where(code & 128, -magnitude, magnitude).astype(np.int16)


MULAW_TABLE = _mulaw_table()


def _interpolation_filter(factor: int) -> NDArray[np.float64]:
    """Return a windowed sinc, which suppresses the spectral images that upsampling creates above the original band."""
    taps = np.arange(-8 * factor, 8 * factor + 1)
    return np.sinc(taps / factor) * np.hanning(len(taps))


def upsample(samples: Samples, factor: int = SAMPLE_RATE // LINES_SAMPLE_RATE) -> Samples:
    spread = np.zeros(len(samples) * factor)
    spread[::factor] = samples
    return np.clip(np.convolve(spread, _interpolation_filter(factor), mode="same"), -32768, 32767).astype(np.int16)


@lru_cache(maxsize=64)
def synthesize(text: str) -> bytes:
    """Return the text as PCM16 mono at 24 kHz. The first call per text can be slow (espeak-ng): use a thread."""
    audio = _prerendered_line(text)
    if audio is None:
        audio = _synthesize_with_espeak(text[:MAX_TEXT_CHARACTERS])
    return (_synthesize_hum(text[:MAX_TEXT_CHARACTERS]) if audio is None else audio).tobytes()


def line_file(line: str) -> Path:
    """Return the line's audio file. Its name is a hash of the text, so a reworded line never plays its old audio."""
    return LINES_FOLDER / f"{sha256(line.encode()).hexdigest()[:16]}.ulaw"


def _prerendered_line(text: str) -> Samples | None:
    path = line_file(text.strip())
    return upsample(MULAW_TABLE[np.fromfile(path, dtype=np.uint8)]) if path.exists() else None


def _synthesize_with_espeak(text: str) -> Samples | None:
    if not re.search(r"\w", text) or shutil.which("espeak-ng") is None:
        return None
    try:
        rate, samples = run_espeak(text, ALL_CALLERS[0].espeak_voice)
    except (subprocess.SubprocessError, OSError, wave.Error):
        return None
    return normalize(resample(samples, rate, SAMPLE_RATE))


def run_espeak(text: str, voice: str) -> tuple[int, Samples]:
    command = ["espeak-ng", "-v", voice, "-s", "155", "--stdout", "--", text]
    spoken = subprocess.run(command, capture_output=True, check=True, timeout=ESPEAK_TIMEOUT).stdout
    with wave.open(io.BytesIO(spoken)) as file:
        # espeak-ng streams a WAV header without a length, so skip the 44-byte header and read to the end.
        return file.getframerate(), np.frombuffer(spoken[44 : len(spoken) // 2 * 2], dtype="<i2")


def resample(samples: Samples, rate: int, wanted: int) -> NDArray[np.float64]:
    """Return the samples at another rate, low-pass filtered first if the rate decreases."""
    smooth = samples.astype(np.float64)
    if wanted < rate:
        taps = np.arange(-32, 33)
        kernel = np.sinc(taps * wanted / rate) * np.hamming(len(taps))
        smooth = np.convolve(smooth, kernel / kernel.sum(), mode="same")
    count = int(len(samples) * wanted / rate)
    return np.interp(np.arange(count) * rate / wanted, np.arange(len(samples)), smooth)


def normalize(samples: NDArray[np.float64]) -> Samples:
    loudest = float(np.abs(samples).max(initial=1.0))
    return (samples * (PEAK_LEVEL * 32767 / loudest)).astype(np.int16)


def _synthesize_hum(text: str) -> Samples:
    """Return soft syllables at a speaking pace, for a machine that has neither the line nor espeak-ng."""
    pieces: list[NDArray[np.float64]] = []
    for word in re.findall(r"[^\s]+", text) or ["."]:
        for index in range(max(1, len(re.findall(r"[aeiouy]+", word.lower())))):
            pieces.append(_syllable(180 + 12 * ((len(word) + index) % 5)))
        pieces.append(np.zeros(SAMPLE_RATE // (4 if word[-1] in ".?!" else 16)))
    return normalize(np.concatenate(pieces))


def _syllable(pitch: float) -> NDArray[np.float64]:
    length = SAMPLE_RATE * 16 // 100
    clock = np.arange(length) / SAMPLE_RATE
    tone = sum(np.sin(2 * np.pi * pitch * harmonic * clock) / harmonic**2 for harmonic in (1, 2, 3))
    return np.hanning(length) * tone
