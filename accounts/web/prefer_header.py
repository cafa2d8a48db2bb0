"""`Prefer: wait=N`, for clients that would rather wait briefly than poll."""

import re

from django.http import HttpRequest

LONGEST_WAIT = 30.0  # seconds


def preferred_wait(request: HttpRequest) -> float:
    """Return the seconds, up to LONGEST_WAIT, that the client will wait for the final answer; 0 if not given."""
    found = re.search(r"\bwait\s*=\s*(\d{1,3})\b", request.headers.get("Prefer", ""))
    return min(float(found[1]), LONGEST_WAIT) if found else 0.0
