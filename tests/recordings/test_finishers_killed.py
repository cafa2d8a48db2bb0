"""Three real finishers at once on S3, killed (-9) at one step after another."""

import hashlib
import os
import random
from collections.abc import Iterator

import pytest

from config.storage.s3 import PrivateS3Storage
from recordings.models import Recording
from recordings.services.deletion import remove_orphans
from tests.dying import DyingProgram
from tests.recordings.making import keys, recorded
from tests.recordings.stores import new_bucket, storage_url, use_bucket, whole
from tests.recordings.synthetic import RATE, counting

IS_PROOF = bool(os.environ.get("STEADYLINE_PROVE"))
SECONDS = 100  # more than one part of an upload
SAMPLED = 6

pytestmark = pytest.mark.heavy


@pytest.fixture
def bucket(s3_url, settings, tmp_path) -> PrivateS3Storage:
    settings.SPOOL_DIR = tmp_path / "spool"
    bucket = new_bucket(s3_url)
    use_bucket(settings, bucket)
    return bucket


@pytest.fixture(params=["60", "0.001"], ids=["who comes late waits", "who comes late takes over"])
def finishers(request, transactional_db, bucket) -> Iterator[DyingProgram]:
    finishers = DyingProgram(
        "tests.recordings.finisher", STORAGE_URL=storage_url(bucket), RECORDING_LOST_AFTER=request.param
    )
    yield finishers
    finishers.close()


class Again:
    """A recording that can be finished again and again, from the same segments."""

    def __init__(self, bucket: PrivateS3Storage, recording: Recording) -> None:
        self.bucket = bucket
        self.recording = recording
        self.segments = {key: whole(bucket, key) for key in keys("spools/")}

    def begin(self) -> None:
        self.bucket.remove("recordings/")
        for key, data in self.segments.items():
            self.bucket.put(key, data)
        facts = {"state": Recording.State.RECORDING, "file": "", "attempts": 0, "cleared_at": None}
        Recording.objects.update(**facts)

    def let_claims_lapse(self) -> None:
        Recording.objects.update(touched_at="2020-01-01T00:00:00Z")


@pytest.mark.timeout(2400 if IS_PROOF else 150)
def test_three_at_once_killed_at_every_step_leave_one_object_and_one_row(call, bucket, finishers):
    again = Again(bucket, recorded(call, SECONDS))
    again.begin()
    alone = finishers.ask([0])[0]
    steps = range(1, alone + 4)
    wanted = steps if IS_PROOF else sorted(random.Random(call.pk.int).sample(steps, SAMPLED))

    killed = 0
    for step in wanted:
        again.begin()
        deaths = finishers.ask([step] * 3)
        killed += deaths.count(0)
        again.let_claims_lapse()
        finishers.ask([0])
        # Who began an upload after the file was there, and died, left that to the nightly search for orphans.
        orphans = remove_orphans()

        recording = Recording.objects.get()
        stored = list(bucket.objects("recordings/"))
        left = bucket.client.list_multipart_uploads(Bucket=bucket.bucket_name).get("Uploads", [])
        assert (recording.state, recording.reason, recording.attempts > 0) == ("completed", "", True), step
        assert [(found.key, found.size) for found in stored] == [(recording.file.name, 44 + SECONDS * RATE * 4)], step
        assert orphans == 0, step
        assert (left, keys("spools/"), recording.cleared_at is not None) == ([], [], True), step

    data = whole(bucket, recording.file.name)
    assert hashlib.sha256(data).hexdigest() == recording.sha256
    assert data[44:][: 4 * RATE : 4] == counting(0, RATE)[::2]
    assert killed >= len(wanted)
