import json
import random
import resource
import subprocess
import sys
import threading
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recordings.audio.assembly import assemble
from recordings.audio.spool import SAMPLE_RATE
from tests.recordings.simulated_call import (
    SimulatedCall,
    SimulatedNetwork,
    channels,
    microphone_frames,
    numbered_samples,
    read_epoch,
    sample_indexes,
    send_frames,
    stall,
)

TWENTY_MS = SAMPLE_RATE // 50


def up_to_150_ms(seed=1):
    """Return random delays of 0 to 150 ms. About one frame in three is on time unless an earlier one holds it up."""
    rng = random.Random(seed)
    return lambda sent: max(0, rng.uniform(-0.075, 0.15))


def skew(call, truth=lambda sample: sample):
    """Return how many samples each non-silent sample of the counselor's channel is off from where it was spoken."""
    left, _ = channels(call.assembly())
    places = np.flatnonzero(left)
    return places - truth(sample_indexes(left[places]))


@pytest.fixture
def call(tmp_path):
    return SimulatedCall(tmp_path / "session" / "1")


def test_position_counts_samples_since_start(call):
    call.at(1.5)

    assert call.spool.position() == 36_000


def test_frames_are_placed_where_they_were_spoken(call):
    positions = send_frames(call, SimulatedNetwork(), microphone_frames(1))

    left, right = channels(call.assembly())
    assert positions == list(range(0, SAMPLE_RATE, 480))
    assert left.tobytes() == numbered_samples(0, SAMPLE_RATE)
    assert not right.any()
    assert call.journal().count('"microphone"') == 1


def test_late_microphone_start_becomes_silence(call):
    call.at(2.02).record_microphone(numbered_samples(0, 480), 777)

    left, _ = channels(call.assembly())
    assert not left[:48_000].any()
    assert left[48_000:].tobytes() == numbered_samples(0, 480)


@pytest.mark.parametrize("frame", [480, 2400])
def test_network_jitter_moves_nothing(call, frame):
    send_frames(call, SimulatedNetwork(up_to_150_ms()), microphone_frames(60, frame))

    left, _ = channels(call.assembly())
    assert np.abs(skew(call)).max() <= TWENTY_MS
    assert np.count_nonzero(left) >= 60 * SAMPLE_RATE * 0.9995


def test_stall_and_burst_shift_nothing(call):
    network = SimulatedNetwork(stall(10, 3, up_to_150_ms()))

    send_frames(call, network, microphone_frames(30))

    assert np.abs(skew(call)).max() <= TWENTY_MS
    assert len(channels(call.assembly())[0]) == pytest.approx(30 * SAMPLE_RATE, abs=TWENTY_MS)


def test_slow_burst_leaves_no_final_shift(call):
    def one_and_a_half_times_real_time(sent):
        return max(0, 5 - (sent - 10) / 3) if sent >= 10 else 0

    send_frames(call, SimulatedNetwork(one_and_a_half_times_real_time), microphone_frames(60))

    assert np.abs(skew(call)).max() <= TWENTY_MS


def test_burst_corrects_stalled_first_frame(call):
    start = 4.0
    call.at(start)

    send_frames(
        call, SimulatedNetwork(stall(start, 3)), microphone_frames(20, when=lambda sample: start + sample / SAMPLE_RATE)
    )

    assert np.abs(skew(call, lambda sample: sample + start * SAMPLE_RATE)).max() <= TWENTY_MS


def test_slow_line_keeps_every_sample(call):
    send_frames(call, SimulatedNetwork(lambda sent: 0.4 if sent > 10 else 0), microphone_frames(30))

    left, _ = channels(call.assembly())
    assert np.count_nonzero(left) == 30 * SAMPLE_RATE
    assert skew(call)[[0, -1]].tolist() == [0, pytest.approx(0.4 * SAMPLE_RATE, abs=TWENTY_MS)]


@pytest.mark.parametrize("delay", [lambda sent: 0.0, up_to_150_ms()])
def test_suspended_audio_context_becomes_silence(call, delay):
    def when(sample):
        return sample / SAMPLE_RATE + (7 if sample > 10 * SAMPLE_RATE else 0)

    send_frames(call, SimulatedNetwork(delay), microphone_frames(40, when=when))

    moved = skew(call, lambda numbers: numbers + np.where(numbers >= 10 * SAMPLE_RATE, 7 * SAMPLE_RATE, 0))
    left, _ = channels(call.assembly())
    assert np.abs(moved).max() <= TWENTY_MS
    assert len(left) == pytest.approx(47 * SAMPLE_RATE, abs=TWENTY_MS)
    assert np.count_nonzero(left) >= 40 * SAMPLE_RATE * 0.9995


