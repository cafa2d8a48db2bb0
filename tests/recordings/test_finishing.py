import hashlib
from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from recordings.models import Recording, RecordingEpoch, spool_folder
from recordings.services import finishing
from recordings.services.epochs import start_recording
from recordings.services.finishing import HOST_LOST_REASON, finish_recording, sweep_recordings
from recordings.services.spools import upload_closed_spools
from tests.recordings.recording_factory import (
    hang_up,
    make_gateway_look_lost,
    read_stereo,
    record_call,
    record_epoch,
    stored_keys,
    use_storage,
)
from tests.recordings.simulated_call import SAMPLE_RATE, numbered_samples, read_epoch
from tests.support.fixtures import run_concurrently
from tests.support.leases import expire_leases
from training.models import Session, TranscriptTurn
from training.services.call_leases import acquire_call
from training.services.sessions import sweep_sessions

pytestmark = pytest.mark.both_databases

UNAVAILABLE_STORAGE = "tests.recordings.recording_factory.FailingUploadStorage"


@pytest.fixture(autouse=True)
def folders(settings, tmp_path):
    """Give this test its own spool and storage folders."""
    settings.SPOOL_DIR = tmp_path / "spool"
    use_storage(settings, tmp_path / "files")
    return tmp_path


def only_recording() -> Recording:
    return Recording.objects.get()


def test_start_recording_creates_row_epoch_and_spool(call, folders):
    spool = start_recording(call, 1)
    spool.close()

    recording = only_recording()
    epoch = recording.epochs.get()
    assert (recording.session, recording.organization, recording.state) == (call, call.organization, "recording")
    assert (epoch.number, epoch.organization, epoch.spool_path) == (1, call.organization, spool.folder)
    assert abs(epoch.started_at - timezone.now()) < timedelta(minutes=1)
    assert spool.folder == folders / "spool" / str(call.pk) / "1"


def test_recording_clock_starts_after_database_writes(call):
    start_recording(call, 1).close()

    wall = read_epoch(spool_folder(call.pk, 1)).wall_time
    assert wall > RecordingEpoch.objects.get().started_at.timestamp()


def test_second_epoch_joins_same_recording(call):
    for number in (1, 2):
        start_recording(call, number).close()

    assert [epoch.number for epoch in only_recording().epochs.all()] == [1, 2]


def test_finished_recording_has_file_and_metadata(call):
    recording = record_call(call, seconds=2)

    assert finish_recording(recording.pk) is True

    recording.refresh_from_db()
    stereo = read_stereo(recording)
    with recording.file.open("rb") as file:
        data = file.read()
    assert (recording.state, recording.reason, recording.channels) == ("completed", "", 2)
    assert (recording.duration_ms, recording.size) == (2000, len(data)) == (2000, 44 + 2 * SAMPLE_RATE * 4)
    assert recording.sha256 == hashlib.sha256(data).hexdigest()
    assert stereo[:, 0].tobytes() == numbered_samples(0, 2 * SAMPLE_RATE)
    assert stereo[SAMPLE_RATE:, 1].tobytes() == numbered_samples(0, SAMPLE_RATE)
    assert not stereo[:SAMPLE_RATE, 1].any()
    assert [len(channel) for channel in recording.peaks] == [1200, 1200]
    assert (recording.peaks[1][0], recording.peaks[0][0] > 0) == (0, True)
    assert 1900 < recording.counselor_speech_ms <= 2000
    assert 900 < recording.caller_speech_ms <= 1000


@pytest.mark.parametrize("samples", [1, 2, 481])
def test_shortest_call_is_recorded(call, samples):
    recording = record_call(call, seconds=samples / SAMPLE_RATE)

    finish_recording(recording.pk)

    recording.refresh_from_db()
    assert (recording.state, recording.size) == ("completed", 44 + 4 * samples)
    assert read_stereo(recording)[:, 0].tobytes() == numbered_samples(0, samples)


def test_segments_and_spool_are_removed_after_finishing(call):
    recording = record_call(call)
    segment_keys = stored_keys("spools/")

    finish_recording(recording.pk)
    upload_closed_spools()

    recording.refresh_from_db()
    assert (len(segment_keys) > 0, stored_keys("spools/"), stored_keys("recordings/")) == (
        True,
        [],
        [recording.file.name],
    )
    assert recording.cleared_at is not None
    assert not spool_folder(call.pk, 1).parent.exists()


