"""Lifecycle of an import: check, start, idempotency keys, and takeover from a lost worker."""

import io
import os
import time
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.storage import storages
from django.utils import timezone

from accounts.services.leases import RetryLaterError
from scenarios.models import ImportJob, ImportRow, Scenario
from scenarios.packs.rows import UnreadablePackError
from scenarios.services.evaluator_contexts import delete_orphaned_contexts
from scenarios.services.import_writing import write_import
from scenarios.services.imports import (
    IdempotencyKeyReusedError,
    allow_partial,
    discard_import,
    resume_import,
    stage_import,
    start_import,
)
from scenarios.tasks import sweep_imports
from tests.scenarios.import_factories import (
    list_outcomes,
    make_pack_file,
    make_row,
    make_rows,
    run_before_query,
    run_test_import,
    stage_test_import,
    start_test_import,
)
from tests.support.fixtures import add_scenario, run_concurrently
from tests.support.forked_program import ForkedProgram
from tests.support.leases import expire_leases
from tests.support.store_owner import mark_store
from tests.voicegateway.gateway_process import process_environment, wait_until

pytestmark = pytest.mark.both_databases


def unreadable_error(organization, content: bytes, **limits) -> UnreadablePackError:
    with pytest.raises(UnreadablePackError) as caught:
        stage_import(organization, None, io.BytesIO(content), "pack.json", ImportJob.ImportSource.API, **limits)
    return caught.value


# ---- Checking


def test_unreadable_file_leaves_no_job(organization):
    broken = b'[{"title": "One", "prompt": "You."},\n {"title": "Two", "prompt": NaN x}]'

    error = unreadable_error(organization, broken)

    assert error.line == 2
    assert not ImportJob.objects.exists() and not ImportRow.objects.exists()


def test_file_over_row_limit_is_rejected(organization):
    content = make_pack_file(*make_rows(101)).getvalue()

    assert "more than 100 rows" in str(unreadable_error(organization, content, max_rows=100))
    assert not ImportJob.objects.exists()


@pytest.mark.parametrize(
    ("content", "name"),
    [(b"[]", "pack.json"), (b'{"scenarios": []}', "pack.json"), (b"title,prompt\r\n\r\n", "pack.csv")],
)
def test_file_without_rows_is_rejected(organization, content, name):
    with pytest.raises(UnreadablePackError) as error:
        stage_import(organization, None, io.BytesIO(content), name, ImportJob.ImportSource.API)

    assert str(error.value) == "The file has no rows."
    assert not ImportJob.objects.exists()


def test_job_discarded_during_reading_stays_discarded(organization):
    def discard(rows: int) -> None:
        ImportJob.objects.update(status=ImportJob.Status.FORGOTTEN)

    with pytest.raises(UnreadablePackError, match="was discarded while the file was being read"):
        stage_import(
            organization, None, make_pack_file(make_row()), "", ImportJob.ImportSource.API, on_progress=discard
        )

    assert not ImportJob.objects.exists()


def test_ignored_columns_are_listed(organization):
    assert stage_test_import(organization, make_row(mood="low", weather="rain")).ignored_columns == ["mood", "weather"]


def test_staging_reports_progress(organization):
    progress: list[int] = []

    stage_import(
        organization, None, make_pack_file(*make_rows(450)), "", ImportJob.ImportSource.API, on_progress=progress.append
    )

    assert progress == [200, 400, 450]


# ---- Starting


def test_invalid_row_blocks_import(organization):
    job = stage_test_import(organization, make_row("One"), make_row("Two", mode="letter"))

    assert start_import(job, queue=False) is False

    job.refresh_from_db()
    assert job.status == ImportJob.Status.CHECKED
    write_import(job.pk)
    assert not Scenario.objects.exists()


def test_allow_partial_releases_valid_rows(organization):
    job = stage_test_import(organization, make_row("One"), make_row("Two", mode="letter"))

    allow_partial(job)

    assert start_import(job, queue=False) is True
    write_import(job.pk)
    assert Scenario.objects.get().title == "One"


def test_import_starts_once(organization):
    job = stage_test_import(organization, make_row())

    assert [start_import(ImportJob.objects.get(pk=job.pk), queue=False) for _ in range(3)] == [True, False, False]


@pytest.mark.django_db(transaction=True)
def test_concurrent_starts_start_import_once(organization):
    job = stage_test_import(organization, *make_rows(10))

    results = run_concurrently(*[lambda: start_import(ImportJob.objects.get(pk=job.pk))] * 2)

    assert sorted(results) == [False, True]


def test_import_without_changes_completes_at_once(organization):
    add_scenario(organization, "Night shift")

    job = start_test_import(organization, make_row())

    assert (job.status, job.written, job.is_finished) == (ImportJob.Status.COMPLETED, 0, True)
    assert ImportJob.objects.get().finished_at is not None


