import hashlib
import io
import wave
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest
from django.core.files.storage import FileSystemStorage
from django.utils import timezone

from recordings.assembly import EpochSpool
from recordings.models import Recording, RecordingEpoch, spool_folder
from recordings.services import begin_recording, finish_recordings
from tests.people import at_once
from tests.recordings.synthetic import Clock, counting
from training.models import EndReason, Session
from training.services.lines import let_go, take_line
from training.services.sessions import end_session

RATE = 24_000


@pytest.fixture(autouse=True)
def folders(settings, tmp_path):
    """A spool and a storage that belong to this test."""
    settings.SPOOL_DIR = tmp_path / "spool"
    settings.STORAGES = settings.STORAGES | {
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": tmp_path / "files"},
        }
    }
    return tmp_path


def hold(session: Session, seconds: float = 1.0, speak: bool = True) -> None:
    """An epoch of the call: the counselor speaks all the time, the caller is heard for half of it."""
    clock = Clock()
    epoch = take_line(session)
    spool = begin_recording(session, epoch, clock)
    samples = round(seconds * RATE)
    clock.now += seconds
    if speak:
        spool.hear(counting(0, samples), 0)
        spool.speak(1, 0, counting(0, samples))
        spool.played(1, samples // 2, samples, True)
    spool.close()
    let_go(session.pk, epoch)


def hang_up(session: Session) -> None:
    end_session(session, EndReason.HUNG_UP)


def stereo_of(recording: Recording) -> np.ndarray:
    with recording.file.open("rb") as file, wave.open(io.BytesIO(file.read())) as wav:
        return np.frombuffer(wav.readframes(wav.getnframes()), "<i2").reshape(-1, 2)


def files_in(folder: Path) -> list[Path]:
    return [path for path in (folder / "files" / "recordings").rglob("*") if path.is_file()]


def test_a_recording_begins_with_a_row_an_epoch_and_a_spool(call, folders):
    spool = begin_recording(call, 1)
    spool.close()

    recording = Recording.objects.get()
    epoch = recording.epochs.get()
    assert (recording.session, recording.organization, recording.state) == (call, call.organization, "recording")
    assert (epoch.number, epoch.organization, epoch.spool) == (1, call.organization, spool.folder)
    assert abs(epoch.started_at - timezone.now()) < timedelta(minutes=1)
    assert spool.folder == folders / "spool" / str(call.pk) / "1"


def test_the_clock_of_a_recording_begins_when_the_database_has_answered(call):
    begin_recording(call, 1).close()

    wall = EpochSpool(spool_folder(call.pk, 1)).wall
    assert wall > RecordingEpoch.objects.get().started_at.timestamp()


def test_a_second_epoch_belongs_to_the_same_recording(call):
    for number in (1, 2):
        begin_recording(call, number).close()

    assert [epoch.number for epoch in Recording.objects.get().epochs.all()] == [1, 2]


def test_a_finished_recording_is_a_file_and_the_truth_about_it(call, folders):
    hold(call, seconds=2)
    hang_up(call)

    assert finish_recordings() == 1

    recording = Recording.objects.get()
    stereo = stereo_of(recording)
    with recording.file.open("rb") as file:
        data = file.read()
    assert (recording.state, recording.reason, recording.channels) == ("completed", "", 2)
    assert (recording.duration_ms, recording.size) == (2000, len(data)) == (2000, 44 + 2 * RATE * 4)
    assert recording.sha256 == hashlib.sha256(data).hexdigest()
    assert stereo[:, 0].tobytes() == counting(0, 2 * RATE)
    assert stereo[RATE:, 1].tobytes() == counting(0, RATE)
    assert not stereo[:RATE, 1].any()
    assert [len(channel) for channel in recording.peaks] == [300, 300]
    assert (recording.peaks[1][0], recording.peaks[0][0] > 0) == (0, True)
    assert not spool_folder(call.pk, 1).parent.exists()


def test_its_key_names_nobody(call):
    hold(call)
    hang_up(call)

    finish_recordings()

    key = Recording.objects.get().file.name
    assert key.startswith(f"recordings/{call.organization_id}/{call.pk}/")
    assert call.counselor.email.partition("@")[0] not in key


def test_a_call_that_is_live_or_still_held_is_left_alone(call):
    hold(call)
    while_live = finish_recordings()
    take_line(call)
    hang_up(call)

    assert (while_live, finish_recordings()) == (0, 0)
    assert Recording.objects.get().state == "recording"


def test_a_holder_that_is_dead_is_not_waited_for(call):
    hold(call)
    take_line(call)
    hang_up(call)
    Session.objects.update(heartbeat_at=timezone.now() - timedelta(hours=1))

    assert finish_recordings() == 1


def test_a_call_in_which_nobody_was_heard_has_no_file(call, folders):
    hold(call, speak=False)
    hang_up(call)

    assert finish_recordings() == 1

    recording = Recording.objects.get()
    assert (recording.state, recording.reason, bool(recording.file)) == ("absent", "nobody was heard", False)
    assert files_in(folders) == []


def test_what_the_disk_did_not_take_makes_it_partial(call):
    hold(call)
    journal = spool_folder(call.pk, 1) / "journal.jsonl"
    with journal.open("a") as lines:
        lines.write('{"kind":"failed","reason":"No space left on device"}\n')
    hang_up(call)

    finish_recordings()

    recording = Recording.objects.get()
    assert (recording.state, recording.reason) == ("partial", "No space left on device")
    assert len(stereo_of(recording)) == RATE


def test_a_disk_that_took_nothing_is_named_as_the_reason(call):
    hold(call)
    for file in spool_folder(call.pk, 1).iterdir():
        file.write_bytes(b"")
    hang_up(call)

    finish_recordings()

    recording = Recording.objects.get()
    assert (recording.state, recording.reason) == ("absent", "the disk took nothing of a part of the call")


def test_an_epoch_of_another_host_makes_it_partial(call):
    hold(call)
    hold(call)
    for file in spool_folder(call.pk, 2).iterdir():
        file.unlink()
    spool_folder(call.pk, 2).rmdir()
    hang_up(call)

    finish_recordings()

    recording = Recording.objects.get()
    assert (recording.state, recording.reason) == ("partial", "a part of the call was recorded on another host")


def test_a_call_of_another_host_is_left_to_it(call, folders):
    hold(call)
    (folders / "spool").rename(folders / "elsewhere")
    hang_up(call)

    assert finish_recordings() == 0
    assert Recording.objects.get().state == "recording"


def test_what_else_lies_in_the_spool_is_left_alone(call, folders):
    (folders / "spool" / "lost+found").mkdir(parents=True)
    (folders / "spool" / str(uuid4()) / "1").mkdir(parents=True)
    (folders / "spool" / "note.txt").write_text("hands off")

    assert finish_recordings() == 0
    assert len(list((folders / "spool").iterdir())) == 3


class BrokenStorage(FileSystemStorage):
    """A storage that is away. It raises its own kind of error, as S3's client does."""

    class Away(Exception):
        pass

    def _save(self, name, content):
        raise self.Away("SlowDown")


def test_a_storage_that_is_away_costs_nothing_and_holds_up_no_other_call(call, colleague, settings, folders):
    whole = settings.STORAGES
    hold(call)
    hang_up(call)
    settings.STORAGES = whole | {"default": {"BACKEND": "tests.recordings.test_services.BrokenStorage"}}
    while_away = finish_recordings()
    stuck = Recording.objects.get()
    settings.STORAGES = whole
    too_early = finish_recordings()
    Recording.objects.update(touched_at=timezone.now() - timedelta(seconds=settings.TASK_LOST_AFTER + 1))

    assert (while_away, stuck.state, bool(stuck.file), too_early) == (0, "processing", False, 0)
    assert finish_recordings() == 1
    recording = Recording.objects.get()
    assert (recording.state, stereo_of(recording)[:, 0].tobytes()) == ("completed", counting(0, RATE))
    assert len(files_in(folders)) == 1


@pytest.mark.django_db(transaction=True)
def test_of_several_that_finish_at_once_one_makes_the_file(call, folders):
    hold(call)
    hang_up(call)

    counts = at_once(*[finish_recordings] * 4)

    assert sorted(counts) == [0, 0, 0, 1]
    assert len(files_in(folders)) == 1
    assert Recording.objects.get().state == "completed"


def test_a_finished_recording_is_not_made_again(call, folders):
    hold(call)
    hang_up(call)
    finish_recordings()
    spool_folder(call.pk, 1).mkdir(parents=True)

    assert finish_recordings() == 0
    assert len(files_in(folders)) == 1
