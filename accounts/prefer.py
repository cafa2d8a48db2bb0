"""`Prefer: wait=N`: a client that would rather wait a little than poll."""

import re
import time
from collections.abc import Callable

from django.http import HttpRequest

LONGEST_WAIT = 30.0  # seconds


def preferred_wait(request: HttpRequest) -> float:
    """Seconds the client will wait for the final answer; 0 when it did not say."""
    found = re.search(r"\bwait\s*=\s*(\d{1,3})\b", request.headers.get("Prefer", ""))
    return min(float(found[1]), LONGEST_WAIT) if found else 0.0


def wait_until(done: Callable[[], bool], seconds: float, every: float = 0.1) -> bool:
    """Look again, every so many seconds, until `done` or the time is over.

    Blocks its thread: each request and each task has one of its own.
    """
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() >= deadline:
            return False
        time.sleep(every)
    return True
