"""Drawing of a recording's voices: plain numbers and path data for an inline SVG."""

from collections.abc import Sequence
from dataclasses import dataclass

from evaluation.reports.talk_time import TimeInterval

WIDTH, HEIGHT = 80, 40  # SVG units; one bar is drawn in each unit of the width
_MIDDLE, _GAP, _SHORTEST = 20.0, 1.0, 0.8


@dataclass(frozen=True)
class PauseBand:
    """A long pause in the drawing."""

    x: float  # SVG units from the left
    width: float


@dataclass(frozen=True)
class Waveform:
    """Bars over time: the caller's voice above the middle, the counselor's below it."""

    counselor: str  # path data
    caller: str
    pauses: Sequence[PauseBand]


def draw_waveform(peaks: Sequence[Sequence[float]], pauses: Sequence[TimeInterval], duration_ms: int) -> Waveform:
    """Draw `peaks` (the counselor's channel, then the caller's; from 0 to 1) as bars of one unit each."""
    scale = WIDTH / max(1, duration_ms)
    return Waveform(
        counselor=_draw_bars(peaks[0], 1),
        caller=_draw_bars(peaks[1], -1),
        pauses=[PauseBand(round(one.start_ms * scale, 2), round(one.length_ms * scale, 2)) for one in pauses],
    )


def _draw_bars(peaks: Sequence[float], direction: int) -> str:
    """Return one vertical line for each unit of the width, as high as its loudest peak."""
    if not peaks:
        return ""
    bars = []
    for number in range(WIDTH):
        begin = number * len(peaks) // WIDTH
        end = max(begin + 1, (number + 1) * len(peaks) // WIDTH)
        height = max(_SHORTEST, (_MIDDLE - _GAP) * min(1, max(peaks[begin:end])))
        bars.append(f"M{number}.5 {_MIDDLE + direction * _GAP:g}v{direction * height:.1f}")
    return "".join(bars)
