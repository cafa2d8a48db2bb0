"""Render lines to 8 kHz mu-law files with espeak-ng.

`python -m standins.openai.demo.render_lines` renders the scripted callers' lines. With a JSON file of objects that have
`voice`, `text`, and `file`, and a folder, it renders those into the folder.
"""

import json
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .callers import ALL_CALLERS
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


def main(arguments: list[str]) -> None:
    if arguments:
        rows, folder = json.loads(Path(arguments[0]).read_text()), Path(arguments[1])
        render_all({folder / row["file"]: (row["text"], row["voice"]) for row in rows}, folder)
    else:
        callers = {line_file(line): (line, caller.espeak_voice) for caller in ALL_CALLERS for line in caller.lines}
        render_all(callers, LINES_FOLDER)


def render_all(wanted: dict[Path, tuple[str, str]], folder: Path) -> None:
    """Render (line, voice) to each path in the folder, and delete its other lines."""
    folder.mkdir(exist_ok=True)
    for path, (line, voice) in wanted.items():
        path.write_bytes(render_line(line, voice))
    for stale in set(folder.glob("*.ulaw")) - set(wanted):
        stale.unlink()
    total = sum(path.stat().st_size for path in wanted)
    sys.stdout.write(f"{len(wanted)} lines, {total / LINES_SAMPLE_RATE:.0f} s, {total} bytes\n")


if __name__ == "__main__":
    main(sys.argv[1:])
