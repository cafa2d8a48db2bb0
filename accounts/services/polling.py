"""Polling of a condition until it holds or time runs out."""

import time
from collections.abc import Callable


def wait_until(is_done: Callable[[], bool], timeout: float, interval: float = 0.1) -> bool:
    """Call `is_done` every `interval` seconds until it returns True or `timeout` seconds have passed.

    Return the last result. This blocks the thread, which belongs to a single request or task.
    """
    deadline = time.monotonic() + timeout
    while not is_done():
        if time.monotonic() >= deadline:
            return False
        time.sleep(interval)
    return True
