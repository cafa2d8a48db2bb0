"""Lines over time as they are drawn: plain numbers for an inline SVG, and the same for a table beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

WIDTH, HEIGHT = 600, 120  # of the drawing's own units, without the margins for words


@dataclass(frozen=True)
class Point:
    """A week and what was reached in it, 0 to 100, in so many conversations."""

    week: date
    percent: int
    sessions: int


@dataclass(frozen=True)
class Dot:
    x: float
    y: float
    point: Point


@dataclass(frozen=True)
class Plot:
    """Percent by week. A week without a conversation is a gap in time, not a zero."""

    points: Sequence[Point]
    first: date
    last: date

    @property
    def dots(self) -> list[Dot]:
        days = max(1, (self.last - self.first).days)
        return [
            Dot(
                round(WIDTH * (point.week - self.first).days / days, 1),
                round(HEIGHT * (1 - point.percent / 100), 1),
                point,
            )
            for point in self.points
        ]

    @property
    def line(self) -> str:
        """For a polyline."""
        return " ".join(f"{dot.x},{dot.y}" for dot in self.dots)

    @property
    def summary(self) -> str:
        """What the drawing shows, in words."""
        if not self.points:
            return "Nothing was graded in this time."
        first, last = self.points[0], self.points[-1]
        if len(self.points) == 1:
            return f"{first.percent} percent in one week."
        return f"From {first.percent} to {last.percent} percent over {len(self.points)} weeks."


def percent_of(reached: int, possible: int) -> int:
    """Rounded down: in doubt the lower."""
    return 100 * reached // possible if possible else 0
