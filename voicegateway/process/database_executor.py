"""The gateway's database threads. On Django's shared thread one slow query would hold up every call.

With PostgreSQL, these few threads borrow a connection from the process's pool for each operation. Without a pool, each
thread keeps a connection, because opening one costs more than most queries.
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

from accounts.services.database_connections import release_connection

logger = logging.getLogger(__name__)

Args = ParamSpec("Args")
Result = TypeVar("Result")

UNAVAILABLE_ERRORS = (OperationalError, InterfaceError)  # unreachable or too busy; a retry may succeed
RETRY_DELAY, MAX_RETRY_DELAY = 1.0, 5.0  # seconds
CHECK_AFTER_IDLE = 2.0  # seconds of idling after which the server may have closed the connection

_CALL_EXECUTOR = ThreadPoolExecutor(max_workers=4, thread_name_prefix="gateway-calls")
# Separate threads, so that these never delay each other or a query that a call waits for.
TURN_EXECUTOR = ThreadPoolExecutor(max_workers=1, thread_name_prefix="gateway-turns")
UPLOAD_EXECUTOR = ThreadPoolExecutor(max_workers=1, thread_name_prefix="gateway-leftovers")
HEARTBEAT_EXECUTOR = ThreadPoolExecutor(max_workers=1, thread_name_prefix="gateway-beats")

_last_use = threading.local()


def database_to_async(
    function: Callable[Args, Result], executor: ThreadPoolExecutor = _CALL_EXECUTOR
) -> Callable[Args, Awaitable[Result]]:
    """Return an async version of `function` that runs on one of the gateway's threads and its connection."""

    async def run(*args: Args.args, **kwargs: Args.kwargs) -> Result:
        call = partial(function, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(executor, _run_on_own_connection, call)

    return run


def _run_on_own_connection(call: Callable[[], Result]) -> Result:
    idle = time.monotonic() - getattr(_last_use, "at", 0.0)
    if connection.connection is not None and idle > CHECK_AFTER_IDLE and not connection.is_usable():
        connection.close()
    try:
        return call()
    except UNAVAILABLE_ERRORS:
        connection.close()  # it may be broken; the next attempt opens a new one
        raise
    finally:
        release_connection()
        _last_use.at = time.monotonic()


def retry_until_available(
    function: Callable[Args, Result], retry_after: float = RETRY_DELAY
) -> Callable[Args, Awaitable[Result]]:
    """Return an async version of `function` that retries while the database is unavailable.

    Use it for writes that must not be lost. The delay doubles from `retry_after` to `MAX_RETRY_DELAY` seconds.
    """
    run = database_to_async(function)

    async def retry(*args: Args.args, **kwargs: Args.kwargs) -> Result:
        delay = retry_after
        while True:
            try:
                return await run(*args, **kwargs)
            except UNAVAILABLE_ERRORS as error:
                # No traceback: during an outage every call of this process logs this every few seconds.
                logger.warning("The database is unavailable (%s); trying again", type(error).__name__)
                await asyncio.sleep(delay)
                delay = min(2 * delay, MAX_RETRY_DELAY)

    return retry
