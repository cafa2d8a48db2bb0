"""Spools damaged by a crash, a power cut, or a bad disk: the readable part is still a valid recording."""

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

from recordings.audio.assembly import assemble
from recordings.audio.spool import CALLER_FILE, JOURNAL_FILE, MICROPHONE_FILE, SAMPLE_RATE
from recordings.audio.wav_header import wav_header
from tests.recordings.simulated_call import (
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

TAIL = 4096  # bytes
STEP = 1 if IS_PROVE_RUN else 9
FILES = [MICROPHONE_FILE, CALLER_FILE, JOURNAL_FILE]


@pytest.fixture(scope="module")
def complete_spool(tmp_path_factory):
    """Return the spool folder of a call whose journal holds every kind of entry."""
    call = SimulatedCall(tmp_path_factory.mktemp("abrupt") / "1")
    send_frames(call, SimulatedNetwork(), microphone_frames(2))
    send_frames(call, SimulatedNetwork(), microphone_frames(4, when=lambda sample: 4 + sample / SAMPLE_RATE))
    for item in (1, 2):
        call.spool.record_caller(item, 0, numbered_samples(0, SAMPLE_RATE))
        call.at(7 + item).record_playback(item, SAMPLE_RATE, (2 + item) * SAMPLE_RATE, True)
    call.spool.set_muted(True)
    call.spool.close()
    return call.folder


def copy_with_damage(folder: Path, to: Path, name: str, damage) -> Path:
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(folder, to)
    (to / name).write_bytes(damage((to / name).read_bytes()))
    return to


def assembled_length(folder):
    """Return the length in frames of the assembled file, after checking that the `wave` module accepts it."""
    assembly = assemble([read_epoch(folder)])
    data = wav_header(assembly.samples, 2, SAMPLE_RATE) + b"".join(interleaved_blocks(assembly))
    with wave.open(io.BytesIO(data)) as wav:
        assert len(wav.readframes(2**31)) == len(data) - 44
        assert (wav.getnframes(), wav.getnchannels()) == (assembly.samples, 2)
    return assembly.samples


@pytest.mark.timeout(1800 if IS_PROVE_RUN else 300)
@pytest.mark.parametrize("name", FILES)
def test_truncated_spool_still_assembles(complete_spool, tmp_path, name):
    whole = assembled_length(complete_spool)
    copy = copy_with_damage(complete_spool, tmp_path / "1", name, bytes)
    size = (copy / name).stat().st_size

    lengths = []
    for cut in range(1, min(TAIL, size) + 1, STEP):
        os.truncate(copy / name, size - cut)
        lengths.append(assembled_length(copy))

    assert len(lengths) == len(range(1, min(TAIL, size) + 1, STEP))
    assert max(lengths) <= whole
    # Only a journal cut back to its very first lines leaves no audio.
    assert min(lengths) > 0 or name == JOURNAL_FILE


@pytest.mark.timeout(1800 if IS_PROVE_RUN else 300)
@pytest.mark.parametrize("name", FILES)
def test_spool_with_flipped_byte_still_assembles(complete_spool, tmp_path, name):
    copy = copy_with_damage(complete_spool, tmp_path / "1", name, bytes)
    path = copy / name
    data = path.read_bytes()
    rng = random.Random(name)

    places = range(1, min(TAIL, len(data)) + 1, STEP)
    lengths = []
    for place in places:
        damaged = bytearray(data)
        damaged[-place] ^= rng.randrange(1, 256)
        path.write_bytes(damaged)
        lengths.append(assembled_length(copy))

    assert len(lengths) == len(places)
    assert min(lengths) >= 0


class PowerCutDisk:
    """A disk that remembers how many bytes of each file were safe at the last sync."""

    def __init__(self, call: SimulatedCall) -> None:
        self.call = call
        self.safe = dict.fromkeys(FILES, 0)

    def sync(self) -> None:
        # Bytes written during the sync may be safe too; only those written before it certainly are.
        sizes = {name: (self.call.folder / name).stat().st_size for name in FILES}
        self.call.spool.sync()
        self.safe = sizes

    def cut_power(self, rng: random.Random) -> None:
        """Cut each file back to its safe length and append up to TAIL bytes of zeros, garbage, or nothing."""
        for name, safe in self.safe.items():
            path = self.call.folder / name
            torn = rng.randrange(0, TAIL)
            path.write_bytes(path.read_bytes()[:safe] + rng.choice([bytes(torn), rng.randbytes(torn), b""]))


@pytest.mark.parametrize("seed", range(40 if IS_PROVE_RUN else 6))
def test_power_cut_loses_at_most_one_second(tmp_path, seed):
    rng = random.Random(seed)
    call = SimulatedCall(tmp_path / "1")
    disk = PowerCutDisk(call)
    call.spool.record_caller(1, 0, numbered_samples(0, 20 * SAMPLE_RATE))
    disk.sync()
    end = rng.uniform(3, 9)
    synced = 0.0
    for sent, index, samples in microphone_frames(end):
        call.at(sent).record_microphone(numbered_samples(index, samples), index)
        if index % (SAMPLE_RATE // 5) == 0:
            call.spool.record_playback(1, index + samples, index + samples, False)
        if sent - synced >= 1.0:
            disk.sync()
            synced = sent
    disk.cut_power(rng)
    call.spool.close()

    left, right = channels(assemble([read_epoch(call.folder)]))
    safe = round((end - 1.0) * SAMPLE_RATE)
    assert left[:safe].tobytes() == numbered_samples(0, safe)
    assert right[: safe - SAMPLE_RATE // 5].tobytes() == numbered_samples(0, safe - SAMPLE_RATE // 5)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from([MICROPHONE_FILE, CALLER_FILE, JOURNAL_FILE]), at=st.floats(0, 1), junk=st.binary(max_size=40)
)
def test_spool_with_junk_tail_still_assembles(complete_spool, tmp_path, name, at, junk):
    copy = copy_with_damage(complete_spool, tmp_path / "1", name, lambda data: data[: round(at * len(data))] + junk)

    assert assembled_length(copy) >= 0


VALUE = st.one_of(st.integers(-(2**70), 2**70), st.floats(), st.booleans(), st.none(), st.text(max_size=3))
KINDS = ["header", "microphone", "shift", "caller", "played", "mute", "failed", "closed", "other"]
FIELDS = ["version", "wall", "rate", "offset", "at", "by", "item", "index", "samples", "final", "reason"]
SMALL = st.integers(0, 3 * SAMPLE_RATE)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.sampled_from(KINDS), st.dictionaries(st.sampled_from(FIELDS), st.one_of(SMALL, VALUE))),
        max_size=12,
    )
)
def test_journal_of_any_content_still_assembles(complete_spool, tmp_path, lines):
    extra = "".join(json.dumps({"kind": kind, **fields}) + "\n" for kind, fields in lines).encode()
    copy = copy_with_damage(
        complete_spool, tmp_path / "1", JOURNAL_FILE, lambda data: data.replace(b"\n", b"\n" + extra, 1) + extra
    )

    epoch = read_epoch(copy)
    assembly = assemble([epoch])

    for pieces in (assembly.counselor, assembly.caller):
        assert all(piece.samples > 0 for piece in pieces)
        assert all(one.end <= next_one.at for one, next_one in zip(pieces, pieces[1:], strict=False))
    next(interleaved_blocks(assembly), None)


def test_incomplete_last_line_and_sample_are_ignored(complete_spool, tmp_path):
    copy = copy_with_damage(complete_spool, tmp_path / "1", JOURNAL_FILE, lambda data: data[:-5])
    with (copy / MICROPHONE_FILE).open("ab") as file:
        file.write(b"\x01")

    epoch = read_epoch(copy)

    assert not epoch.is_closed
    assert sum(piece.samples for piece in epoch.counselor) == 6 * SAMPLE_RATE
    assert sum(piece.samples for piece in epoch.caller) == 2 * SAMPLE_RATE
