"""The gateway's own way to the database: Django's shared thread would let one slow query hold up every call."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from channels.db import database_sync_to_async
from django.db import InterfaceError, OperationalError

logger = logging.getLogger(__name__)

Args = ParamSpec("Args")
Result = TypeVar("Result")

AWAY = (OperationalError, InterfaceError)  # not there, or too busy: the same statement may succeed later
RETRY_AFTER = 1.0  # seconds

_calls = ThreadPoolExecutor(max_workers=4, thread_name_prefix="gateway-calls")
# What calls wait for must not wait behind these, nor these behind each other.
WRITER = ThreadPoolExecutor(max_workers=1, thread_name_prefix="gateway-turns")
FINISHER = ThreadPoolExecutor(max_workers=1, thread_name_prefix="gateway-recordings")


def in_database(
    function: Callable[Args, Result], threads: ThreadPoolExecutor = _calls
) -> Callable[Args, Awaitable[Result]]:
    """The function, run on a thread of the gateway's own, on a connection that is closed after it."""
    awaitable: Callable[Args, Awaitable[Result]] = database_sync_to_async(
        function, thread_sensitive=False, executor=threads
    )
    return awaitable


def at_last(function: Callable[Args, Result], retry_after: float = RETRY_AFTER) -> Callable[Args, Awaitable[Result]]:
    """The same for what must not be lost: while the database is away it is tried again and again."""
    awaitable = in_database(function)

    async def insist(*args: Args.args, **kwargs: Args.kwargs) -> Result:
        while True:
            try:
                return await awaitable(*args, **kwargs)
            except AWAY:
                logger.exception("The database is away; trying again")
                await asyncio.sleep(retry_after)

    return insist
