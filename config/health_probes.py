"""Probes of the services that the product needs. Each returns None, or a reason without addresses or secrets."""

from typing import Any

from django.db import DEFAULT_DB_ALIAS, DatabaseError, InterfaceError, connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from accounts.services.ownership import ownership_problem
from config.celery import app as celery_app
from recordings.storage import object_store

MARKER_KEY = "readiness/marker"
PROBE_TIMEOUT = 2  # seconds


class DatabaseProbe:
    """Probe of the database on its own lasting connection, so that it never waits for the pool."""

    def __init__(self) -> None:
        self._connection: BaseDatabaseWrapper | None = None

    def __call__(self) -> str | None:
        is_new = self._connection is None
        try:
            self._select()
        except (DatabaseError, InterfaceError):
            self.close()
            if is_new:
                return "unreachable"
            return self()  # the server may have closed the kept connection
        return None

    def _select(self) -> None:
        if self._connection is None:
            self._connection = _connect_outside_pool()
        with self._connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            if cursor.fetchone() != (1,):
                raise DatabaseError("The database returned an unexpected result.")

    def close(self) -> None:
        kept, self._connection = self._connection, None
        if kept:
            kept.close()


def _connect_outside_pool() -> BaseDatabaseWrapper:
    copy: BaseDatabaseWrapper = connections[DEFAULT_DB_ALIAS].copy("readiness")
    copy.inc_thread_sharing()  # each check runs in its own thread
    if copy.vendor == "postgresql":
        options: dict[str, Any] = copy.settings_dict["OPTIONS"]
        options.pop("pool", None)
        # Without these, checking a database that has stopped responding would hang for many minutes.
        options |= {"connect_timeout": PROBE_TIMEOUT, "tcp_user_timeout": PROBE_TIMEOUT * 1000}
    return copy


check_database = DatabaseProbe()


def check_broker() -> str | None:
    with celery_app.connection_for_write() as broker:
        broker.ensure_connection(max_retries=1, interval_start=0, timeout=PROBE_TIMEOUT)
    return None


def check_ownership() -> str | None:
    """Return a reason while this database does not own the object store. The log and `adopt_store` say more."""
    try:
        return "this database does not own the object store, so nothing is deleted" if ownership_problem() else None
    finally:
        connection.close()


def check_storage() -> str | None:
    """Write a small object and read it back, as recordings do."""
    store = object_store()
    store.put(MARKER_KEY, b"ready")
    reader = store.read_range(MARKER_KEY, 0, 5)
    try:
        return None if reader.read(5) == b"ready" else "an object could not be read back as it was written"
    finally:
        reader.close()
