"""Line plots over time: plain numbers for an inline SVG, and for the table beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

WIDTH, HEIGHT = 600, 120  # SVG units, without the margins for labels
MIN_POINTS = 5  # with fewer, words say more than a line
MIN_COMPARED = 2  # conversations in each half of the time


@dataclass(frozen=True)
class PlotPoint:
    """The result of one week."""

    week: date  # its Monday
    percent: int  # share of the possible score, 0 to 100
    sessions: int  # conversations it is based on


@dataclass(frozen=True)
class PlotDot:
    """A point with its place in the drawing."""

    x: float  # SVG units from the left
    y: float  # SVG units from the top
    point: PlotPoint


@dataclass(frozen=True)
class Plot:
    """A line of percentages by week. A week without a conversation is a gap in time, not a zero."""

    points: Sequence[PlotPoint]  # oldest first
    first: date  # Monday at the left edge
    last: date  # Monday at the right edge

    @property
    def dots(self) -> list[PlotDot]:
        days = max(1, (self.last - self.first).days)
        return [
            PlotDot(
                round(WIDTH * (point.week - self.first).days / days, 1),
                round(HEIGHT * (1 - point.percent / 100), 1),
                point,
            )
            for point in self.points
        ]

    @property
    def is_drawn(self) -> bool:
        return len(self.points) >= MIN_POINTS

    @property
    def line(self) -> str:
        """Path data of the line."""
        return "M" + " L".join(f"{dot.x} {dot.y}" for dot in self.dots)

    @property
    def area(self) -> str:
        """Path data of the area below the line."""
        return f"{self.line} L{self.dots[-1].x} {HEIGHT} L{self.dots[0].x} {HEIGHT} Z"

    @property
    def average(self) -> int:
        """Average over all conversations, in percent, rounded down. 0 without any."""
        return _average_of(self.points)

    @property
    def change(self) -> int | None:
        """Points gained from the first half of the time to the second. None if either has too few conversations."""
        middle = self.first + (self.last - self.first) / 2
        before = [point for point in self.points if point.week <= middle]
        after = [point for point in self.points if point.week > middle]
        if min(sum(point.sessions for point in half) for half in (before, after)) < MIN_COMPARED:
            return None
        return _average_of(after) - _average_of(before)

    @property
    def summary(self) -> str:
        """Description of the drawing in words."""
        if not self.points:
            return _("No graded practice in this period.")
        first, last = self.points[0], self.points[-1]
        if len(self.points) == 1:
            return _("%(percent)s%% in one week") % {"percent": first.percent}
        return ngettext(
            "From %(first)s%% to %(last)s%% over %(weeks)s week",
            "From %(first)s%% to %(last)s%% over %(weeks)s weeks",
            len(self.points),
        ) % {"first": first.percent, "last": last.percent, "weeks": len(self.points)}


def _average_of(points: Sequence[PlotPoint]) -> int:
    sessions = sum(point.sessions for point in points)
    return sum(point.percent * point.sessions for point in points) // sessions if sessions else 0


def percent_of(reached: int, possible: int) -> int:
    """Return `reached` as a percentage of `possible`, rounded down. Return 0 if nothing was possible."""
    return 100 * reached // possible if possible else 0


@dataclass(frozen=True)
class Sparkline:
    """A small line of scores from 0 to 100, oldest first, each as far from the next."""

    scores: Sequence[int]

    WIDTH, HEIGHT = 200, 48  # SVG units

    @property
    def is_drawn(self) -> bool:
        return len(self.scores) >= MIN_POINTS

    @property
    def average(self) -> int:
        return round(sum(self.scores) / len(self.scores)) if self.scores else 0

    @property
    def line(self) -> str:
        """Path data of the line."""
        step = self.WIDTH / max(1, len(self.scores) - 1)
        margin = 4
        height = self.HEIGHT - 2 * margin
        places = [f"{step * n:.1f} {margin + height * (1 - score / 100):.1f}" for n, score in enumerate(self.scores)]
        return "M" + " L".join(places)

    @property
    def area(self) -> str:
        """Path data of the area below the line."""
        return f"{self.line} L{self.WIDTH} {self.HEIGHT} L0 {self.HEIGHT} Z"

    @property
    def summary(self) -> str:
        """Description of the drawing in words."""
        return _("Your last %(count)s scores, from %(first)s to %(last)s") % {
            "count": len(self.scores),
            "first": self.scores[0],
            "last": self.scores[-1],
        }
