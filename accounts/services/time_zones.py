"""Time zones of organizations, active for each request, task, and email."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from zoneinfo import available_timezones

from django.utils import timezone

from accounts.models import Organization


@contextmanager
def organization_time(organization: Organization) -> Iterator[None]:
    """Use the organization's time zone inside the block: for today, weeks, and dates in text."""
    with timezone.override(organization.zone):
        yield


@cache
def list_time_zones() -> list[str]:
    """Return the names of all regions' time zones, sorted. Technical ones such as `Etc/GMT+5` are left out."""
    technical = ("Etc/", "posix", "right/", "SystemV/", "localtime", "Factory")
    return sorted(name for name in available_timezones() if not name.startswith(technical))
