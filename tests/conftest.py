from collections.abc import Iterator

import pytest
from django.core.management import CommandError
from django.test import TransactionTestCase

from tests.services import private_postgres, private_redis, private_s3, require

EMPTYING_ATTEMPTS = 5


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "once: knows no database of ours or brings its own, so one run of the suite is enough"
    )
    config.addinivalue_line("markers", "heavy: one run is enough, on PostgreSQL where there is one")


@pytest.fixture(scope="session", autouse=True)
def emptied_again() -> Iterator[None]:
    """A gateway that many tests share may be in the middle of something while PostgreSQL empties every table.

    One of the two is then told of a deadlock. If it is us, we try again: the other is done in a moment.
    """
    empty = TransactionTestCase._fixture_teardown

    def insist(case: TransactionTestCase) -> None:
        for attempt in range(EMPTYING_ATTEMPTS):
            try:
                empty(case)
                return
            except CommandError:
                if attempt == EMPTYING_ATTEMPTS - 1:
                    raise

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", insist)
        yield


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL server for the tests that need one whatever the suite runs on."""
    require("postgres")
    with private_postgres() as url:
        yield url


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    require("redis-server")
    with private_redis() as url:
        yield url


@pytest.fixture(scope="session")
def s3_url() -> Iterator[str]:
    """An S3 server; a test makes buckets of its own on it."""
    with private_s3() as url:
        yield url
