"""Retention, legal hold, and deletion on both kinds of store, with a clock that tests can advance."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Account, Organization, ReapCandidate
from recordings.models import Recording, RecordingDeletion, spool_folder
from recordings.object_store import StoreUnavailableError
from recordings.services import deletion, finishing
from recordings.services.deletion import LegalHoldError, delete_recording, sweep_retention
from recordings.services.finishing import finish_recording, sweep_recordings
from recordings.services.orphans import delete_orphans
from recordings.services.spools import upload_closed_spools
from recordings.storage import object_store
from tests.recordings.object_stores import new_bucket, use_bucket
from tests.recordings.recording_factory import hang_up, record_call, record_epoch, stored_keys, use_storage
from training.models import Session

pytestmark = pytest.mark.both_databases


@pytest.fixture(autouse=True, params=["folder", "s3"])
def store(request, settings, tmp_path):
    settings.SPOOL_DIR = tmp_path / "spool"
    settings.REAP_GRACE = 0
    if request.param == "folder":
        use_storage(settings, tmp_path / "files")
    else:
        use_bucket(settings, new_bucket(request.getfixturevalue("s3_url")))


@pytest.fixture
def recording(call) -> Recording:
    """Return a finished recording whose spool is still on its host."""
    recording = record_call(call)
    finish_recording(recording.pk)
    recording.refresh_from_db()
    return recording


def all_object_keys() -> list[str]:
    return [*stored_keys("recordings/"), *stored_keys("spools/")]


def advance_days(days: float, monkeypatch) -> None:
    now = timezone.now() + timedelta(days=days)
    monkeypatch.setattr(timezone, "now", lambda: now)


def test_recording_is_deleted_after_organization_retention(recording, organization, monkeypatch):
    organization.recording_days = 30
    organization.save()
    advance_days(29.9, monkeypatch)
    before = (sweep_retention(), len(all_object_keys()))
    advance_days(0.2, monkeypatch)

    assert (before, sweep_retention(), all_object_keys()) == ((0, 1), 1, [])
    recording.refresh_from_db()
    assert (recording.state, bool(recording.file), recording.peaks) == ("deleted", False, [])


def test_account_retention_overrides_organization(recording, organization, account, monkeypatch):
    organization.recording_days, account.recording_days = 30, 90
    organization.save()
    account.save()
    version = recording.session.scenario_version
    type(version).objects.filter(pk=version.pk).update(account=account)
    advance_days(89, monkeypatch)
    before = sweep_retention()
    advance_days(2, monkeypatch)

    assert (before, sweep_retention(), all_object_keys()) == (0, 1, [])


def test_recording_overdue_for_days_waits_for_the_grace_period(recording, monkeypatch, settings):
    """As after a shorter retention, after an outage of the sweep, or on a host whose clock jumped ahead."""
    settings.REAP_GRACE = 86_400
    Organization.objects.update(recording_days=30)
    advance_days(400, monkeypatch)
    found = (sweep_retention(), len(all_object_keys()), ReapCandidate.objects.get().key)
    advance_days(0.9, monkeypatch)
    during = sweep_retention()
    advance_days(0.2, monkeypatch)

    assert found == (0, 1, str(recording.pk))
    assert (during, sweep_retention(), all_object_keys()) == (0, 1, [])


def test_longer_retention_within_the_grace_period_keeps_the_recording(recording, monkeypatch, settings):
    settings.REAP_GRACE = 86_400
    Organization.objects.update(recording_days=1)
    advance_days(50, monkeypatch)
    sweep_retention()
    Organization.objects.update(recording_days=365)
    advance_days(2, monkeypatch)

    assert (sweep_retention(), len(all_object_keys()), ReapCandidate.objects.count()) == (0, 1, 0)


def test_retention_stops_when_ownership_is_lost_midway(recording, organization, monkeypatch):
    Organization.objects.update(recording_days=30)
    monkeypatch.setattr(deletion, "may_delete", _answers(True, False))
    advance_days(31, monkeypatch)

    assert (sweep_retention(), len(all_object_keys())) == (0, 1)


def _answers(*answers: bool):
    left = iter(answers)
    return lambda reaper, advance=False: next(left)


def test_recording_without_retention_is_kept(recording, organization, monkeypatch):
    organization.recording_days = None
    organization.save()
    advance_days(10_000, monkeypatch)

    assert (sweep_retention(), len(all_object_keys())) == (0, 1)


@pytest.mark.parametrize("owner", ["organization", "account"])
def test_retention_of_zero_days_ends_with_the_session(recording, organization, account, owner):
    version = recording.session.scenario_version
    type(version).objects.filter(pk=version.pk).update(account=account)
    Organization.objects.update(recording_days=0 if owner == "organization" else 30)
    Account.objects.update(recording_days=0 if owner == "account" else None)
    recording = Recording.objects.get(pk=recording.pk)

    assert recording.kept_until == recording.session.ended_at
    assert list(Recording.objects.past_retention(timezone.now())) == [recording]


def test_legal_hold_overrides_retention(recording, organization, monkeypatch):
    Recording.objects.update(is_held=True)
    advance_days(10_000, monkeypatch)

    assert (sweep_retention(), len(all_object_keys())) == (0, 1)
    with pytest.raises(LegalHoldError):
        delete_recording(recording)
    recording.refresh_from_db()
    assert (recording.state, RecordingDeletion.objects.count()) == ("completed", 0)


def test_deletion_records_deleted_copies(recording, supervisor):
    key, size = recording.file.name, recording.size

    delete_recording(recording, by=supervisor)

    entry = RecordingDeletion.objects.get()
    assert (entry.reason, entry.requested_by, entry.recording) == ("request", supervisor, recording)
    assert entry.removed == [
        {"what": "peaks", "key": "", "bytes": 0},
        {"what": "file", "key": key, "bytes": size},
    ]


def test_deletion_removes_every_copy(call):
    record_epoch(call)
    hang_up(call)
    upload_closed_spools()
    recording = Recording.objects.get()
    segment_keys = stored_keys("spools/")
    spooled = spool_folder(call.pk, 1)
    existed = (len(segment_keys) > 0, spooled.exists())

    delete_recording(recording)
    upload_closed_spools()

    removed = RecordingDeletion.objects.get().removed
    assert (existed, all_object_keys(), spooled.exists()) == ((True, True), [], False)
    assert [copy["key"] for copy in removed if copy["what"] == "segment"] == segment_keys
    assert [(copy["key"], copy["bytes"] > 0) for copy in removed if copy["what"] == "spool"] == [("epoch 1", True)]


def test_concurrent_finishing_restores_nothing(call, monkeypatch):
    recording = record_call(call)
    write = finishing._write_file

    def delete_after_write(*arguments):
        result = write(*arguments)
        delete_recording(recording)
        # A write after the deletion, as from a slower process.
        object_store().put(f"{recording.key_prefix}late.wav", b"late")
        return result

    monkeypatch.setattr(finishing, "_write_file", delete_after_write)
    finished = finish_recording(recording.pk)
    late = all_object_keys()
    sweep_retention()

    recording.refresh_from_db()
    assert (finished, recording.state, len(late), all_object_keys()) == (False, "deleted", 1, [])
    assert RecordingDeletion.objects.get().completed_at is None
    monkeypatch.setattr(deletion, "RECHECK_PERIOD", timedelta(0))
    sweep_retention()
    assert RecordingDeletion.objects.get().completed_at is not None


def test_unavailable_store_ends_playback_and_delays_deletion(recording, monkeypatch):
    store = type(object_store())
    delete_prefix = store.delete_prefix

    def raise_unavailable(*_, **__):
        raise StoreUnavailableError("SlowDown")

    monkeypatch.setattr(store, "delete_prefix", raise_unavailable)
    delete_recording(recording)
    recording.refresh_from_db()
    during = (recording.state, bool(recording.file), len(all_object_keys()))
    monkeypatch.setattr(store, "delete_prefix", delete_prefix)
    sweep_retention()

    assert (during, all_object_keys()) == (("deleted", False, 1), [])


def test_live_call_is_never_past_retention(call, organization, monkeypatch):
    record_epoch(call)
    advance_days(10_000, monkeypatch)

    assert (sweep_retention(), Session.objects.live().count()) == (0, 1)


def test_delete_orphans_keeps_referenced_files(recording, call, monkeypatch):
    store = object_store()
    store.put(f"{recording.key_prefix}attempt.wav", b"x")
    store.put(f"{recording.segment_prefix}1/{'0' * 10}", b"x")
    store.put(f"recordings/{call.organization_id}/{'0' * 8}-0000-4000-8000-{'0' * 12}/x.wav", b"x")
    store.put("recordings/not-ours", b"x")
    before = (delete_orphans(), len(all_object_keys()))
    advance_days(2, monkeypatch)

    removed = delete_orphans()

    assert (before, removed) == ((0, 5), 3)
    assert sorted(all_object_keys()) == sorted([recording.file.name, "recordings/not-ours"])


def test_delete_orphans_keeps_segments_in_use(call, monkeypatch):
    record_call(call)
    advance_days(2, monkeypatch)

    assert (delete_orphans(), len(all_object_keys()) > 0) == (0, True)
    assert sweep_recordings() == 1
