"""`python -m openai_standin.render_lines`: speak every scripted line anew, 8 kHz mu-law, one file each."""

import sys

import numpy as np
from numpy.typing import NDArray

from .callers import CALLERS
from .speech import LINES, LINES_RATE, MULAW, Samples, espeak, levelled, line_file, resample

QUIET = 200
EDGE = LINES_RATE // 20


def encode_mulaw(samples: Samples) -> NDArray[np.uint8]:
    """The nearest of the 256 mu-law samples for each."""
    order = np.argsort(MULAW, kind="stable")
    table = MULAW[order].astype(np.int32)
    above = np.clip(np.searchsorted(table, samples), 1, 255)
    nearer_below = samples - table[above - 1] < table[above] - samples
    return order[np.where(nearer_below, above - 1, above)].astype(np.uint8)


def trimmed(samples: Samples) -> Samples:
    """Without the silence that espeak-ng puts around a sentence."""
    loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > QUIET)
    return samples[max(0, loud[0] - EDGE) : loud[-1] + EDGE] if len(loud) else samples


def render(line: str, voice: str) -> bytes:
    rate, spoken = espeak(line, voice)
    return encode_mulaw(trimmed(levelled(resample(spoken, rate, LINES_RATE)))).tobytes()


def main() -> None:
    LINES.mkdir(exist_ok=True)
    wanted = {line_file(line): (line, caller.voice) for caller in CALLERS for line in caller.lines}
    for path, (line, voice) in wanted.items():
        path.write_bytes(render(line, voice))
    for stale in set(LINES.glob("*.ulaw")) - set(wanted):
        stale.unlink()
    total = sum(path.stat().st_size for path in wanted)
    sys.stdout.write(f"{len(wanted)} lines, {total / LINES_RATE:.0f} s, {total} bytes\n")


if __name__ == "__main__":
    main()
