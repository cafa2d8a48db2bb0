"""Conversations by hour of the day, as a bar chart with its table."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import time, timedelta

from django.db.models import Count
from django.db.models.functions import ExtractHour
from django.utils import timezone
from django.utils.formats import time_format
from django.utils.translation import gettext as _

from accounts.models import User
from training.models import Session

SPAN_DAYS = 28
HEIGHT, STEP = 60, 10  # SVG units: the tallest bar, and the distance from one bar to the next


@dataclass(frozen=True)
class HourBar:
    """Conversations that began in one hour of the day."""

    hour: int  # 0 to 23, in the organization's time zone
    count: int
    x: int  # SVG units from the left
    height: float  # SVG units
    y: float  # SVG units from the top

    @property
    def label(self) -> str:
        """The hour in the reader's format, such as 9 a.m."""
        return time_format(time(self.hour))


@dataclass(frozen=True)
class HourChart:
    """24 bars, from midnight on."""

    bars: Sequence[HourBar]

    WIDTH = 24 * STEP
    HEIGHT = HEIGHT

    @property
    def total(self) -> int:
        return sum(bar.count for bar in self.bars)

    @property
    def busiest(self) -> HourBar:
        return max(self.bars, key=lambda bar: bar.count)

    @property
    def summary(self) -> str:
        """Description of the drawing in words."""
        values = {"count": self.busiest.count, "hour": self.busiest.label}
        return _("Most conversations begin in the hour from %(hour)s: %(count)s in four weeks") % values


def build_hour_chart(user: User) -> HourChart:
    """Count the conversations that `user` may read and that began in the last SPAN_DAYS days, by local hour."""
    since = timezone.now() - timedelta(days=SPAN_DAYS)
    rows = Session.objects.for_user(user).without_trials().filter(started_at__gte=since).order_by()
    by_hour = rows.annotate(hour=ExtractHour("started_at")).values_list("hour").annotate(count=Count("pk"))
    counts = dict(by_hour)
    tallest = max(counts.values(), default=1)
    return HourChart([_build_bar(hour, counts.get(hour, 0), tallest) for hour in range(24)])


def _build_bar(hour: int, count: int, tallest: int) -> HourBar:
    height = round(HEIGHT * count / tallest, 1)
    return HourBar(hour, count, hour * STEP, height, round(HEIGHT - height, 1))
