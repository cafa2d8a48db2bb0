from collections.abc import Iterator

import pytest

from tests.services import private_postgres, private_redis, private_s3, require


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "once: knows no database of ours or brings its own, so one run of the suite is enough"
    )
    config.addinivalue_line("markers", "heavy: one run is enough, on PostgreSQL where there is one")


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