def test_storage_key_contains_no_names(call):
    recording = record_call(call)

    finish_recording(recording.pk)

    key = only_recording().file.name
    assert key.startswith(f"recordings/{call.organization_id}/{call.pk}/")
    assert call.counselor.email.partition("@")[0] not in key


def test_live_call_is_not_finished(call):
    record_epoch(call)
    upload_closed_spools()

    assert (sweep_recordings(), only_recording().state) == (0, "recording")


def test_unsealed_epoch_delays_finishing(call):
    record_epoch(call)
    hang_up(call)

    assert (sweep_recordings(), only_recording().state) == (0, "recording")


def test_lost_host_leaves_recording_absent(call):
    record_epoch(call)
    hang_up(call)
    make_gateway_look_lost(call)

    assert sweep_recordings() == 1

    recording = only_recording()
    assert (recording.state, recording.reason, bool(recording.file)) == ("absent", HOST_LOST_REASON, False)


def test_returning_host_completes_recording(call):
    record_epoch(call)
    record_epoch(call)
    hang_up(call)
    hidden_spool = spool_folder(call.pk, 2).rename(spool_folder(call.pk, 2).with_name("away"))
    upload_closed_spools()
    make_gateway_look_lost(call)
    sweep_recordings()
    before = only_recording()
    segments_before = stored_keys("spools/")
    hidden_spool.rename(spool_folder(call.pk, 2))

    assert upload_closed_spools() == 1
    assert sweep_recordings() == 1

    after = only_recording()
    assert (before.state, before.reason, len(read_stereo(after))) == (
        "partial",
        HOST_LOST_REASON,
        len(read_stereo(after)),
    )
    assert (after.state, after.reason, after.duration_ms >= 2 * 1000) == ("completed", "", True)
    assert (len(segments_before) > 0, stored_keys("spools/"), stored_keys("recordings/")) == (
        True,
        [],
        [after.file.name],
    )


def test_call_without_audio_has_no_file(call):
    record_epoch(call, speak=False)
    hang_up(call)
    upload_closed_spools()

    assert sweep_recordings() == 1

    recording = only_recording()
    assert (recording.state, recording.reason, bool(recording.file)) == ("absent", "no audio was recorded", False)
    assert (stored_keys("recordings/"), stored_keys("spools/")) == ([], [])


def test_full_disk_makes_recording_partial(call):
    record_epoch(call)
    journal = spool_folder(call.pk, 1) / "journal.jsonl"
    with journal.open("a") as lines:
        lines.write('{"kind":"failed","reason":"No space left on device"}\n')
    hang_up(call)
    upload_closed_spools()

    sweep_recordings()

    recording = only_recording()
    assert (recording.state, recording.reason) == ("partial", "No space left on device")
    assert len(read_stereo(recording)) == SAMPLE_RATE


def test_unwritable_disk_is_stored_as_reason(call):
    record_epoch(call)
    for file in spool_folder(call.pk, 1).iterdir():
        file.unlink()
    hang_up(call)
    upload_closed_spools()

    sweep_recordings()

    recording = only_recording()
    assert (recording.state, recording.reason) == ("absent", "part of the call could not be saved to disk")


def test_silent_speaker_with_words_makes_recording_partial(call, add_turn):
    add_turn(call, "caller", "I just needed somebody to talk to tonight.")
    record_epoch(call)
    with (spool_folder(call.pk, 1) / "caller.pcm").open("r+b") as file:
        file.write(bytes(2 * SAMPLE_RATE))
    hang_up(call)
    upload_closed_spools()

    sweep_recordings()

    recording = only_recording()
    assert recording.state == "partial"
    assert recording.reason == "some of the caller’s words in the transcript can’t be heard"


def test_unrelated_files_in_spool_folder_are_kept(call, folders):
    (folders / "spool" / "lost+found").mkdir(parents=True)
    (folders / "spool" / str(uuid4()) / "1").mkdir(parents=True)
    (folders / "spool" / "note.txt").write_text("hands off")

    assert upload_closed_spools() == 0
    assert len(list((folders / "spool").iterdir())) == 3


def test_open_spool_is_not_uploaded(call):
    acquire_call(call)
    spool = start_recording(call, 1)
    spool.record_microphone(numbered_samples(0, 480), 0)
    while_open = upload_closed_spools()
    spool.close()

    assert (while_open, upload_closed_spools()) == (0, 1)