def test_importing_same_file_again_creates_nothing(organization):
    run_test_import(organization, *make_rows(5))

    again = run_test_import(organization, *make_rows(5))

    assert (again.status, list_outcomes(again), Scenario.objects.count()) == ("completed", ["duplicate"] * 5, 5)


def test_sweep_deletes_unstarted_import(organization):
    old, new, finished = (
        stage_test_import(organization, make_row()),
        stage_test_import(organization, make_row()),
        run_test_import(organization, make_row("Two")),
    )
    ImportJob.objects.filter(pk__in=[old.pk, finished.pk]).update(created_at=timezone.now() - timedelta(days=2))

    sweep_imports()

    assert set(ImportJob.objects.all()) == {new, finished}
    assert not ImportRow.objects.filter(job_id=old.pk).exists()


def test_started_import_is_not_discarded(organization):
    waiting, running = stage_test_import(organization, make_row()), start_test_import(organization, make_row("Two"))

    assert (discard_import(waiting), discard_import(running)) == (True, False)

    assert ImportJob.objects.get() == running


@pytest.mark.parametrize("delete", [discard_import, lambda job: sweep_imports()])
def test_import_being_deleted_does_not_start(organization, delete):
    job = stage_test_import(organization, make_row())
    ImportJob.objects.update(created_at=timezone.now() - timedelta(days=2))
    starts: list[bool] = []

    with run_before_query("DELETE FROM", lambda: starts.append(start_import(job, queue=False))):
        delete(job)

    assert starts == [False]
    assert not ImportJob.objects.exists()


@pytest.mark.parametrize("delete", [discard_import, lambda job: sweep_imports()])
def test_import_started_before_deletion_keeps_all_rows(organization, delete):
    job = stage_test_import(organization, make_row())
    ImportJob.objects.update(created_at=timezone.now() - timedelta(days=2))

    with run_before_query('UPDATE "scenarios_importjob"', lambda: start_import(job, queue=False)):
        delete(job)

    assert (ImportJob.objects.get().status, list_outcomes(job)) == (ImportJob.Status.QUEUED, ["new"])


# ---- Idempotency keys


def test_same_key_and_body_return_same_import(organization):
    first = stage_test_import(organization, make_row(), key="k1")
    start_import(first, queue=False)
    write_import(first.pk)

    second = stage_test_import(organization, make_row(), key="k1")

    assert (second.pk, second.status) == (first.pk, ImportJob.Status.COMPLETED)
    assert (ImportJob.objects.count(), Scenario.objects.count()) == (1, 1)


def test_key_of_half_deleted_import_can_be_reused(organization):
    stage_test_import(organization, make_row(), key="k1")
    ImportJob.objects.update(status=ImportJob.Status.FORGOTTEN)

    job = stage_test_import(organization, make_row("Other"), key="k1")

    assert list(ImportJob.objects.values_list("pk", "status")) == [(job.pk, "checked")]


@pytest.mark.parametrize(("rows", "options"), [([make_row("Other")], {}), ([make_row()], {"may_update": True})])
def test_same_key_with_different_body_is_rejected(organization, rows, options):
    stage_test_import(organization, make_row(), key="k1")

    with pytest.raises(IdempotencyKeyReusedError):
        stage_test_import(organization, *rows, key="k1", **options)


def test_renamed_account_counts_as_same_body(organization, account):
    first = stage_test_import(organization, make_row(), key="k1", account=account)
    account.name = "Renamed"
    account.save()

    assert stage_test_import(organization, make_row(), key="k1", account=account).pk == first.pk


def test_keys_are_separate_per_organization(organization, other_organization):
    first = stage_test_import(organization, make_row(), key="k1")

    assert stage_test_import(other_organization, make_row(), key="k1").pk != first.pk


@pytest.mark.django_db(transaction=True)
def test_concurrent_requests_with_one_key_create_one_import(organization):
    jobs = run_concurrently(*[lambda: stage_test_import(organization, *make_rows(20), key="k1")] * 3)

    assert len({job.pk for job in jobs}) == ImportJob.objects.count() == 1


# ---- Lost workers


def test_claimed_import_is_not_claimed_again(organization):
    job = start_test_import(organization, *make_rows(150))
    progress: list[int] = []

    def claim_again(written_count: int) -> None:
        write_import(job.pk, on_progress=progress.append)

    write_import(job.pk, on_progress=claim_again)

    assert progress == []
    assert Scenario.objects.count() == 150


def test_long_import_requeues_itself(organization):
    job = start_test_import(organization, *make_rows(250))

    with pytest.raises(RetryLaterError):
        write_import(job.pk, seconds=0)

    job.refresh_from_db()
    assert (job.status, job.written) == (ImportJob.Status.QUEUED, 100)
    write_import(job.pk)
    job.refresh_from_db()
    assert (job.status, job.written) == (ImportJob.Status.COMPLETED, 250)


