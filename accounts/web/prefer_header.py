"""The header `Prefer: wait=N`, for clients that would rather wait briefly than poll."""

import re

from django.http import HttpRequest

MAX_WAIT = 30.0  # seconds


def preferred_wait(request: HttpRequest) -> float:
    """Return the seconds that the client will wait for the result, at most MAX_WAIT, or 0 if the header is missing."""
    found = re.search(r"\bwait\s*=\s*(\d{1,3})\b", request.headers.get("Prefer", ""))
    return min(float(found[1]), MAX_WAIT) if found else 0.0