def test_burst_before_mute_is_not_a_suspension(call):
    network = SimulatedNetwork(stall(10, 7))
    frames = [frame for frame in microphone_frames(60) if not 15 < frame[0] <= 40]

    send_frames(call, network, frames)

    left, _ = channels(call.assembly())
    assert left[: 15 * SAMPLE_RATE].tobytes() == numbered_samples(0, 15 * SAMPLE_RATE)
    assert not left[15 * SAMPLE_RATE : 40 * SAMPLE_RATE].any()
    assert left[40 * SAMPLE_RATE :].tobytes() == numbered_samples(40 * SAMPLE_RATE, 20 * SAMPLE_RATE)


def test_missing_samples_become_silence(call):
    frames = list(microphone_frames(3))

    send_frames(call, SimulatedNetwork(), frames[:50] + frames[100:])

    left, _ = channels(call.assembly())
    assert left[:SAMPLE_RATE].tobytes() == numbered_samples(0, SAMPLE_RATE)
    assert not left[SAMPLE_RATE : 2 * SAMPLE_RATE].any()
    assert left[2 * SAMPLE_RATE :].tobytes() == numbered_samples(2 * SAMPLE_RATE, SAMPLE_RATE)


def test_index_far_in_future_does_not_extend_recording(call):
    send_frames(call, SimulatedNetwork(), microphone_frames(1))
    position = call.at(1.02).record_microphone(numbered_samples(0, 480), 2**32 - 480)

    assert position == SAMPLE_RATE


def test_reloaded_page_continues_at_arrival(call):
    send_frames(call, SimulatedNetwork(), microphone_frames(5))
    later = microphone_frames(5, when=lambda sample: 8 + sample / SAMPLE_RATE)
    positions = send_frames(call, SimulatedNetwork(), later)

    assert positions[0] == 8 * SAMPLE_RATE
    assert positions[-1] == 13 * SAMPLE_RATE - 480


@pytest.mark.parametrize("ppm", [200, -200])
def test_drifting_client_clock_is_followed(call, ppm):
    def when(sample):
        return sample / (SAMPLE_RATE * (1 + ppm / 1e6))

    send_frames(call, SimulatedNetwork(up_to_150_ms()), microphone_frames(1800, 2400, when))

    epoch = read_epoch(call.folder)
    start_errors = [piece.at - when(piece.offset) * SAMPLE_RATE for piece in epoch.counselor]
    end_errors = [piece.end - when(piece.offset + piece.samples) * SAMPLE_RATE for piece in epoch.counselor]
    assert np.abs(start_errors + end_errors).max() <= TWENTY_MS
    assert epoch.samples == pytest.approx(when(1800 * SAMPLE_RATE) * SAMPLE_RATE, rel=0.001)
    assert call.journal().count("\n") < 3000


def test_small_drift_is_corrected_in_speech_pause(call):
    def when(sample):
        return sample / (SAMPLE_RATE * 0.999)

    speech = (np.ones(480) * 5000).astype("<i2").tobytes()
    for sent, index, n in microphone_frames(20, when=when):
        is_pause = index % SAMPLE_RATE >= 0.8 * SAMPLE_RATE
        call.at(sent).record_microphone(bytes(2 * n) if is_pause else speech, index)

    steps = [line["offset"] for line in map(json.loads, call.journal().splitlines()) if line["kind"] == "microphone"]
    in_pauses = [offset for offset in steps[1:] if offset % SAMPLE_RATE >= 0.8 * SAMPLE_RATE]
    assert len(steps) > 5
    assert in_pauses == steps[1:]


def test_played_report_uses_microphone_clock(call):
    send_frames(call, SimulatedNetwork(), microphone_frames(2))
    call.spool.record_caller(1, 0, numbered_samples(0, 4800))
    call.at(2.9).record_playback(1, 4800, 2 * SAMPLE_RATE, True)

    assert channels(call.assembly())[1][2 * SAMPLE_RATE - 4800 : 2 * SAMPLE_RATE].tobytes() == numbered_samples(0, 4800)