def test_sweep_queues_only_lost_imports(organization):
    lost, waiting = start_test_import(organization, make_row("One")), start_test_import(organization, make_row("Two"))
    run_test_import(organization, make_row("Three"))
    expire_leases(ImportJob.objects.exclude(pk=waiting.pk))

    assert sweep_imports() == 1
    assert ImportJob.objects.overdue().get() == lost


class ImportInterruptedError(Exception):
    pass


def write_one_batch(job: ImportJob) -> None:
    def stop(written_count: int) -> None:
        raise ImportInterruptedError

    with pytest.raises(ImportInterruptedError):
        write_import(job.pk, on_progress=stop)


def test_stuck_import_fails_and_can_be_resumed(organization, settings):
    settings.IMPORT_LOST_AFTER = 0
    job = start_test_import(organization, *make_rows(250))
    write_one_batch(job)
    ImportJob.objects.update(attempts=settings.TASK_ATTEMPTS)

    write_import(job.pk)
    job.refresh_from_db()
    assert (job.status, job.written) == (ImportJob.Status.FAILED, 100)
    assert job.failure == "Some rows could not be imported. The rows imported so far are kept."

    assert [resume_import(job), resume_import(job)] == [True, False]
    write_import(job.pk)
    job.refresh_from_db()
    assert (job.status, job.written, job.failure) == (ImportJob.Status.COMPLETED, 250, "")
    assert Scenario.objects.count() == 250


def test_written_rows_reset_attempts(organization, settings):
    settings.IMPORT_LOST_AFTER = 0
    job = start_test_import(organization, *make_rows(450))

    for _ in range(4):
        write_one_batch(job)

    job.refresh_from_db()
    assert (job.status, job.written, job.attempts) == (ImportJob.Status.RUNNING, 400, 0)


def test_task_ignores_deleted_import(organization):
    job = start_test_import(organization, make_row())
    job.delete()

    write_import(job.pk)

    assert not Scenario.objects.exists()


@pytest.fixture
def own_storage(settings, tmp_path) -> Path:
    settings.STORAGES = settings.STORAGES | {
        "default": {
            "BACKEND": "config.storage.disk.PrivateFileStorage",
            "OPTIONS": {"location": tmp_path / "files"},
        }
    }
    mark_store(storages["default"])
    return tmp_path / "files"


def start_worker(job: ImportJob, storage: Path) -> ForkedProgram:
    """Start a real process that writes the import, on this test's database and storage."""
    environment = process_environment("http://127.0.0.1:9/v1") | {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "STORAGE_URL": f"file:{storage}",
        "IMPORT_LOST_AFTER": "0.001",
    }
    return ForkedProgram("tests.scenarios.import_worker", str(job.pk), env=environment)


def written_count(job: ImportJob) -> int:
    return ImportJob.objects.values_list("written", flat=True).get(pk=job.pk)


def kill_worker_after(job: ImportJob, storage: Path, min_rows: int) -> None:
    process = start_worker(job, storage)
    wait_until(lambda: written_count(job) >= min_rows or process.poll() is not None, f"{min_rows} rows are written")
    process.kill()
    process.wait()
    assert min_rows <= written_count(job) < job.to_write


def files_in(storage: Path) -> set[str]:
    return {path.relative_to(storage).as_posix() for path in storage.rglob("*.txt")}


@pytest.mark.django_db(transaction=True)
def test_killed_worker_loses_and_duplicates_no_row(organization, own_storage, settings):
    settings.LOST_WORK_EVERY = 0.001
    job = start_test_import(organization, *make_rows(2000))

    for min_rows in (300, 800, 1300):
        kill_worker_after(job, own_storage, min_rows)
        assert sweep_imports() == 1
    assert start_worker(job, own_storage).wait(60) == 0

    job.refresh_from_db()
    assert (job.status, job.written) == (ImportJob.Status.COMPLETED, 2000)
    assert set(list_outcomes(job)) == {"created"}
    assert Scenario.objects.count() == Scenario.objects.values("title_key").distinct().count() == 2000
    expected = {one["title"]: one["evaluator_context"] for one in make_rows(2000)}
    assert {scenario.title: scenario.evaluator_context for scenario in Scenario.objects.all()} == expected

    used = set(Scenario.objects.values_list("evaluator_context_file", flat=True))
    long_ago = time.time() - 2 * 86_400
    for name in files_in(own_storage):
        os.utime(own_storage / name, (long_ago, long_ago))
    settings.REAP_GRACE, settings.REAP_SHARE = 0, 100
    orphans = files_in(own_storage) - used
    assert delete_orphaned_contexts() == len(orphans)
    assert files_in(own_storage) == used
