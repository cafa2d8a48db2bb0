"""Release of pooled database connections, and reset of the pools in forked processes."""

import os

from django.db import connection
from django.db.backends.postgresql.base import DatabaseWrapper


def release_connection() -> None:
    """Return this thread's connection to the pool before waiting for anything else. The next query takes one again.

    Do nothing inside a transaction, or without a pool, because then connections are not shared.
    """
    if getattr(connection, "pool", None) is not None and not connection.in_atomic_block:
        connection.close()


def forget_pools_in_forks() -> None:
    """Make forked processes open their own pools. Sharing the parent's sockets and locks would break both processes."""
    os.register_at_fork(after_in_child=DatabaseWrapper._connection_pools.clear)  # type: ignore[attr-defined]
