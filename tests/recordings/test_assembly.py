import json
import random
import shutil
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recordings.assembly import assemble
from recordings.spool import CALLER, JOURNAL, MICROPHONE, RATE
from recordings.wav import wav_header
from tests.recordings.synthetic import (
    WALL,
    Call,
    Network,
    channels,
    counting,
    epoch_in,
    microphone_frames,
    speak_into,
)

FIFTH = RATE // 5
TWENTY_MS = RATE // 50


@pytest.fixture
def call(tmp_path):
    """A call whose microphone is open, so that its clock runs."""
    call = Call(tmp_path / "1")
    call.at(0.02).hear(bytes(960), 0)
    return call


def play(call, item, start, samples, final=True):
    """An item of so many samples, played from `start` seconds on with a report every 200 ms and at its end."""
    for done in [*range(FIFTH, samples, FIFTH), samples]:
        at = round(start * RATE) + done
        call.at(at / RATE).played(item, done, at, final and done == samples)


def caller_channel(call):
    return channels(call.assembly())[1]


def runs_of_sound(channel):
    edges = np.flatnonzero(np.diff(np.concatenate([[0], channel != 0, [0]])))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def test_an_empty_folder_and_none_at_all_are_no_recording(tmp_path):
    assembly = assemble([epoch_in(tmp_path), epoch_in(tmp_path / "never")])

    assert (assembly.samples, list(assembly.blocks())) == (0, [])
    assert assemble([]).samples == 0


def test_a_call_in_which_nobody_was_heard_is_no_recording(tmp_path):
    call = Call(tmp_path / "1")
    call.spool.speak(1, 0, counting(0, RATE))
    call.at(60).close()

    assert epoch_in(call.folder).samples == 60 * RATE
    assert call.assembly().samples == 0


def test_blocks_are_interleaved_seconds_counselor_left(call):
    speak_into(call, Network(), microphone_frames(2.5))
    call.spool.speak(1, 0, counting(7, RATE))
    play(call, 1, 1, RATE)

    blocks = list(call.assembly().blocks())

    assert [len(block) for block in blocks] == [4 * RATE, 4 * RATE, 2 * RATE]
    second = np.frombuffer(blocks[1], "<i2").reshape(-1, 2)
    assert second[:, 0].tobytes() == counting(RATE, RATE)
    assert second[:, 1].tobytes() == counting(7, RATE)


def test_audio_that_came_faster_than_real_time_is_heard_at_its_pace(call):
    call.at(1)
    for index in range(0, 10 * RATE, 2400):
        call.spool.speak(1, index, counting(index, 2400))
    play(call, 1, 2, 10 * RATE)

    right = caller_channel(call)

    assert runs_of_sound(right) == [(2 * RATE, 12 * RATE)]
    assert right[2 * RATE :].tobytes() == counting(0, 10 * RATE)


def test_the_caller_is_cut_at_what_was_heard(call):
    call.spool.speak(1, 0, counting(0, 10 * RATE))
    play(call, 1, 1, 2 * RATE + 123)
    call.spool.speak(2, 0, counting(0, RATE))
    play(call, 2, 5, RATE)
    call.at(20).close()

    right = caller_channel(call)

    assert runs_of_sound(right) == [(RATE, 3 * RATE + 123), (5 * RATE, 6 * RATE)]
    assert len(right) == 20 * RATE


def test_without_a_final_report_only_what_was_reported_was_heard(call):
    call.spool.speak(1, 0, counting(0, 10 * RATE))
    play(call, 1, 1, 2 * RATE, final=False)

    assert len(caller_channel(call)) == 3 * RATE


def test_an_item_without_a_report_was_never_heard(call):
    call.spool.speak(1, 0, counting(0, RATE))
    call.at(5).close()

    assert not caller_channel(call).any()


