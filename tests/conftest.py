import gc
from collections.abc import Generator, Iterator
from functools import cache

import botocore.session
import pytest
from django.db import connection, connections
from django.test import TransactionTestCase
from pytest_django import DjangoDbBlocker
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

from tests.support.migrated_database import replace_test_database
from tests.support.prove_run import IS_PROVE_RUN
from tests.support.servers import private_postgres, private_redis, private_s3, require_program
from tests.support.table_reset import TableReset

# Each group of tests that share servers, browsers, or databases runs on one worker. The longest group starts first. The
# other tests are handed out one at a time to fill the gaps. A module fixture of theirs would be set up again and again.
# Two browsers keep two cores busy. A third one would only slow them all down.
GROUPS = {
    "pages": (
        "browser/test_accessibility",
        "browser/test_every_page",
        "browser/test_role_journeys",
        "browser/test_supervisor_pages",
        "browser/test_scenario_import",
        "browser/javascript/",
        "browser/test_call_review",
    ),
    "practice": ("browser/",),
    "conformance": ("standins/openai/test_conformance_scripts.py",),
    "gateways": ("voicegateway/test_gateway_",),
    "installation": ("config/test_launcher.py", "config/test_bootstrap.py", "config/test_static_storage.py"),
    "databases": ("config/test_upgrade.py", "config/test_web_under_load.py"),
    "foreign servers": ("ai/test_models_check.py",),
    "spools": ("recordings/test_spool_damage.py",),
}
GARBAGE_THRESHOLDS = (10_000, 10, 10)
RANKS = {group: rank for rank, group in enumerate(GROUPS)}


def group_of(nodeid: str) -> str:
    """Return the group of a test, or an empty string."""
    return next((group for group, paths in GROUPS.items() if any(f"tests/{path}" in nodeid for path in paths)), "")


class GroupScheduling(LoadScopeScheduling):
    """Scheduler that sends a group to one worker, and every other test to the next free worker, in collection order.

    xdist's own `--dist loadgroup` writes the group into a private field of test items that pytest 9.2 does not have.
    """

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid) or nodeid

    def mark_test_complete(self, node: WorkerController, item_index: int, duration: float = 0) -> None:
        """Mark a test as complete.

        Forget completed scopes, because xdist recounts every assigned scope after each test.
        """
        scope = self._split_scope(self.registered_collections[node][item_index])
        super().mark_test_complete(node, item_index, duration)
        if all(self.assigned_work[node][scope].values()):
            del self.assigned_work[node][scope]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> GroupScheduling:
    return GroupScheduling(config, log)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "both_databases: about the database, so it runs on PostgreSQL and on SQLite")
    config.addinivalue_line("markers", "prove: too slow for `make test`; `make prove` runs it")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect tests that only `make prove` runs, and move the groups to the front."""
    if not IS_PROVE_RUN:
        left_out = [item for item in items if item.get_closest_marker("prove")]
        if left_out:
            config.hook.pytest_deselected(items=left_out)
            items[:] = [item for item in items if not item.get_closest_marker("prove")]
    items.sort(key=lambda item: RANKS.get(group_of(item.nodeid), len(RANKS)))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Exclude the collected tests and their modules from garbage collection: half a million objects that all stay.

    Also raise the collection thresholds: with Python's defaults, garbage collection takes a seventh of the CPU time.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(*GARBAGE_THRESHOLDS)
        gc.enable()


@pytest.fixture(scope="session")
def django_db_keepdb(
    django_db_keepdb: bool, django_db_modify_db_settings: None, django_db_blocker: DjangoDbBlocker
) -> bool:
    """Return True if the database is a copy that this run shares, which Django then neither creates nor drops."""
    with django_db_blocker.unblock():
        return replace_test_database() or django_db_keepdb


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Create the database, and empty only tables with rows after each test that commits."""
    flush = TransactionTestCase._fixture_teardown
    with django_db_blocker.unblock():
        reset = TableReset()
        connections.close_all()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda case: reset.empty_tables(lambda: flush(case)))
        yield
    with django_db_blocker.unblock():
        end_other_sessions()


def end_other_sessions() -> None:
    """End sessions of threads that outlive their test, such as readiness checks: the database could not be dropped."""
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    connection.close()


@pytest.fixture(scope="session", autouse=True)
def share_s3_descriptions() -> Iterator[None]:
    """Let all S3 clients of this process share the description of S3. Reading it takes each client 0.1 to 0.3 s."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.session, "create_loader", cache(botocore.session.create_loader))
        yield


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """Yield the URL of a PostgreSQL server for tests that need one regardless of the suite's database."""
    require_program("postgres")
    with private_postgres() as url:
        yield url


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    require_program("redis-server")
    with private_redis() as url:
        yield url


@pytest.fixture(scope="session")
def s3_url() -> Iterator[str]:
    """Yield the URL of an S3 server. Each test creates its own buckets on it."""
    with private_s3() as url:
        yield url
