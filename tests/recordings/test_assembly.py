import random
import tracemalloc

import numpy as np
import pytest

from recordings.audio.assembly import assemble
from recordings.audio.spool import MICROPHONE_FILE, SAMPLE_RATE
from tests.recordings.simulated_call import (
    WALL_TIME,
    SimulatedCall,
    SimulatedNetwork,
    channels,
    interleaved_blocks,
    microphone_frames,
    numbered_samples,
    read_epoch,
    send_frames,
)
from tests.support.prove_run import IS_PROVE_RUN

LONG = 1800 if IS_PROVE_RUN else 300  # seconds
TWO_HUNDRED_MS = SAMPLE_RATE // 5
TWENTY_MS = SAMPLE_RATE // 50


@pytest.fixture
def call(tmp_path):
    """Return a call whose microphone is open, so that its clock runs."""
    call = SimulatedCall(tmp_path / "1")
    call.at(0.02).record_microphone(bytes(960), 0)
    return call


def play(call, item, start, samples, final=True):
    """Play `samples` of an item from `start` seconds on, with a report every 200 ms and one at the end."""
    for played_samples in [*range(TWO_HUNDRED_MS, samples, TWO_HUNDRED_MS), samples]:
        at = round(start * SAMPLE_RATE) + played_samples
        call.at(at / SAMPLE_RATE).record_playback(item, played_samples, at, final and played_samples == samples)


def caller_channel(call):
    return channels(call.assembly())[1]


def runs_of_sound(channel):
    edges = np.flatnonzero(np.diff(np.concatenate([[0], channel != 0, [0]])))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def test_missing_or_empty_spool_has_no_audio(tmp_path):
    assembly = assemble([read_epoch(tmp_path), read_epoch(tmp_path / "never")])

    assert (assembly.samples, list(interleaved_blocks(assembly))) == (0, [])
    assert assemble([]).samples == 0


def test_call_without_heard_audio_has_no_samples(tmp_path):
    call = SimulatedCall(tmp_path / "1")
    call.spool.record_caller(1, 0, numbered_samples(0, SAMPLE_RATE))
    call.at(60).close()

    assert read_epoch(call.folder).samples == 60 * SAMPLE_RATE
    assert call.assembly().samples == 0


def test_blocks_are_interleaved_with_counselor_left(call):
    send_frames(call, SimulatedNetwork(), microphone_frames(2.5))
    call.spool.record_caller(1, 0, numbered_samples(7, SAMPLE_RATE))
    play(call, 1, 1, SAMPLE_RATE)

    blocks = list(interleaved_blocks(call.assembly()))

    assert [len(block) for block in blocks] == [4 * SAMPLE_RATE, 4 * SAMPLE_RATE, 2 * SAMPLE_RATE]
    second = np.frombuffer(blocks[1], "<i2").reshape(-1, 2)
    assert second[:, 0].tobytes() == numbered_samples(SAMPLE_RATE, SAMPLE_RATE)
    assert second[:, 1].tobytes() == numbered_samples(7, SAMPLE_RATE)


def test_audio_sent_faster_than_real_time_keeps_its_pace(call):
    call.at(1)
    for index in range(0, 10 * SAMPLE_RATE, 2400):
        call.spool.record_caller(1, index, numbered_samples(index, 2400))
    play(call, 1, 2, 10 * SAMPLE_RATE)

    right = caller_channel(call)

    assert runs_of_sound(right) == [(2 * SAMPLE_RATE, 12 * SAMPLE_RATE)]
    assert right[2 * SAMPLE_RATE :].tobytes() == numbered_samples(0, 10 * SAMPLE_RATE)


def test_caller_audio_ends_where_playback_stopped(call):
    call.spool.record_caller(1, 0, numbered_samples(0, 10 * SAMPLE_RATE))
    play(call, 1, 1, 2 * SAMPLE_RATE + 123)
    call.spool.record_caller(2, 0, numbered_samples(0, SAMPLE_RATE))
    play(call, 2, 5, SAMPLE_RATE)
    call.at(20).close()

    right = caller_channel(call)

    assert runs_of_sound(right) == [(SAMPLE_RATE, 3 * SAMPLE_RATE + 123), (5 * SAMPLE_RATE, 6 * SAMPLE_RATE)]
    assert len(right) == 20 * SAMPLE_RATE


