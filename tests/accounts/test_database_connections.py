import os

import pytest
from django.db import connection, transaction
from django.db.backends.postgresql.base import DatabaseWrapper

from accounts.services.database_connections import release_connection

pytestmark = pytest.mark.both_databases


def query() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        value: int = cursor.fetchone()[0]
    return value


def test_released_connection_is_taken_again_by_the_next_query(transactional_db):
    query()

    release_connection()
    is_kept = connection.connection is not None

    # Without a pool, nothing is shared, so the connection stays open.
    assert is_kept == (connection.vendor == "sqlite")
    assert query() == 1


def test_connection_stays_during_a_transaction(transactional_db):
    with transaction.atomic():
        query()
        release_connection()

        assert connection.connection is not None
        assert query() == 1


@pytest.mark.skipif(connection.vendor != "postgresql", reason="only PostgreSQL has a pool")
def test_pool_has_the_size_of_its_setting(transactional_db, settings):
    query()

    stats = connection.pool.get_stats()

    assert (stats["pool_max"], stats["pool_size"] <= stats["pool_max"]) == (settings.DATABASE_POOL_SIZE, True)


@pytest.mark.skipif(connection.vendor != "postgresql", reason="only PostgreSQL has a pool")
def test_forked_process_has_no_pool_of_its_parent(transactional_db):
    query()
    read, write = os.pipe()

    child = os.fork()
    if child == 0:
        os.write(write, str(len(DatabaseWrapper._connection_pools)).encode())
        os._exit(0)
    os.waitpid(child, 0)

    assert (len(DatabaseWrapper._connection_pools), os.read(read, 10)) == (1, b"0")
    os.close(read)
    os.close(write)