def test_a_halt_between_two_reports_is_silence_before_what_follows(call):
    call.spool.speak(1, 0, counting(0, 4 * RATE))
    play(call, 1, 1, RATE, final=False)
    call.at(3.2).played(1, RATE + FIFTH, round(3.2 * RATE), False)
    call.at(3.4).played(1, RATE + 2 * FIFTH, round(3.4 * RATE), True)

    assert runs_of_sound(caller_channel(call)) == [(RATE, 2 * RATE), (3 * RATE, 3 * RATE + 2 * FIFTH)]


def test_what_was_played_before_a_halt_stays_before_it(call):
    """The last report before the halt comes up to 200 ms after it; the next one shows that nothing moved."""
    call.spool.speak(1, 0, counting(0, 4 * RATE))
    play(call, 1, 1, RATE, final=False)
    call.at(2.2).played(1, RATE + 1000, round(2.2 * RATE), False)
    call.at(2.4).played(1, RATE + 1000, round(2.4 * RATE), False)
    call.at(3.2).played(1, RATE + 1000 + FIFTH, round(3.2 * RATE), False)

    assert runs_of_sound(caller_channel(call)) == [(RATE, 2 * RATE + 1000), (3 * RATE, 3 * RATE + FIFTH)]


def test_a_pause_that_ends_in_a_flush_moves_nothing(call):
    call.spool.speak(1, 0, counting(0, 4 * RATE))
    play(call, 1, 1, RATE, final=False)
    call.at(2.6).played(1, RATE + 2222, round(2.6 * RATE), True)

    assert runs_of_sound(caller_channel(call)) == [(RATE, 2 * RATE + 2222)]


def test_an_item_that_ran_dry_shortly_before_its_end_ends_at_its_last_report(call):
    call.spool.speak(1, 0, counting(0, RATE + FIFTH))
    play(call, 1, 1, RATE, final=False)
    call.at(2.7).played(1, RATE + FIFTH, round(2.7 * RATE), True)

    assert runs_of_sound(caller_channel(call)) == [(RATE, 2 * RATE), (round(2.5 * RATE), round(2.7 * RATE))]


def test_reports_at_a_halt_and_at_going_on_are_exact(call):
    call.spool.speak(1, 0, counting(0, 4 * RATE))
    for samples, at in [(0, 24_000), (4800, 28_800), (5000, 29_000), (5000, 40_000), (9800, 44_800)]:
        call.at(at / RATE).played(1, samples, at, False)

    assert runs_of_sound(caller_channel(call)) == [(24_000, 29_000), (40_000, 44_800)]


def test_a_report_of_more_than_was_sent_is_believed_only_as_far_as_that(call):
    call.spool.speak(1, 0, counting(0, RATE))
    call.at(3).played(1, 2**32 - 1, 3 * RATE, True)
    call.spool.played(9, 100, 3 * RATE, True)

    assert runs_of_sound(caller_channel(call)) == [(2 * RATE, 3 * RATE)]


def test_items_that_seem_to_overlap_are_cut_not_mixed(call):
    call.spool.speak(1, 0, counting(0, RATE))
    call.spool.speak(2, 0, counting(RATE, RATE))
    play(call, 1, 1, RATE)
    play(call, 2, 1.9, RATE)

    right = caller_channel(call)
    assert right[RATE : RATE + 21_600].tobytes() == counting(0, 21_600)
    assert right[RATE + 21_600 :].tobytes() == counting(RATE, RATE)


def test_epochs_stand_where_their_wall_clocks_say(tmp_path):
    first, second = Call(tmp_path / "1"), Call(tmp_path / "2", wall=WALL + 12.5)
    for call in (first, second):
        speak_into(call, Network(), microphone_frames(5))
    second.spool.close()

    assembly = assemble([epoch_in(second.folder), epoch_in(first.folder)])
    left, _ = channels(assembly)

    assert assembly.samples == round(17.5 * RATE)
    assert runs_of_sound(left) == [(0, 5 * RATE), (round(12.5 * RATE), round(17.5 * RATE))]


