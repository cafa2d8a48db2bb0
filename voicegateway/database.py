"""The gateway's own way to the database: Django's shared thread would let one slow query hold up every call.

Its threads are few and stay, and each keeps its connection: opening one costs more than most of what is asked.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

from django.db import InterfaceError, OperationalError, connection

logger = logging.getLogger(__name__)

Args = ParamSpec("Args")
Result = TypeVar("Result")

AWAY = (OperationalError, InterfaceError)  # not there, or too busy: the same statement may succeed later
RETRY_AFTER, LONGEST_RETRY = 1.0, 5.0  # seconds
LOOKED_AT_AFTER = 2.0  # seconds unused, after which a connection may have been closed by the other end

_calls = ThreadPoolExecutor(max_workers=4, thread_name_prefix="gateway-calls")
# What calls wait for must not wait behind these, nor these behind each other.
WRITER = ThreadPoolExecutor(max_workers=1, thread_name_prefix="gateway-turns")
SHIPPER = ThreadPoolExecutor(max_workers=1, thread_name_prefix="gateway-leftovers")
BEATER = ThreadPoolExecutor(max_workers=1, thread_name_prefix="gateway-beats")

_used = threading.local()


def in_database(
    function: Callable[Args, Result], threads: ThreadPoolExecutor = _calls
) -> Callable[Args, Awaitable[Result]]:
    """The function, run on a thread of the gateway's own, on that thread's connection."""

    async def run(*args: Args.args, **kwargs: Args.kwargs) -> Result:
        call = partial(function, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(threads, _on_own_connection, call)

    return run


def _on_own_connection(call: Callable[[], Result]) -> Result:
    idle = time.monotonic() - getattr(_used, "at", 0.0)
    if connection.connection is not None and idle > LOOKED_AT_AFTER and not connection.is_usable():
        connection.close()
    try:
        return call()
    except AWAY:
        connection.close()  # broken or not: the next try begins with a new one
        raise
    finally:
        _used.at = time.monotonic()


def at_last(function: Callable[Args, Result], retry_after: float = RETRY_AFTER) -> Callable[Args, Awaitable[Result]]:
    """The same for what must not be lost: while the database is away it is tried again and again."""
    awaitable = in_database(function)

    async def insist(*args: Args.args, **kwargs: Args.kwargs) -> Result:
        wait = retry_after
        while True:
            try:
                return await awaitable(*args, **kwargs)
            except AWAY as away:
                # No traceback: every call of this process says so every few seconds.
                logger.warning("The database is away (%s); trying again", type(away).__name__)
                await asyncio.sleep(wait)
                wait = min(2 * wait, LONGEST_RETRY)

    return insist
