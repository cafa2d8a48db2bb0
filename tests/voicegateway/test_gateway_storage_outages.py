"""A real gateway and worker on S3 while the store is unavailable, the host is lost, or the disk is nearly full."""

import shutil
from collections.abc import Iterator

import numpy as np
import pytest
from websockets.exceptions import InvalidStatus

from config.storage.s3 import PrivateS3Storage
from recordings.audio.segments import UploadedSegments
from recordings.models import Recording, RecordingEpoch, spool_folder
from recordings.services.finishing import HOST_LOST_REASON, sweep_recordings
from recordings.storage import object_store
from tests.recordings.object_stores import new_bucket, storage_url, use_bucket
from tests.recordings.recording_factory import stored_keys
from tests.recordings.simulated_call import numbered_samples
from tests.support.fault_proxy import FAULTS, FaultProxy
from tests.support.prove_run import IS_PROVE_RUN
from tests.support.worker_process import WorkerProcess
from tests.voicegateway.gateway_process import wait_for_end, wait_until
from tests.voicegateway.scripted_counselor import (
    SAMPLE_RATE,
    ScriptedCounselor,
    open_socket,
    refusal_reason,
    start_calls,
)
from tests.voicegateway.test_gateway_calls import channels_of
from tests.voicegateway.test_gateway_failures import send_numbered_audio, wait_until_received
from training.services.call_tickets import issue_ticket
from training.services.sessions import sweep_sessions

# The gateway sees the same object store error for all faults, so `make test` uses only one of them.
OUTAGES = FAULTS if IS_PROVE_RUN else ["unavailable"]
FAST_TIMEOUTS = {"connect_timeout": 0.3, "read_timeout": 0.5}


@pytest.fixture
def proxy(s3_url) -> Iterator[FaultProxy]:
    proxy = FaultProxy(s3_url)
    yield proxy
    proxy.close()


@pytest.fixture
def bucket(s3_url, settings) -> PrivateS3Storage:
    bucket = new_bucket(s3_url)
    use_bucket(settings, bucket)
    return bucket


def shipped_samples(call) -> int:
    """Return the length of the microphone's audio in the object store."""
    epoch = RecordingEpoch.objects.get(recording__session=call)
    return UploadedSegments(object_store(), epoch.segment_prefix).sizes()[1] // 2


def recording_state(call) -> str:
    return Recording.objects.get(session=call).state


@pytest.mark.parametrize("fault", OUTAGES)
def test_store_outage_loses_no_audio(own_gateway, standin, call, bucket, proxy, redis_url, tmp_path, fault):
    store = storage_url(bucket, proxy.url, **FAST_TIMEOUTS)
    gateway = own_gateway(STORAGE_URL=store, SHIP_EVERY="0.2", SWEEP_EVERY="0.4")
    with ScriptedCounselor(gateway, call, microphone=False) as line:
        line.wait_for("ready")
        first = send_numbered_audio(line, SAMPLE_RATE)
        wait_until(lambda: stored_keys("spools/"), "a segment is shipped")
        proxy.set_fault(fault)
        for index in range(SAMPLE_RATE, 2 * SAMPLE_RATE, 480):
            line.send_frame(numbered_samples(index, 480), index)
        wait_until_received(standin, 2 * SAMPLE_RATE)
        line.say("Are you still there?")
        line.wait_for("item_end")
        ended = line.hang_up()
    wait_for_end(call)
    wait_until(lambda: gateway.output.count("ot uploaded") > 1, "the gateway has reported failed uploads")
    during = (recording_state(call), spool_folder(call.pk, 1).exists(), RecordingEpoch.objects.get().sealed_at)
    proxy.set_fault("")
    wait_until(RecordingEpoch.objects.filter(sealed_at__isnull=False).exists, "the epoch is sealed")

    proxy.set_fault(fault)
    with WorkerProcess(tmp_path, redis_url, STORAGE_URL=store) as worker:
        wait_until(lambda: "Recording not stored" in worker.output, "the worker has reported the failure")
        while_away = Recording.objects.get()
        proxy.set_fault("")
        wait_until(lambda: recording_state(call) == "completed", "the recording is finished")
        wait_until(lambda: stored_keys("spools/") == [], "its segments are removed")
    wait_until(lambda: not spool_folder(call.pk, 1).exists(), "its spool is removed")

    recording = Recording.objects.get()
    left, _ = channels_of(recording)
    sounding = left[np.flatnonzero(left)]
    assert (ended, call.status, during) == ("hung_up", "completed", ("recording", True, None))
    assert (while_away.is_under_way, bool(while_away.file)) == (True, False)
    assert sounding.tobytes() == numbered_samples(0, 2 * SAMPLE_RATE)
    assert first == numbered_samples(0, SAMPLE_RATE)
    assert stored_keys("recordings/") == [recording.file.name]


def test_lost_host_loses_only_unshipped_audio(own_gateway, standin, call, bucket, settings):
    settings.HOST_LOST_AFTER = 0.1
    gateway = own_gateway(STORAGE_URL=storage_url(bucket), SHIP_EVERY="0.25", LINE_KEPT_FOR="0.1")
    with ScriptedCounselor(gateway, call) as line:
        line.wait_for("ready")
        begun = line.speak(numbered_samples(0, 20 * SAMPLE_RATE))
        wait_until(lambda: shipped_samples(call) >= begun + 4 * SAMPLE_RATE, "four seconds of speech are shipped")
        gateway.kill()
        line.wait_closed()
    shutil.rmtree(gateway.spool)
    settings.HEARTBEAT_LOST_AFTER = 0.1

    def find_partial_recording() -> Recording | None:
        sweep_sessions()
        sweep_recordings()
        return Recording.objects.filter(state="partial").first()

    recording = wait_until(find_partial_recording, "the partial recording is finished")
    left, _ = channels_of(recording)
    sounding = left[np.flatnonzero(left)]
    call.refresh_from_db()
    assert (call.status, recording.reason) == ("abandoned", HOST_LOST_REASON)
    assert sounding.tobytes() == numbered_samples(0, len(sounding))
    assert 4 * SAMPLE_RATE <= len(sounding) <= len(line.microphone) // 2


def test_nearly_full_disk_refuses_new_calls_but_not_current_ones(own_gateway, organization, tmp_path):
    first, second = start_calls(organization, 2)
    gateway = own_gateway(DISK_PER_CALL=str(int(shutil.disk_usage(tmp_path).free * 0.6)))
    with ScriptedCounselor(gateway, first) as line:
        line.wait_for("ready")
        with pytest.raises(InvalidStatus) as refused:
            open_socket(gateway, second.pk, issue_ticket(second)[1])
        line.say("I am in.")
        line.wait_for_turn("counselor")
        ended = line.hang_up()

    assert (refusal_reason(refused.value), ended) == ("disk_full", "hung_up")