@pytest.mark.parametrize(("wall", "begins"), [(WALL + 2, 5), (WALL - 86_400, 0), (WALL + 10**8, 5 + 3600)])
def test_wall_clocks_that_disagree_lose_no_audio(tmp_path, wall, begins):
    first, second = Call(tmp_path / "1"), Call(tmp_path / "2", wall=wall)
    speak_into(first, Network(), microphone_frames(5))
    speak_into(second, Network(), microphone_frames(1))

    assembly = assemble([epoch_in(first.folder), epoch_in(second.folder)])

    places = {piece.samples: piece.at for piece in assembly.counselor}
    assert sum(piece.samples for piece in assembly.counselor) == 6 * RATE
    assert places[RATE] == begins * RATE


class Story:
    """Five minutes in which the counselor breaks in every three seconds, over a jittery line that stalls once."""

    def __init__(self, call):
        self.call = call
        self.heard = np.zeros(300 * RATE, np.uint16)
        chance = random.Random(3)
        self.network = Network(lambda sent: max(0, chance.uniform(-0.075, 0.15), 103 - sent if 100 < sent < 103 else 0))
        self.events = [(end, "frame", (index, n)) for end, index, n in microphone_frames(300, 2400)]
        for item, start in enumerate(range(3, 297, 3), start=1):
            self.play(item, start * RATE, chance)
        self.events.sort(key=lambda event: event[0])

    def play(self, item, start, chance):
        """It plays, pauses at an "mm-hm", goes on, and is broken off; reports come every 200 ms while it plays."""
        self.events.append((start / RATE - 0.5, "speak", (item,)))
        first, second = (chance.randrange(RATE // 2, RATE) for _ in range(2))
        pause = chance.randrange(RATE // 5, RATE // 2)
        resumed = start + first + pause
        reports = [(done, start + done) for done in range(0, first, FIFTH)] + [(first, start + first), (first, resumed)]
        reports += [(first + done, resumed + done) for done in range(FIFTH, second, FIFTH)]
        flushed = resumed + second + RATE // 10
        self.events += [(at / RATE, "played", (item, done, at, False)) for done, at in reports]
        self.events.append((flushed / RATE, "played", (item, first + second, flushed, True)))
        values = np.frombuffer(counting(item * 5 * RATE, first + second), "<u2")
        self.heard[start : start + first] = values[:first]
        self.heard[resumed : resumed + second] = values[first:]

    def tell(self):
        for sent, kind, facts in self.events:
            spool = self.call.at(sent if kind == "speak" else self.network.arrival(sent))
            if kind == "frame":
                spool.hear(counting(*facts), facts[0])
            elif kind == "speak":
                spool.speak(facts[0], 0, counting(facts[0] * 5 * RATE, 5 * RATE))
            else:
                spool.played(*facts)
        self.call.at(300).close()


def test_a_call_full_of_interruptions_keeps_both_channels_together(tmp_path):
    story = Story(Call(tmp_path / "1"))
    story.tell()

    left, right = channels(story.call.assembly())

    assert len(left) == pytest.approx(300 * RATE, rel=0.001)
    runs, true_runs = runs_of_sound(right), runs_of_sound(story.heard)
    assert len(runs) == len(true_runs)
    assert np.abs(np.array(runs) - np.array(true_runs)).max() <= TWENTY_MS
    for (start, _), (true_start, true_end) in zip(runs, true_runs, strict=True):
        heard = right[start : start + true_end - true_start - TWENTY_MS].view(np.uint16)
        assert np.array_equal(heard, story.heard[true_start:][: len(heard)])
    places = np.flatnonzero(left)
    numbers = left[places].view(np.uint16).astype(np.int64) - 1
    skew = (places - numbers + 65_535 // 2) % 65_535 - 65_535 // 2
    assert np.abs(skew).max() <= TWENTY_MS
    assert len(places) >= 300 * RATE * 0.999


@pytest.fixture(scope="module")
def ended_abruptly(tmp_path_factory):
    """The folder of a call with all that a journal can hold."""
    call = Call(tmp_path_factory.mktemp("abrupt") / "1")
    speak_into(call, Network(), microphone_frames(2))
    speak_into(call, Network(), microphone_frames(4, when=lambda sample: 4 + sample / RATE))
    for item in (1, 2):
        call.spool.speak(item, 0, counting(0, RATE))
        call.at(7 + item).played(item, RATE, (2 + item) * RATE, True)
    call.spool.mute(True)
    call.spool.close()
    return call.folder


def damaged(folder: Path, to: Path, name: str, damage) -> Path:
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(folder, to)
    (to / name).write_bytes(damage((to / name).read_bytes()))
    return to


def assembled_length(folder):
    assembly = assemble([epoch_in(folder)])
    frames = sum(len(block) for block in assembly.blocks()) // 4
    assert frames == assembly.samples
    assert len(wav_header(frames, 2, RATE)) == 44
    return frames


@pytest.mark.parametrize("name", [MICROPHONE, CALLER, JOURNAL])
def test_truncation_anywhere_near_the_end_still_assembles(ended_abruptly, tmp_path, name):
    whole = assembled_length(ended_abruptly)
    copy = damaged(ended_abruptly, tmp_path / "1", name, bytes)

    for _ in range(200):
        with (copy / name).open("r+b") as file:
            file.truncate(file.seek(0, 2) - 1)
        assert 0 < assembled_length(copy) <= whole


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.sampled_from([MICROPHONE, CALLER, JOURNAL]), at=st.floats(0, 1), junk=st.binary(max_size=40))
def test_any_tail_of_junk_still_assembles(ended_abruptly, tmp_path, name, at, junk):
    copy = damaged(ended_abruptly, tmp_path / "1", name, lambda data: data[: round(at * len(data))] + junk)

    assert assembled_length(copy) >= 0


VALUE = st.one_of(st.integers(-(2**70), 2**70), st.floats(), st.booleans(), st.none(), st.text(max_size=3))
KINDS = ["header", "microphone", "shift", "caller", "played", "mute", "failed", "closed", "other"]
FIELDS = ["version", "wall", "rate", "offset", "at", "by", "item", "index", "samples", "final", "reason"]
SMALL = st.integers(0, 3 * RATE)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.sampled_from(KINDS), st.dictionaries(st.sampled_from(FIELDS), st.one_of(SMALL, VALUE))),
        max_size=12,
    )
)
def test_a_journal_of_any_content_still_assembles(ended_abruptly, tmp_path, lines):
    extra = "".join(json.dumps({"kind": kind, **facts}) + "\n" for kind, facts in lines).encode()
    copy = damaged(ended_abruptly, tmp_path / "1", JOURNAL, lambda data: data.replace(b"\n", b"\n" + extra, 1) + extra)

    epoch = epoch_in(copy)
    assembly = assemble([epoch])

    for pieces in (assembly.counselor, assembly.caller):
        assert all(piece.samples > 0 for piece in pieces)
        assert all(one.end <= next_one.at for one, next_one in zip(pieces, pieces[1:], strict=False))
    next(assembly.blocks(), None)


def test_torn_lines_and_samples_cost_only_themselves(ended_abruptly, tmp_path):
    copy = damaged(ended_abruptly, tmp_path / "1", JOURNAL, lambda data: data[:-5])
    with (copy / MICROPHONE).open("ab") as file:
        file.write(b"\x01")

    epoch = epoch_in(copy)

    assert not epoch.is_closed
    assert sum(piece.samples for piece in epoch.counselor) == 6 * RATE
    assert sum(piece.samples for piece in epoch.caller) == 2 * RATE


def test_a_long_recording_is_read_in_small_parts(tmp_path):
    call = Call(tmp_path / "1")
    call.at(0.02).hear(counting(0, 480), 0)
    for second in range(600):
        call.spool.speak(second + 1, 0, counting(0, 480))
        call.at(second + 1).played(second + 1, 480, (second + 1) * RATE, True)
    with (call.folder / MICROPHONE).open("r+b") as file:
        file.truncate(600 * RATE * 2)

    tracemalloc.start()
    try:
        assembly = call.assembly()
        length = sum(len(block) for block in assembly.blocks())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert length == 600 * RATE * 4
    assert peak < 2_000_000
