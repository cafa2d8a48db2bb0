"""Time zones of organizations, active for each request, task, and email."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.utils import timezone

from accounts.models import Organization


@contextmanager
def organization_time(organization: Organization) -> Iterator[None]:
    """Use the organization's time zone inside the block, for the current date, weeks, and dates in text."""
    with timezone.override(organization.zone):
        yield
