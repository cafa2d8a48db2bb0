"""`Prefer: wait=N`, for clients that would rather wait briefly than poll."""

import re
import time
from collections.abc import Callable

from django.http import HttpRequest

LONGEST_WAIT = 30.0  # seconds


def preferred_wait(request: HttpRequest) -> float:
    """Return the seconds, up to LONGEST_WAIT, that the client will wait for the final answer; 0 if not given."""
    found = re.search(r"\bwait\s*=\s*(\d{1,3})\b", request.headers.get("Prefer", ""))
    return min(float(found[1]), LONGEST_WAIT) if found else 0.0


def wait_until(done: Callable[[], bool], seconds: float, every: float = 0.1) -> bool:
    """Call `done` every `every` seconds until it returns True or `seconds` have passed. Return whether it did.

    This blocks the thread. Each request and each task has its own.
    """
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() >= deadline:
            return False
        time.sleep(every)
    return True