def test_item_without_final_report_ends_at_last_report(call):
    call.spool.record_caller(1, 0, numbered_samples(0, 10 * SAMPLE_RATE))
    play(call, 1, 1, 2 * SAMPLE_RATE, final=False)

    assert len(caller_channel(call)) == 3 * SAMPLE_RATE


def test_item_without_report_is_left_out(call):
    call.spool.record_caller(1, 0, numbered_samples(0, SAMPLE_RATE))
    call.at(5).close()

    assert not caller_channel(call).any()


def test_halt_between_reports_becomes_silence(call):
    call.spool.record_caller(1, 0, numbered_samples(0, 4 * SAMPLE_RATE))
    play(call, 1, 1, SAMPLE_RATE, final=False)
    call.at(3.2).record_playback(1, SAMPLE_RATE + TWO_HUNDRED_MS, round(3.2 * SAMPLE_RATE), False)
    call.at(3.4).record_playback(1, SAMPLE_RATE + 2 * TWO_HUNDRED_MS, round(3.4 * SAMPLE_RATE), True)

    assert runs_of_sound(caller_channel(call)) == [
        (SAMPLE_RATE, 2 * SAMPLE_RATE),
        (3 * SAMPLE_RATE, 3 * SAMPLE_RATE + 2 * TWO_HUNDRED_MS),
    ]


def test_audio_played_before_halt_stays_before_it(call):
    # The last report before a halt comes up to 200 ms late. The next report shows that no samples were added.
    call.spool.record_caller(1, 0, numbered_samples(0, 4 * SAMPLE_RATE))
    play(call, 1, 1, SAMPLE_RATE, final=False)
    call.at(2.2).record_playback(1, SAMPLE_RATE + 1000, round(2.2 * SAMPLE_RATE), False)
    call.at(2.4).record_playback(1, SAMPLE_RATE + 1000, round(2.4 * SAMPLE_RATE), False)
    call.at(3.2).record_playback(1, SAMPLE_RATE + 1000 + TWO_HUNDRED_MS, round(3.2 * SAMPLE_RATE), False)

    assert runs_of_sound(caller_channel(call)) == [
        (SAMPLE_RATE, 2 * SAMPLE_RATE + 1000),
        (3 * SAMPLE_RATE, 3 * SAMPLE_RATE + TWO_HUNDRED_MS),
    ]


def test_pause_before_flush_does_not_move_audio(call):
    call.spool.record_caller(1, 0, numbered_samples(0, 4 * SAMPLE_RATE))
    play(call, 1, 1, SAMPLE_RATE, final=False)
    call.at(2.6).record_playback(1, SAMPLE_RATE + 2222, round(2.6 * SAMPLE_RATE), True)

    assert runs_of_sound(caller_channel(call)) == [(SAMPLE_RATE, 2 * SAMPLE_RATE + 2222)]


def test_item_with_buffer_underrun_ends_at_last_report(call):
    call.spool.record_caller(1, 0, numbered_samples(0, SAMPLE_RATE + TWO_HUNDRED_MS))
    play(call, 1, 1, SAMPLE_RATE, final=False)
    call.at(2.7).record_playback(1, SAMPLE_RATE + TWO_HUNDRED_MS, round(2.7 * SAMPLE_RATE), True)

    assert runs_of_sound(caller_channel(call)) == [
        (SAMPLE_RATE, 2 * SAMPLE_RATE),
        (round(2.5 * SAMPLE_RATE), round(2.7 * SAMPLE_RATE)),
    ]


def test_reports_at_halt_and_resume_are_exact(call):
    call.spool.record_caller(1, 0, numbered_samples(0, 4 * SAMPLE_RATE))
    for samples, at in [(0, 24_000), (4800, 28_800), (5000, 29_000), (5000, 40_000), (9800, 44_800)]:
        call.at(at / SAMPLE_RATE).record_playback(1, samples, at, False)

    assert runs_of_sound(caller_channel(call)) == [(24_000, 29_000), (40_000, 44_800)]


