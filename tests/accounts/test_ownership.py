"""Proof that a database owns its object store, on both kinds of store, and the set-up of new installations."""

import io
from collections.abc import Callable

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Installation, Organization
from accounts.services import ownership
from accounts.services.ownership import (
    MARKER_KEY,
    Marker,
    advance_ownership,
    claim_store,
    may_remove_superseded,
    ownership_problem,
    read_marker,
    set_up_ownership,
    write_marker,
)
from recordings.storage import object_store
from tests.recordings.object_stores import new_bucket, use_bucket
from tests.recordings.recording_factory import use_storage

pytestmark = pytest.mark.both_databases


@pytest.fixture(autouse=True, params=["folder", "s3"])
def store(request, settings, tmp_path):
    ownership.forget_proof()
    ownership._fingerprints.clear()
    if request.param == "folder":
        use_storage(settings, tmp_path / "files")
    else:
        use_bucket(settings, new_bucket(request.getfixturevalue("s3_url")))


@pytest.fixture
def fresh(db) -> None:
    """Make the installation new: no row, no organization, and an empty store."""
    Installation.objects.all().delete()
    object_store().delete(MARKER_KEY)


def current_marker() -> Marker:
    marker = read_marker()[0]
    assert marker
    return marker


def replace_marker(**changes: object) -> None:
    marker, content = read_marker()
    assert marker and write_marker(content, Marker(**(vars(marker) | changes)))


def test_owner_has_no_problem(organization):
    assert ownership_problem() is None


def test_advancing_keeps_row_and_marker_equal(organization):
    before = Installation.objects.get()

    problems = [advance_ownership() for _ in range(3)]

    row, marker = Installation.objects.get(), current_marker()
    assert problems == [None] * 3
    assert (row.counter, row.token) == (marker.counter, marker.token) == (before.counter + 3, row.token)
    assert row.token != before.token


def test_empty_database_does_not_own_a_marked_store(organization):
    Installation.objects.all().delete()

    assert "names no installation" in str(ownership_problem())


def test_older_copy_falls_behind_the_marker(organization):
    backup = Installation.objects.values("counter", "token").get()
    advance_ownership()
    Installation.objects.update(**backup)

    assert "older than the object store (counter 1, the store has 2)" in str(ownership_problem())
    assert "older" in str(advance_ownership())
    assert Installation.objects.get().counter == current_marker().counter - 1


def test_second_copy_with_the_same_counter_is_noticed(organization):
    advance_ownership()
    Installation.objects.update(token="of-another-copy")

    assert "Another copy of this database" in str(ownership_problem())


def test_database_of_another_installation_is_noticed(organization, settings):
    Installation.objects.update(name="other-installation")

    assert f"belongs to installation other-installation, not to INSTALLATION_ID {settings.INSTALLATION_ID}" in str(
        ownership_problem()
    )


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "has no marker"),
        (Marker("other-installation", 1, "x").to_bytes(), "belongs to installation other-installation"),
        (b"not a marker", "is not a marker"),
        (b"[]", "is not a marker"),
    ],
)
def test_store_of_another_owner_is_noticed(organization, content, problem):
    object_store().delete(MARKER_KEY)
    if content is not None:
        object_store().put(MARKER_KEY, content)

    assert problem in str(ownership_problem())


def test_crash_before_the_marker_is_written_leaves_an_owner(organization):
    Installation.objects.update(counter=2, token="newer")  # the marker still has counter 1

    assert (ownership_problem(), advance_ownership()) == (None, None)
    assert current_marker().counter == 3


def test_copy_of_the_same_age_does_not_own_the_store(organization, monkeypatch):
    advance_ownership()
    own = ownership.database_fingerprint()
    monkeypatch.setattr(ownership, "database_fingerprint", lambda max_age=0.0: "another-server-16384")

    for problem in (ownership_problem(), advance_ownership()):
        assert problem and problem.startswith("The object store belongs to a database on another server")
    assert current_marker().database == own
    claim_store()
    assert (ownership_problem(), current_marker().database) == (None, "another-server-16384")


def test_marker_from_before_fingerprints_gets_one(organization):
    before = current_marker().database

    advance_ownership()

    assert (before, current_marker().database) == ("", ownership.database_fingerprint())


def test_fingerprint_is_of_this_database(organization):
    found = ownership.database_fingerprint()
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT system_identifier FROM pg_control_system()")
            assert found.startswith(f"{cursor.fetchone()[0]}-")

    assert found == ownership.database_fingerprint()
    assert len(found) > 16


def query_count(check: Callable[[], object]) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert check() is None
    return len(queries)


