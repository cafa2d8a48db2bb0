"""Spools behind a buffer in shared memory: flushes, kills, slow and full disks, and cleanup."""

import os
import random
import subprocess
import sys
import threading
from errno import ENOSPC

import pytest

from recordings.audio import buffer_recovery
from recordings.audio.append_only_file import AppendOnlyFile
from recordings.audio.buffer_recovery import remove_unused_buffers
from recordings.audio.spool import CALLER_FILE, JOURNAL_FILE, MICROPHONE_FILE, SAMPLE_RATE, SpoolWriter, recover_spool
from recordings.audio.spool_buffer import MARKER_FILE, SpoolBuffer
from tests.recordings.simulated_call import ManualClock, numbered_samples, read_epoch
from tests.support.prove_run import IS_PROVE_RUN

FILES = [MICROPHONE_FILE, CALLER_FILE, JOURNAL_FILE]
FRAME = 480


@pytest.fixture
def root(tmp_path):
    return tmp_path / "memory"


@pytest.fixture
def buffer(root):
    buffer = SpoolBuffer(root, segment_bytes=64 * 1024, max_segments=4)
    yield buffer
    buffer.close()


@pytest.fixture
def spools(tmp_path):
    return tmp_path / "spools"


def open_spool(spools, buffer, session="call", epoch="1"):
    return SpoolWriter(spools / session / epoch, ManualClock(), 0.0, buffer)


def record(spool, first, frames):
    for number in range(first, first + frames):
        spool.record_microphone(numbered_samples(number * FRAME, FRAME), number * FRAME)


def flush(buffer):
    batch = buffer.take_batch()
    if batch:
        buffer.write(batch)


def fill_disk(spool):
    """Let writes of the microphone fail as on a full disk."""
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, spool._on_disk[0]._fd)
    os.close(full)


def contents(folder):
    return {name: (folder / name).read_bytes() for name in FILES}


def test_flush_writes_what_direct_writes_would(buffer, spools):
    buffered, direct = open_spool(spools, buffer), open_spool(spools, None, "direct")

    for spool in (buffered, direct):
        record(spool, 0, 30)
        spool.record_caller(1, 0, numbered_samples(0, 960))
        record(spool, 40, 10)
        spool.record_playback(1, 960, 960, True)
        spool.close()
    flush(buffer)

    assert contents(buffered.folder) == contents(direct.folder)
    assert not (buffered.folder / MARKER_FILE).exists()


def test_safe_sizes_are_those_of_the_last_flush(buffer, spools):
    spool = open_spool(spools, buffer)
    record(spool, 0, 10)
    before = spool.safe_sizes
    flush(buffer)
    record(spool, 10, 10)

    journal = (spool.folder / JOURNAL_FILE).stat().st_size
    assert before == (0, 0, 0)
    assert spool.safe_sizes == (journal, 10 * 2 * FRAME, 0)


def test_first_flush_syncs_a_new_spool_that_holds_only_its_header(buffer, spools, monkeypatch):
    synced = []
    monkeypatch.setattr("recordings.audio.spool_buffer.sync_folder", synced.append)
    spool = open_spool(spools, buffer)

    flush(buffer)

    assert spool.safe_sizes == ((spool.folder / JOURNAL_FILE).stat().st_size, 0, 0)
    assert synced == [spool.folder, spool.folder.parent]
    assert buffer.take_batch() is None


def test_closed_spool_takes_no_more_audio(buffer, spools):
    spool = open_spool(spools, buffer)
    record(spool, 0, 5)
    spool.close()
    record(spool, 5, 5)
    flush(buffer)
    record(spool, 10, 5)
    flush(buffer)

    assert (spool.folder / MICROPHONE_FILE).stat().st_size == 5 * 2 * FRAME
    assert read_epoch(spool.folder).is_closed


WRITE_UNTIL_KILLED = """
import sys
from pathlib import Path
from recordings.audio.spool_buffer import SpoolBuffer
from tests.recordings.test_spool_buffer import flush, open_spool, record

buffer = SpoolBuffer(Path(sys.argv[1]), segment_bytes=64 * 1024, max_segments=4)
spools = [open_spool(Path(sys.argv[2]), buffer, name) for name in ("one", "two")]
for number in range(10**6):
    for spool in spools:
        record(spool, number, 1)
    if number % 7 == 0:
        flush(buffer)
    print(number, flush=True)
"""


