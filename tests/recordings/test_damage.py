"""A spool that a crash, a power cut or a bad disk has damaged: what can be read of it is a valid recording."""

import io
import json
import os
import random
import shutil
import wave
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recordings.assembly import assemble
from recordings.spool import CALLER, JOURNAL, MICROPHONE, RATE
from recordings.wav import wav_header
from tests.recordings.synthetic import (
    Call,
    Network,
    blocks_of,
    channels,
    counting,
    epoch_in,
    microphone_frames,
    speak_into,
)

IS_PROOF = bool(os.environ.get("STEADYLINE_PROVE"))
TAIL = 4096  # bytes
STEP = 1 if IS_PROOF else 9
FILES = [MICROPHONE, CALLER, JOURNAL]


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
    """In frames, of a file that another reader accepts."""
    assembly = assemble([epoch_in(folder)])
    data = wav_header(assembly.samples, 2, RATE) + b"".join(blocks_of(assembly))
    with wave.open(io.BytesIO(data)) as wav:
        assert len(wav.readframes(2**31)) == len(data) - 44
        assert (wav.getnframes(), wav.getnchannels()) == (assembly.samples, 2)
    return assembly.samples


@pytest.mark.timeout(1800 if IS_PROOF else 60)
@pytest.mark.parametrize("name", FILES)
def test_truncation_anywhere_near_the_end_leaves_a_valid_recording(ended_abruptly, tmp_path, name):
    whole = assembled_length(ended_abruptly)
    copy = damaged(ended_abruptly, tmp_path / "1", name, bytes)
    size = (copy / name).stat().st_size

    lengths = []
    for cut in range(1, min(TAIL, size) + 1, STEP):
        os.truncate(copy / name, size - cut)
        lengths.append(assembled_length(copy))

    assert len(lengths) == len(range(1, min(TAIL, size) + 1, STEP))
    assert max(lengths) <= whole
    # Only a journal that lost its very first lines tells of nothing.
    assert min(lengths) > 0 or name == JOURNAL


@pytest.mark.timeout(1800 if IS_PROOF else 60)
@pytest.mark.parametrize("name", FILES)
def test_a_flipped_byte_anywhere_near_the_end_leaves_a_valid_recording(ended_abruptly, tmp_path, name):
    copy = damaged(ended_abruptly, tmp_path / "1", name, bytes)
    path = copy / name
    data = path.read_bytes()
    chance = random.Random(name)

    places = range(1, min(TAIL, len(data)) + 1, STEP)
    lengths = []
    for place in places:
        bad = bytearray(data)
        bad[-place] ^= chance.randrange(1, 256)
        path.write_bytes(bad)
        lengths.append(assembled_length(copy))

    assert len(lengths) == len(places)
    assert min(lengths) >= 0


class Disk:
    """Remembers how much of each file was safe when it was last synced."""

    def __init__(self, call: Call) -> None:
        self.call = call
        self.safe = dict.fromkeys(FILES, 0)

    def sync(self) -> None:
        # What is written while the disk is at it may be safe, too; what was there before, certainly is.
        sizes = {name: (self.call.folder / name).stat().st_size for name in FILES}
        self.call.spool.sync()
        self.safe = sizes

    def cut_power(self, chance: random.Random) -> None:
        """Each file ends where it was safe, or a little later, in what may be anything."""
        for name, safe in self.safe.items():
            path = self.call.folder / name
            torn = chance.randrange(0, TAIL)
            path.write_bytes(path.read_bytes()[:safe] + chance.choice([bytes(torn), chance.randbytes(torn), b""]))


@pytest.mark.parametrize("seed", range(40 if IS_PROOF else 6))
def test_a_power_cut_costs_a_second_at_most(tmp_path, seed):
    chance = random.Random(seed)
    call = Call(tmp_path / "1")
    disk = Disk(call)
    call.spool.speak(1, 0, counting(0, 20 * RATE))
    disk.sync()
    end = chance.uniform(3, 9)
    synced = 0.0
    for sent, index, samples in microphone_frames(end):
        call.at(sent).hear(counting(index, samples), index)
        if index % (RATE // 5) == 0:
            call.spool.played(1, index + samples, index + samples, False)
        if sent - synced >= 1.0:
            disk.sync()
            synced = sent
    disk.cut_power(chance)
    call.spool.close()

    left, right = channels(assemble([epoch_in(call.folder)]))
    safe = round((end - 1.0) * RATE)
    assert left[:safe].tobytes() == counting(0, safe)
    assert right[: safe - RATE // 5].tobytes() == counting(0, safe - RATE // 5)


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
    next(blocks_of(assembly), None)


def test_torn_lines_and_samples_cost_only_themselves(ended_abruptly, tmp_path):
    copy = damaged(ended_abruptly, tmp_path / "1", JOURNAL, lambda data: data[:-5])
    with (copy / MICROPHONE).open("ab") as file:
        file.write(b"\x01")

    epoch = epoch_in(copy)

    assert not epoch.is_closed
    assert sum(piece.samples for piece in epoch.counselor) == 6 * RATE
    assert sum(piece.samples for piece in epoch.caller) == 2 * RATE