def test_played_position_is_never_after_its_report(call):
    send_frames(call, SimulatedNetwork(), microphone_frames(2))
    call.spool.record_caller(1, 0, numbered_samples(0, 4800))
    call.spool.record_playback(1, 4800, 2**32 - 1, True)

    assert call.assembly().samples == 2 * SAMPLE_RATE


def test_played_report_after_suspension_moves_with_microphone(call):
    def when(sample):
        return sample / SAMPLE_RATE + (10 if sample > 5 * SAMPLE_RATE else 0)

    call.spool.record_caller(1, 0, numbered_samples(0, 5 * SAMPLE_RATE))
    for sent, index, n in microphone_frames(10, when=when):
        call.at(sent).record_microphone(numbered_samples(index, n), index)
        if index % 4800 == 0 and index >= 5 * SAMPLE_RATE:
            call.spool.record_playback(1, index - 5 * SAMPLE_RATE, index, False)

    left, right = channels(call.assembly())
    heard = 4 * SAMPLE_RATE + 19 * 2400
    assert left[15 * SAMPLE_RATE : 20 * SAMPLE_RATE].tobytes() == numbered_samples(5 * SAMPLE_RATE, 5 * SAMPLE_RATE)
    assert right[15 * SAMPLE_RATE : 19 * SAMPLE_RATE].tobytes() == numbered_samples(0, 4 * SAMPLE_RATE)
    assert np.count_nonzero(right) <= heard + 4800


def test_reports_without_microphone_count_from_arrival(call):
    call.spool.record_caller(1, 0, numbered_samples(0, 4800))
    call.at(3).record_playback(1, 4800, 0, True)

    assert channels(call.assembly())[1][3 * SAMPLE_RATE - 4800 :].tobytes() == numbered_samples(0, 4800)


def test_running_clock_without_microphone_smooths_network_delay(call):
    network = SimulatedNetwork(stall(4, 2, up_to_150_ms()))
    call.spool.record_caller(1, 0, numbered_samples(0, 9 * SAMPLE_RATE))
    for tenth in range(2, 92, 2):
        call.at(network.arrival(1 + tenth / 10)).record_playback(1, tenth * 2400, SAMPLE_RATE + tenth * 2400, False)

    _, right = channels(call.assembly())
    places = np.flatnonzero(right)
    assert len(places) == 9 * SAMPLE_RATE
    assert np.abs(places - sample_indexes(right[places]) - SAMPLE_RATE).max() <= TWENTY_MS


def test_late_microphone_continues_same_clock(call):
    call.spool.record_caller(1, 0, numbered_samples(0, 5 * SAMPLE_RATE))
    for tenth in range(2, 52, 2):
        call.at(tenth / 10).record_playback(1, tenth * 2400, tenth * 2400, False)
    for sent, index, n in microphone_frames(3, when=lambda sample: 4.95 + sample / SAMPLE_RATE):
        call.at(sent).record_microphone(numbered_samples(index, n), index + 118_800)

    left, right = channels(call.assembly())
    assert right[: 5 * SAMPLE_RATE].tobytes() == numbered_samples(0, 5 * SAMPLE_RATE)
    assert left[118_800:].tobytes() == numbered_samples(0, 3 * SAMPLE_RATE)


STEPS = st.tuples(st.floats(0, 20), st.one_of(st.integers(0, 200_000), st.integers(0, 2**32 - 1)), st.booleans())


@settings(deadline=None, max_examples=100)
@given(st.lists(STEPS, max_size=30))
def test_recording_stays_within_call_for_any_browser_counts(steps):
    with TemporaryDirectory() as folder:
        call = SimulatedCall(Path(folder) / "1")
        seconds = 0.0
        for elapsed, index, is_frame in steps:
            seconds += elapsed
            spool = call.at(seconds)
            spool.record_microphone(numbered_samples(index, 480), index) if is_frame else spool.record_playback(
                1, 480, index, False
            )
        heard = 480 * sum(is_frame for _, _, is_frame in steps)

        epoch = read_epoch(call.folder)

        assert epoch.samples <= call.spool.position() + heard + SAMPLE_RATE // 5