@pytest.mark.parametrize("seed", range(12 if IS_PROVE_RUN else 1))
def test_killed_process_loses_no_recorded_frame(root, spools, seed):
    program = [sys.executable, "-c", WRITE_UNTIL_KILLED, str(root), str(spools)]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout
        for _ in range(random.Random(seed).randrange(1, 400)):
            last = int(writer.stdout.readline())
        writer.kill()

    recovered = [recover_spool(spools / name / "1") for name in ("one", "two")]
    again = [recover_spool(spools / name / "1") for name in ("one", "two")]
    remove_unused_buffers(root, spools)

    audio = [(spools / name / "1" / MICROPHONE_FILE).read_bytes() for name in ("one", "two")]
    assert (recovered, again) == ([True, True], [True, True])
    assert all(len(data) >= (last + 1) * 2 * FRAME for data in audio)
    assert all(data == numbered_samples(0, len(data) // 2) for data in audio)
    assert list(root.iterdir()) == []


def test_recovery_waits_for_a_running_process(buffer, spools):
    spool = open_spool(spools, buffer)
    record(spool, 0, 3)

    assert recover_spool(spool.folder) is False
    assert (spool.folder / MARKER_FILE).exists()


def test_recovery_without_the_memory_keeps_what_the_disk_has(root, spools):
    buffer = SpoolBuffer(root)
    spool = open_spool(spools, buffer)
    record(spool, 0, 3)
    flush(buffer)
    kept = contents(spool.folder)
    buffer.close()  # as after a power cut, which empties the memory

    assert recover_spool(spool.folder) is True
    assert contents(spool.folder) == kept


def test_recovery_on_a_full_disk_keeps_the_beginning_and_says_why(root, spools, monkeypatch):
    buffer = SpoolBuffer(root)
    spool = open_spool(spools, buffer)
    record(spool, 0, 3)
    flush(buffer)
    record(spool, 3, 3)
    for segment in buffer._used:  # as after a kill
        segment._memory.close()
        os.close(segment._fd)
    monkeypatch.setattr(buffer_recovery, "_append_missing", refuse_audio)
    recovered = recover_spool(spool.folder)

    epoch = read_epoch(spool.folder)
    assert (recovered, epoch.failure) == (True, "No space left on device")
    assert (spool.folder / MICROPHONE_FILE).read_bytes() == numbered_samples(0, 3 * FRAME)


def refuse_audio(path, offset, data):
    if path.name == MICROPHONE_FILE:
        raise OSError(ENOSPC, os.strerror(ENOSPC))


def test_buffers_in_use_are_not_removed(root, buffer, spools):
    spool = open_spool(spools, buffer)
    record(spool, 0, 3)

    remove_unused_buffers(root, spools)
    flush(buffer)

    assert (spool.folder / MICROPHONE_FILE).stat().st_size == 3 * 2 * FRAME
    assert list(root.iterdir()) == [buffer.folder]


def test_full_memory_waits_for_the_disk_and_loses_nothing(buffer, spools):
    spool = open_spool(spools, buffer)

    record(spool, 0, 1000)  # 15 times the memory, without a flush in between
    flush(buffer)

    assert (spool.folder / MICROPHONE_FILE).read_bytes() == numbered_samples(0, 1000 * FRAME)


def test_audio_that_arrives_during_a_slow_write_is_kept_in_order(buffer, spools, monkeypatch):
    spool = open_spool(spools, buffer)
    has_begun, may_go_on = threading.Event(), threading.Event()
    append = AppendOnlyFile.append

    def slow_append(file, data):
        has_begun.set()
        may_go_on.wait(60)
        return append(file, data)

    monkeypatch.setattr(AppendOnlyFile, "append", slow_append)
    record(spool, 0, 20)
    writing = threading.Thread(target=buffer.write, args=[buffer.take_batch()])
    writing.start()
    assert has_begun.wait(60)
    record(spool, 20, 20)
    may_go_on.set()
    writing.join()
    flush(buffer)

    assert (spool.folder / MICROPHONE_FILE).read_bytes() == numbered_samples(0, 40 * FRAME)


def test_failed_write_ends_only_its_own_spool(buffer, spools):
    broken, sound = open_spool(spools, buffer, "broken"), open_spool(spools, buffer, "sound")
    fill_disk(broken)
    record(broken, 0, 2)
    record(sound, 0, 2)
    flush(buffer)
    record(broken, 2, 2)
    flush(buffer)

    assert (broken.failure, sound.failure) == ("No space left on device", None)
    assert '"failed"' in (broken.folder / JOURNAL_FILE).read_text()
    assert (sound.folder / MICROPHONE_FILE).read_bytes() == numbered_samples(0, 2 * FRAME)


def test_failure_of_the_last_write_is_recorded(buffer, spools):
    spool = open_spool(spools, buffer)
    record(spool, 0, 2)
    fill_disk(spool)
    spool.close()
    flush(buffer)

    assert read_epoch(spool.folder).failure == "No space left on device"


def test_memory_that_cannot_be_had_is_refused_at_once(tmp_path):
    with pytest.raises(OSError):
        SpoolBuffer(tmp_path / "memory", segment_bytes=2**62)

    assert list((tmp_path / "memory").iterdir()) == []


def test_segments_are_reused(root, buffer, spools):
    spool = open_spool(spools, buffer)

    for second in range(30):
        record(spool, second * 50, 50)
        flush(buffer)

    assert len(list(buffer.folder.iterdir())) <= 2
    assert (spool.folder / MICROPHONE_FILE).stat().st_size == 30 * SAMPLE_RATE * 2
