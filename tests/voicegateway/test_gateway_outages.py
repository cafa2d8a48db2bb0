"""The object store is away, the host is lost, the disk is nearly full: a real gateway, and a real worker on S3."""

import shutil
from collections.abc import Iterator

import numpy as np
import pytest
from websockets.exceptions import InvalidStatus

from config.storage.s3 import PrivateS3Storage
from recordings.models import Recording, RecordingEpoch, spool_folder
from recordings.services.finishing import HOST_LOST, sweep_recordings
from tests.fault_proxy import FAULTS, FaultProxy
from tests.recordings.making import keys
from tests.recordings.stores import new_bucket, storage_url, use_bucket
from tests.recordings.synthetic import counting
from tests.voicegateway.gateway_process import wait_for_end, wait_until
from tests.voicegateway.line import RATE, Line, begin_calls, dial, reason_of
from tests.voicegateway.test_gateway_losses import send_counted, wait_until_received
from tests.voicegateway.test_gateway_process import channels_of
from tests.worker_process import WorkerProcess
from training.services.sessions import sweep_sessions
from training.services.tickets import issue_ticket

pytestmark = pytest.mark.heavy
QUICK = {"connect_timeout": 0.3, "read_timeout": 0.5}


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


def state_of(call) -> str:
    return Recording.objects.get(session=call).state


@pytest.mark.parametrize("fault", FAULTS)
def test_a_store_that_is_away_costs_nothing_and_is_made_up_for(
    own_gateway, standin, call, bucket, proxy, redis_url, tmp_path, fault
):
    store = storage_url(bucket, proxy.url, **QUICK)
    gateway = own_gateway(STORAGE_URL=store, SHIP_EVERY="0.2", SWEEP_EVERY="0.4")
    with Line(gateway, call, microphone=False) as line:
        line.wait_for("ready")
        first = send_counted(line, RATE)
        wait_until(lambda: keys("spools/"), "a segment is shipped")
        proxy.turn(fault)
        for index in range(RATE, 2 * RATE, 480):
            line.send_frame(counting(index, 480), index)
        wait_until_received(standin, 2 * RATE)
        line.say("Are you still there?")
        line.wait_for("item_end")
        ended = line.hang_up()
    wait_for_end(call)
    wait_until(lambda: gateway.output.count("ot shipped") > 1, "the gateway has tried")
    during = (state_of(call), spool_folder(call.pk, 1).exists(), RecordingEpoch.objects.get().sealed_at)
    proxy.turn("")
    wait_until(RecordingEpoch.objects.filter(sealed_at__isnull=False).exists, "all of it is shipped")

    proxy.turn(fault)
    with WorkerProcess(tmp_path, redis_url, STORAGE_URL=store) as worker:
        wait_until(lambda: "Recording not stored" in worker.output, "the worker has tried")
        while_away = Recording.objects.get()
        proxy.turn("")
        wait_until(lambda: state_of(call) == "completed", "the recording is finished")
        wait_until(lambda: keys("spools/") == [], "its segments are removed")
    wait_until(lambda: not spool_folder(call.pk, 1).exists(), "its spool is removed")

    recording = Recording.objects.get()
    left, _ = channels_of(recording)
    sounding = left[np.flatnonzero(left)]
    assert (ended, call.status, during) == ("hung_up", "completed", ("recording", True, None))
    assert (while_away.is_under_way, bool(while_away.file)) == (True, False)
    assert sounding.tobytes() == counting(0, 2 * RATE)
    assert first == counting(0, RATE)
    assert keys("recordings/") == [recording.file.name]


def test_a_host_that_is_lost_costs_what_it_had_not_shipped(own_gateway, standin, call, bucket, settings):
    settings.HOST_LOST_AFTER = 0.1
    gateway = own_gateway(STORAGE_URL=storage_url(bucket), SHIP_EVERY="0.25", LINE_KEPT_FOR="0.1")
    with Line(gateway, call) as line:
        line.wait_for("ready")
        line.speak(counting(0, 20 * RATE))
        line.wait(lambda: len(line.microphone) // 2 >= 4 * RATE, "four seconds were spoken")
        heard = len(line.microphone) // 2
        gateway.kill()
        line.wait_closed()
    shutil.rmtree(gateway.spool)
    settings.HEARTBEAT_LOST_AFTER = 0.1

    def look() -> Recording | None:
        sweep_sessions()
        sweep_recordings()
        return Recording.objects.filter(state="partial").first()

    recording = wait_until(look, "what was shipped is finished")
    left, _ = channels_of(recording)
    sounding = left[np.flatnonzero(left)]
    call.refresh_from_db()
    assert (call.status, recording.reason) == ("abandoned", HOST_LOST)
    assert sounding.tobytes() == counting(0, len(sounding))
    # Two rounds of shipping, of 0.25 s each; with 5 s each that is the promised 10 s. A slow machine may be late.
    assert heard - 1.5 * RATE <= len(sounding) <= heard + RATE


def test_nobody_is_let_in_when_the_disk_is_nearly_full_and_who_is_in_goes_on(own_gateway, organization, tmp_path):
    first, second = begin_calls(organization, 2)
    gateway = own_gateway(DISK_PER_CALL=str(int(shutil.disk_usage(tmp_path).free * 0.6)))
    with Line(gateway, first) as line:
        line.wait_for("ready")
        with pytest.raises(InvalidStatus) as refused:
            dial(gateway, second.pk, issue_ticket(second)[1])
        line.say("I am in.")
        line.wait_for_turn("counselor")
        ended = line.hang_up()

    assert (reason_of(refused.value), ended) == ("disk_full", "hung_up")
