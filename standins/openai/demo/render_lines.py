"""Render every scripted line to an 8 kHz mu-law file: `python -m standins.openai.demo.render_lines`."""

import sys

import numpy as np
from numpy.typing import NDArray

from .callers import CALLERS
from .text_to_speech import (
    LINES_FOLDER,
    LINES_SAMPLE_RATE,
    MULAW_TABLE,
    Samples,
    line_file,
    normalize,
    resample,
    run_espeak,
)

SILENCE_LEVEL = 200  # 16-bit sample value up to which audio counts as silence
PADDING_SAMPLES = LINES_SAMPLE_RATE // 20  # 50 ms


def encode_mulaw(samples: Samples) -> NDArray[np.uint8]:
    """Return the nearest of the 256 mu-law codes for each sample."""
    order = np.argsort(MULAW_TABLE, kind="stable")
    table = MULAW_TABLE[order].astype(np.int32)
    above = np.clip(np.searchsorted(table, samples), 1, 255)
    nearer_below = samples - table[above - 1] < table[above] - samples
    return order[np.where(nearer_below, above - 1, above)].astype(np.uint8)


def trim_silence(samples: Samples) -> Samples:
    """Return the samples without the silence that espeak-ng adds around a sentence."""
    loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > SILENCE_LEVEL)
    return samples[max(0, loud[0] - PADDING_SAMPLES) : loud[-1] + PADDING_SAMPLES] if len(loud) else samples


def render_line(line: str, voice: str) -> bytes:
    rate, spoken = run_espeak(line, voice)
    return encode_mulaw(trim_silence(normalize(resample(spoken, rate, LINES_SAMPLE_RATE)))).tobytes()


def main() -> None:
    LINES_FOLDER.mkdir(exist_ok=True)
    wanted = {line_file(line): (line, caller.espeak_voice) for caller in CALLERS for line in caller.lines}
    for path, (line, voice) in wanted.items():
        path.write_bytes(render_line(line, voice))
    for stale in set(LINES_FOLDER.glob("*.ulaw")) - set(wanted):
        stale.unlink()
    total = sum(path.stat().st_size for path in wanted)
    sys.stdout.write(f"{len(wanted)} lines, {total / LINES_SAMPLE_RATE:.0f} s, {total} bytes\n")


if __name__ == "__main__":
    main()