def test_report_is_limited_to_sent_audio(call):
    call.spool.record_caller(1, 0, numbered_samples(0, SAMPLE_RATE))
    call.at(3).record_playback(1, 2**32 - 1, 3 * SAMPLE_RATE, True)
    call.spool.record_playback(9, 100, 3 * SAMPLE_RATE, True)

    assert runs_of_sound(caller_channel(call)) == [(2 * SAMPLE_RATE, 3 * SAMPLE_RATE)]


def test_overlapping_items_are_cut_not_mixed(call):
    call.spool.record_caller(1, 0, numbered_samples(0, SAMPLE_RATE))
    call.spool.record_caller(2, 0, numbered_samples(SAMPLE_RATE, SAMPLE_RATE))
    play(call, 1, 1, SAMPLE_RATE)
    play(call, 2, 1.9, SAMPLE_RATE)

    right = caller_channel(call)
    assert right[SAMPLE_RATE : SAMPLE_RATE + 21_600].tobytes() == numbered_samples(0, 21_600)
    assert right[SAMPLE_RATE + 21_600 :].tobytes() == numbered_samples(SAMPLE_RATE, SAMPLE_RATE)


def test_epochs_are_placed_by_wall_clock(tmp_path):
    first, second = SimulatedCall(tmp_path / "1"), SimulatedCall(tmp_path / "2", wall=WALL_TIME + 12.5)
    for call in (first, second):
        send_frames(call, SimulatedNetwork(), microphone_frames(5))
    second.spool.close()

    assembly = assemble([read_epoch(second.folder), read_epoch(first.folder)])
    left, _ = channels(assembly)

    assert assembly.samples == round(17.5 * SAMPLE_RATE)
    assert runs_of_sound(left) == [(0, 5 * SAMPLE_RATE), (round(12.5 * SAMPLE_RATE), round(17.5 * SAMPLE_RATE))]


def test_caller_audio_of_later_epoch_starts_with_that_epoch(tmp_path):
    first, second = SimulatedCall(tmp_path / "1"), SimulatedCall(tmp_path / "2", wall=WALL_TIME + 10)
    for call in (first, second):
        send_frames(call, SimulatedNetwork(), microphone_frames(5))
        call.spool.record_caller(1, 0, numbered_samples(0, SAMPLE_RATE))
        play(call, 1, 2, SAMPLE_RATE)

    _, right = channels(assemble([read_epoch(first.folder), read_epoch(second.folder)]))

    assert runs_of_sound(right) == [(2 * SAMPLE_RATE, 3 * SAMPLE_RATE), (12 * SAMPLE_RATE, 13 * SAMPLE_RATE)]


@pytest.mark.parametrize(
    ("wall", "start_seconds"), [(WALL_TIME + 2, 5), (WALL_TIME - 86_400, 0), (WALL_TIME + 10**8, 5 + 3600)]
)
def test_different_wall_clocks_lose_no_audio(tmp_path, wall, start_seconds):
    first, second = SimulatedCall(tmp_path / "1"), SimulatedCall(tmp_path / "2", wall=wall)
    send_frames(first, SimulatedNetwork(), microphone_frames(5))
    send_frames(second, SimulatedNetwork(), microphone_frames(1))

    assembly = assemble([read_epoch(first.folder), read_epoch(second.folder)])

    places = {piece.samples: piece.at for piece in assembly.counselor}
    assert sum(piece.samples for piece in assembly.counselor) == 6 * SAMPLE_RATE
    assert places[SAMPLE_RATE] == start_seconds * SAMPLE_RATE


