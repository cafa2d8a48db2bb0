"""The gateway's own way to the database: Django's shared thread would let one slow query hold up every call."""

from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from channels.db import database_sync_to_async

Args = ParamSpec("Args")
Result = TypeVar("Result")

_threads = ThreadPoolExecutor(max_workers=4, thread_name_prefix="gateway-database")


def in_database(function: Callable[Args, Result]) -> Callable[Args, Awaitable[Result]]:
    """The function, run on a thread of the gateway's own, on a connection that is closed after it."""
    awaitable: Callable[Args, Awaitable[Result]] = database_sync_to_async(
        function, thread_sensitive=False, executor=_threads
    )
    return awaitable
