"""Three real finishers at the same time on S3, killed with SIGKILL at one step after another."""

import hashlib
import random
from collections.abc import Iterator

import pytest

from config.storage.s3 import PrivateS3Storage
from recordings.models import Recording
from recordings.services.deletion import delete_orphans
from tests.recordings.object_stores import new_bucket, read_whole, storage_url, use_bucket
from tests.recordings.recording_factory import record_call, stored_keys
from tests.recordings.simulated_call import SAMPLE_RATE, numbered_samples
from tests.support.kill_points import KillableProgram
from tests.support.leases import expire_leases
from tests.support.prove_run import IS_PROVE_RUN

SECONDS = 90  # long enough for more than one part of a multipart upload
SAMPLED = 3


@pytest.fixture
def bucket(s3_url, settings, tmp_path) -> PrivateS3Storage:
    settings.SPOOL_DIR = tmp_path / "spool"
    bucket = new_bucket(s3_url)
    use_bucket(settings, bucket)
    return bucket


@pytest.fixture(params=["60", "0.001"], ids=["who comes late waits", "who comes late takes over"])
def finishers(request, transactional_db, bucket) -> Iterator[KillableProgram]:
    finishers = KillableProgram(
        "tests.recordings.finishing_process", STORAGE_URL=storage_url(bucket), RECORDING_LOST_AFTER=request.param
    )
    yield finishers
    finishers.close()


class RestorableRecording:
    """A recording that can be reset and finished repeatedly from the same segments."""

    def __init__(self, bucket: PrivateS3Storage, recording: Recording) -> None:
        self.bucket = bucket
        self.recording = recording
        self.segments = {key: read_whole(bucket, key) for key in stored_keys("spools/")}

    def restore(self) -> None:
        self.bucket.delete_prefix("recordings/")
        for key, data in self.segments.items():
            self.bucket.put(key, data)
        facts = {"state": Recording.State.RECORDING, "file": "", "cleared_at": None}
        Recording.objects.requeue(**facts)

    def expire_claims(self) -> None:
        expire_leases(Recording.objects.all())


@pytest.mark.timeout(2400 if IS_PROVE_RUN else 150)
def test_finishers_killed_at_every_step_leave_one_file(call, bucket, finishers):
    again = RestorableRecording(bucket, record_call(call, SECONDS))
    again.restore()
    alone = finishers.request([0])[0]
    steps = range(1, alone + 4)
    wanted = steps if IS_PROVE_RUN else sorted(random.Random(call.pk.int).sample(steps, SAMPLED))

    killed = 0
    for step in wanted:
        again.restore()
        deaths = finishers.request([step] * 3)
        killed += deaths.count(0)
        again.expire_claims()
        finishers.request([0])
        # An upload that a killed finisher started after the file existed is left to the nightly orphan search.
        orphans = delete_orphans()

        recording = Recording.objects.get()
        stored = list(bucket.list_objects("recordings/"))
        left = bucket.client.list_multipart_uploads(Bucket=bucket.bucket_name).get("Uploads", [])
        assert (recording.state, recording.reason, recording.attempts > 0) == ("completed", "", True), step
        assert [(found.key, found.size) for found in stored] == [
            (recording.file.name, 44 + SECONDS * SAMPLE_RATE * 4)
        ], step
        assert orphans == 0, step
        assert (left, stored_keys("spools/"), recording.cleared_at is not None) == ([], [], True), step

    data = read_whole(bucket, recording.file.name)
    assert hashlib.sha256(data).hexdigest() == recording.sha256
    assert data[44:][: 4 * SAMPLE_RATE : 4] == numbered_samples(0, SAMPLE_RATE)[::2]
    # A step beyond those of one finisher alone is reached only when several get in each other's way.
    assert killed >= sum(step <= alone for step in wanted)
