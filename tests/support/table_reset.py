"""Database cleanup after a test that commits.

Django truncates every table and creates all permissions again, which takes 90 ms. Usually only a few tables have rows,
and deleting from just those takes 3 ms.
"""

from collections.abc import Callable

from django.core.management import CommandError
from django.db import OperationalError, connection

MAX_ATTEMPTS = 5
# PostgreSQL keeps deleted rows until a VACUUM. Tables with a larger file than this get one.
VACUUM_ABOVE = 64 * 1024  # bytes


class TableReset:
    """Database cleaner that keeps the rows of the new database: migrations, content types, permissions, and groups."""

    def __init__(self) -> None:
        self._initial_counts = {table: count for table, count in self._count_rows().items() if count}

    def empty_tables(self, flush: Callable[[], None]) -> None:
        """Delete all rows from tables that were empty at first. If other tables changed in size, call `flush` instead.

        A gateway that many tests share may be inside a transaction, so PostgreSQL can report a deadlock, and SQLite a
        lock. A retry works, because the gateway finishes in a moment.
        """
        for attempt in range(MAX_ATTEMPTS):
            try:
                self._try_to_empty(flush)
                return
            except (OperationalError, CommandError):
                if attempt == MAX_ATTEMPTS - 1:
                    raise

    def _try_to_empty(self, flush: Callable[[], None]) -> None:
        counts = self._count_rows()
        if any(counts[table] != count for table, count in self._initial_counts.items()):
            flush()
            return
        self._delete_from([table for table, count in counts.items() if count and table not in self._initial_counts])

    def _count_rows(self) -> dict[str, int]:
        tables = connection.introspection.table_names()
        queries = (f"SELECT '{table}', COUNT(*) FROM {connection.ops.quote_name(table)}" for table in tables)
        with connection.cursor() as cursor:
            cursor.execute(" UNION ALL ".join(queries))
            return dict(cursor.fetchall())

    def _delete_from(self, tables: list[str]) -> None:
        names = [connection.ops.quote_name(table) for table in tables]
        statements = [f"DELETE FROM {name}" for name in names]
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                # Without checks of foreign keys, the order of the tables does not matter.
                cursor.execute("; ".join(["SET session_replication_role = replica", *statements]))
                cursor.execute("SET session_replication_role = DEFAULT")
                cursor.execute(
                    "SELECT oid::regclass::text FROM pg_class WHERE relkind = 'r' AND pg_relation_size(oid) > %s"
                    " AND relnamespace = 'public'::regnamespace",
                    [VACUUM_ABOVE],
                )
                large = [name for (name,) in cursor.fetchall()]
                if large:
                    cursor.execute(f"VACUUM {', '.join(large)}")
            return
        with connection.constraint_checks_disabled(), connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