def test_removals_ask_for_the_fingerprint_once(organization, monkeypatch):
    fingerprint_queries = 2 if connection.vendor == "postgresql" else 0

    assert query_count(advance_ownership) == 2 + fingerprint_queries
    assert [query_count(ownership_problem) for _ in range(3)] == [1, 1, 1]
    assert query_count(advance_ownership) == 2 + fingerprint_queries  # it writes the marker, so it always asks
    monkeypatch.setattr(ownership, "_FINGERPRINT_SECONDS", 0.0)
    assert query_count(ownership_problem) == 1 + fingerprint_queries


@pytest.mark.django_db(transaction=True)
def test_new_connection_asks_for_the_fingerprint_again(organization):
    fingerprint_queries = 2 if connection.vendor == "postgresql" else 0
    assert ownership_problem() is None
    first = connection.connection

    connection.connection.close()
    connection.close()
    connection.ensure_connection()

    assert connection.connection is not first
    assert [query_count(ownership_problem) for _ in range(2)] == [1 + fingerprint_queries, 1]


@pytest.mark.django_db(transaction=True)
def test_pooled_connection_keeps_its_fingerprint(organization):
    if connection.vendor == "postgresql":
        connection.close()
        connection.close_pool()
        connection.pool.open(wait=True)  # now it has a single connection
    assert ownership_problem() is None

    connection.close()

    assert query_count(ownership_problem) == 1


def test_fingerprint_is_not_reused_for_another_database(organization, monkeypatch):
    own = ownership.database_fingerprint()
    other = connection.copy("other")
    other.settings_dict["NAME"] = "postgres"
    other.settings_dict["OPTIONS"].pop("pool", None)
    monkeypatch.setattr(ownership, "connection", other)

    found = ownership.database_fingerprint(max_age=60)
    other.close()

    assert found != own
    if connection.vendor == "postgresql":
        assert found.partition("-")[0] == own.partition("-")[0]  # the same server
    monkeypatch.undo()
    assert ownership.database_fingerprint(max_age=60) == own


def test_marker_is_not_replaced_after_another_change(organization):
    content = read_marker()[1]
    replace_marker(counter=7)

    assert write_marker(content, Marker("x", 2, "x")) is False
    assert write_marker(None, Marker("x", 2, "x")) is False
    assert current_marker().counter == 7


def test_unreadable_store_is_a_problem(organization, settings, monkeypatch):
    def raise_error(*_):
        raise ConnectionError

    monkeypatch.setattr(type(object_store()), "read_object", raise_error)

    assert "cannot be read (ConnectionError)" in str(ownership_problem())


def test_new_installation_is_set_up_once(fresh, settings):
    assert set_up_ownership() is None

    first = current_marker()
    assert (first.installation, set_up_ownership(), current_marker()) == (settings.INSTALLATION_ID, None, first)


@pytest.mark.parametrize("folder", sorted(ownership.STORE_FOLDERS))
def test_store_with_objects_is_not_set_up(fresh, folder):
    object_store().put(f"{folder}/a/b/c", b"x")

    assert "adopt_store" in str(set_up_ownership())
    assert not Installation.objects.exists()


def test_existing_database_is_not_set_up(fresh):
    Organization.objects.create(name="Harbor Crisis Center")

    assert "adopt_store" in str(set_up_ownership())


def test_organization_is_not_created_in_an_empty_database_beside_a_used_store(fresh, monkeypatch):
    object_store().put(MARKER_KEY, Marker("other-installation", 3, "x").to_bytes())
    monkeypatch.setattr("sys.stdin", io.StringIO("long enough and not common\n"))

    with pytest.raises(CommandError, match="belongs to installation other-installation"):
        call_command("create_organization", "Lakeside Line", "head@lakeside.example")

    assert not Organization.objects.exists()


def test_migrate_refuses_an_empty_database_beside_a_used_store(fresh):
    object_store().put(MARKER_KEY, Marker("other-installation", 3, "x").to_bytes())

    with pytest.raises(CommandError, match="belongs to installation other-installation"):
        call_command("migrate", verbosity=0)


def test_migrate_sets_up_a_new_installation(fresh):
    call_command("migrate", verbosity=0)

    assert ownership_problem() is None


def test_migrate_of_an_existing_database_only_warns(fresh):
    Organization.objects.create(name="Harbor Crisis Center")
    errors = io.StringIO()

    call_command("migrate", verbosity=0, stderr=errors)

    assert "adopt_store" in errors.getvalue()


def test_claim_overtakes_row_and_marker(organization):
    replace_marker(counter=40)

    claim_store()

    assert (ownership_problem(), current_marker().counter) == (None, 41)


def test_superseded_files_need_ownership(organization, settings):
    assert may_remove_superseded() is True
    ownership.forget_proof()
    settings.INSTALLATION_ID = "other-installation"

    assert may_remove_superseded() is False