class InterruptedCall:
    """A call of LONG seconds over a jittery line that stalls once; the counselor interrupts every three seconds."""

    def __init__(self, call):
        self.call = call
        self.heard = np.zeros(LONG * SAMPLE_RATE, np.uint16)
        rng = random.Random(3)
        self.network = SimulatedNetwork(
            lambda sent: max(0, rng.uniform(-0.075, 0.15), 103 - sent if 100 < sent < 103 else 0)
        )
        self.events = [(end, "frame", (index, n)) for end, index, n in microphone_frames(LONG, 2400)]
        for item, start in enumerate(range(3, LONG - 3, 3), start=1):
            self.add_item(item, start * SAMPLE_RATE, rng)
        self.events.sort(key=lambda event: event[0])

    def add_item(self, item, start, rng):
        """Add an item that plays, pauses at an "mm-hm", resumes, and is cut off. Playback is reported every 200 ms."""
        self.events.append((start / SAMPLE_RATE - 0.5, "speak", (item,)))
        first, second = (rng.randrange(SAMPLE_RATE // 2, SAMPLE_RATE) for _ in range(2))
        pause = rng.randrange(SAMPLE_RATE // 5, SAMPLE_RATE // 2)
        resumed = start + first + pause
        reports = [(played_samples, start + played_samples) for played_samples in range(0, first, TWO_HUNDRED_MS)] + [
            (first, start + first),
            (first, resumed),
        ]
        reports += [
            (first + played_samples, resumed + played_samples)
            for played_samples in range(TWO_HUNDRED_MS, second, TWO_HUNDRED_MS)
        ]
        flushed = resumed + second + SAMPLE_RATE // 10
        self.events += [
            (at / SAMPLE_RATE, "played", (item, played_samples, at, False)) for played_samples, at in reports
        ]
        self.events.append((flushed / SAMPLE_RATE, "played", (item, first + second, flushed, True)))
        values = np.frombuffer(numbered_samples(item * 5 * SAMPLE_RATE, first + second), "<u2")
        self.heard[start : start + first] = values[:first]
        self.heard[resumed : resumed + second] = values[first:]

    def replay(self):
        for sent, kind, arguments in self.events:
            spool = self.call.at(sent if kind == "speak" else self.network.arrival(sent))
            if kind == "frame":
                spool.record_microphone(numbered_samples(*arguments), arguments[0])
            elif kind == "speak":
                spool.record_caller(arguments[0], 0, numbered_samples(arguments[0] * 5 * SAMPLE_RATE, 5 * SAMPLE_RATE))
            else:
                spool.record_playback(*arguments)
        self.call.at(LONG).close()


def test_many_interruptions_keep_channels_aligned(tmp_path):
    interrupted = InterruptedCall(SimulatedCall(tmp_path / "1"))
    interrupted.replay()

    left, right = channels(interrupted.call.assembly())

    assert len(left) == pytest.approx(LONG * SAMPLE_RATE, rel=0.001)
    runs, true_runs = runs_of_sound(right), runs_of_sound(interrupted.heard)
    assert len(runs) == len(true_runs)
    assert np.abs(np.array(runs) - np.array(true_runs)).max() <= TWENTY_MS
    for (start, _), (true_start, true_end) in zip(runs, true_runs, strict=True):
        heard = right[start : start + true_end - true_start - TWENTY_MS].view(np.uint16)
        assert np.array_equal(heard, interrupted.heard[true_start:][: len(heard)])
    places = np.flatnonzero(left)
    numbers = left[places].view(np.uint16).astype(np.int64) - 1
    skew = (places - numbers + 65_535 // 2) % 65_535 - 65_535 // 2
    assert np.abs(skew).max() <= TWENTY_MS
    assert len(places) >= LONG * SAMPLE_RATE * 0.999


def test_long_recording_is_read_in_small_parts(tmp_path):
    call = SimulatedCall(tmp_path / "1")
    call.at(0.02).record_microphone(numbered_samples(0, 480), 0)
    for second in range(600):
        call.spool.record_caller(second + 1, 0, numbered_samples(0, 480))
        call.at(second + 1).record_playback(second + 1, 480, (second + 1) * SAMPLE_RATE, True)
    with (call.folder / MICROPHONE_FILE).open("r+b") as file:
        file.truncate(600 * SAMPLE_RATE * 2)

    tracemalloc.start()
    try:
        assembly = call.assembly()
        length = sum(len(block) for block in interleaved_blocks(assembly))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert length == 600 * SAMPLE_RATE * 4
    assert peak < 2_000_000