def test_unavailable_store_postpones_finishing(call, settings, folders):
    recording = record_call(call)
    use_storage(settings, folders / "files", UNAVAILABLE_STORAGE)
    finished = [finish_recording(recording.pk)]
    unfinished = only_recording()
    use_storage(settings, folders / "files")
    too_early = finish_recording(recording.pk)
    expire_leases(Recording.objects.all())

    assert (finished, unfinished.state, bool(unfinished.file), unfinished.attempts, too_early) == (
        [False],
        "processing",
        False,
        0,
        False,
    )
    assert sweep_recordings() == 1
    recording.refresh_from_db()
    assert (recording.state, read_stereo(recording)[:, 0].tobytes()) == ("completed", numbered_samples(0, SAMPLE_RATE))
    assert stored_keys("recordings/") == [recording.file.name]


def test_repeated_failure_marks_recording_failed_and_keeps_segments(call, settings):
    recording = record_call(call)
    RecordingEpoch.objects.update(sizes=[1, 2, 3])
    settings.RECORDING_LOST_AFTER = 0

    finished = [finish_recording(recording.pk) for _ in range(finishing.MAX_ATTEMPTS)]

    recording.refresh_from_db()
    assert (any(finished), recording.state) == (False, "failed")
    assert recording.reason == "the audio is saved but could not be assembled"
    assert len(stored_keys("spools/")) > 0


@pytest.mark.django_db(transaction=True)
def test_concurrent_finishers_make_one_file(call):
    recording = record_call(call)

    counts = run_concurrently(*[lambda: finish_recording(recording.pk)] * 4)

    recording.refresh_from_db()
    assert sorted(counts) == [False, False, False, True]
    assert (recording.state, stored_keys("recordings/")) == ("completed", [recording.file.name])


def test_finished_recording_is_not_finished_again(call):
    recording = record_call(call)
    finish_recording(recording.pk)
    spool_folder(call.pk, 1).mkdir(parents=True, exist_ok=True)

    assert (finish_recording(recording.pk), upload_closed_spools(), sweep_recordings()) == (False, 0, 0)
    assert len(stored_keys("recordings/")) == 1


def test_lost_claim_publishes_nothing(call, settings, monkeypatch):
    recording = record_call(call)
    settings.RECORDING_LOST_AFTER = 0
    write = finishing._write_file

    def lose_claim_after_write(*arguments):
        result = write(*arguments)
        monkeypatch.setattr(finishing, "_write_file", write)
        assert finish_recording(recording.pk) is True
        return result

    monkeypatch.setattr(finishing, "_write_file", lose_claim_after_write)

    assert finish_recording(recording.pk) is False
    recording.refresh_from_db()
    assert (recording.state, stored_keys("recordings/")) == ("completed", [recording.file.name])
    assert len(read_stereo(recording)) == SAMPLE_RATE


def test_session_end_queues_finishing_of_sealed_call(call, django_capture_on_commit_callbacks, monkeypatch):
    queued_ids = []
    monkeypatch.setattr("recordings.tasks.finish_recording.apply_async", lambda ids, **options: queued_ids.extend(ids))
    record_epoch(call)
    with django_capture_on_commit_callbacks(execute=True):
        upload_closed_spools()
    with django_capture_on_commit_callbacks(execute=True):
        hang_up(call)

    assert queued_ids == [str(only_recording().pk)] * 2


def test_abandoned_session_keeps_its_recording(call, settings):
    record_epoch(call)
    acquire_call(call)
    start_recording(call, 2).close()
    Session.objects.update(heartbeat_at=timezone.now() - timedelta(seconds=settings.HEARTBEAT_LOST_AFTER + 1))

    ended = sweep_sessions()
    upload_closed_spools()
    finished = sweep_recordings()

    call.refresh_from_db()
    assert (ended, finished, call.status, only_recording().state) == (1, 1, "abandoned", "completed")
    assert settings.HEARTBEAT_LOST_AFTER + 2 * settings.SWEEP_EVERY < 180
    assert settings.HOST_LOST_AFTER + 2 * settings.SWEEP_EVERY < 180


def test_typed_turns_need_no_sound(call, add_turn):
    add_turn(call, "counselor", "I am here and I listen to you.", source=TranscriptTurn.Source.TYPED)
    recording = record_call(call)

    finish_recording(recording.pk)

    assert only_recording().state == "completed"