def test_concurrent_sync_is_harmless(call):
    is_over = threading.Event()

    def keep_syncing():
        while not is_over.is_set():
            call.spool.sync()

    thread = threading.Thread(target=keep_syncing)
    thread.start()
    send_frames(call, SimulatedNetwork(), microphone_frames(5))
    call.spool.close()
    is_over.set()
    thread.join()

    assert call.spool.failure is None
    assert read_epoch(call.folder).is_closed


def test_closed_spool_accepts_no_audio(call):
    send_frames(call, SimulatedNetwork(), microphone_frames(1))
    call.spool.close()
    call.spool.close()
    call.spool.record_caller(1, 0, numbered_samples(0, 480))
    call.spool.sync()

    assert call.at(1.02).record_microphone(numbered_samples(SAMPLE_RATE, 480), SAMPLE_RATE) == SAMPLE_RATE
    assert call.spool.failure is None
    assert call.assembly().samples == SAMPLE_RATE


def test_spool_folder_in_use_is_not_reused(call):
    send_frames(call, SimulatedNetwork(), microphone_frames(1))
    second = SimulatedCall(call.folder)
    second.at(0.02).record_microphone(numbered_samples(0, 480), 0)

    assert second.spool.failure == "File exists"
    assert channels(call.assembly())[0].tobytes() == numbered_samples(0, SAMPLE_RATE)


def test_unwritable_disk_does_not_stop_call(tmp_path):
    (tmp_path / "file").write_text("")
    call = SimulatedCall(tmp_path / "file" / "1")

    positions = send_frames(call, SimulatedNetwork(), microphone_frames(1))
    call.spool.record_caller(1, 0, numbered_samples(0, 480))
    call.spool.sync()
    call.spool.close()

    assert positions[-1] == SAMPLE_RATE - 480
    assert call.spool.failure == "Not a directory"


WRITE_UNTIL_KILLED = """
import sys
from pathlib import Path
from tests.recordings.simulated_call import SimulatedCall, microphone_frames, numbered_samples

call = SimulatedCall(Path(sys.argv[1]))
for sent, index, n in microphone_frames(3600):
    call.at(sent).record_microphone(numbered_samples(index, n), index)
    call.spool.record_caller(1, index, numbered_samples(index, n))
    call.spool.record_playback(1, index + n, index + n, False)
    print(index + n, flush=True)
"""


def test_killed_process_loses_no_written_audio(tmp_path):
    command = [sys.executable, "-c", WRITE_UNTIL_KILLED, str(tmp_path / "1")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        for _ in range(200):
            written_samples = int(child.stdout.readline())
        child.kill()

    epoch = read_epoch(tmp_path / "1")
    left, right = channels(assemble([epoch]))
    assert not epoch.is_closed
    assert left[:written_samples].tobytes() == right[:written_samples].tobytes() == numbered_samples(0, written_samples)


FULL_DISK = """
import resource, sys
from pathlib import Path
from tests.recordings.simulated_call import (
    SimulatedCall, SimulatedNetwork, microphone_frames, numbered_samples, send_frames
)

call = SimulatedCall(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
send_frames(call, SimulatedNetwork(), microphone_frames(1))
call.spool.record_caller(1, 0, numbered_samples(0, 12_000))
call.at(2).record_playback(1, 12_000, 24_000, False)
positions = send_frames(call, SimulatedNetwork(), microphone_frames(3))
call.spool.record_caller(1, 12_000, numbered_samples(12_000, 12_000))
call.spool.record_playback(1, 24_000, 24_000, False)
call.spool.close()
print(call.spool.failure, positions[-1])
"""


@pytest.mark.skipif(not hasattr(resource, "RLIMIT_FSIZE"), reason="this platform cannot limit file sizes")
@pytest.mark.parametrize("limit", [48_001, 60_001, 99_999])
def test_full_disk_keeps_earlier_audio(tmp_path, limit):
    folder = tmp_path / "1"

    command = [sys.executable, "-c", FULL_DISK, str(folder), str(limit)]
    child = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)

    epoch = read_epoch(folder)
    assert child.stdout.startswith("File too large ")
    assert epoch.failure == "File too large"
    assert epoch.is_closed
    assert epoch.counselor[0].samples == SAMPLE_RATE + (limit // 2 - SAMPLE_RATE if limit > 48_001 else 0)
