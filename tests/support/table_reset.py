"""Database cleanup after a test that commits.

Django truncates every table and creates all permissions again, which takes 90 ms. Usually only a few tables have rows,
and deleting from just those takes 3 ms.
"""

from collections.abc import Callable

from django.core.management import CommandError
from django.db import OperationalError, ProgrammingError, connection

MAX_ATTEMPTS = 5
# PostgreSQL keeps deleted rows until a VACUUM. Tables with a larger file than this get one.
VACUUM_ABOVE = 64 * 1024  # bytes


class TableReset:
    """Database cleaner that keeps the rows of the new database: migrations, content types, permissions, and groups."""

    def __init__(self) -> None:
        self._initial_counts = {table: count for table, count in self._count_rows().items() if count}

    def empty_tables(self, flush: Callable[[], None]) -> None:
        """Delete every row that was not there at first. Call Django's own `flush` if some of those came or went.

        A gateway that many tests share may write at the same time. A row that it adds is deleted in the next round. If
        PostgreSQL reports a deadlock, or SQLite a lock, a retry works, because the gateway finishes in a moment.
        """
        for attempt in range(MAX_ATTEMPTS):
            try:
                counts = self._count_rows()
                if any(counts.get(table) != count for table, count in self._initial_counts.items()):
                    flush()
                    return
                filled = [table for table, count in counts.items() if count and table not in self._initial_counts]
                if not filled:
                    return
                self._delete_from(filled)
            except (OperationalError, CommandError):
                if attempt == MAX_ATTEMPTS - 1:
                    raise
            except ProgrammingError:  # only a superuser may turn the checks of foreign keys off
                break
        flush()

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
