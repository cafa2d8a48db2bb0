"""Spools on a disk that is full to the last byte: the recording must say that it is incomplete."""

import os
from errno import ENOSPC
from pathlib import Path

import pytest

from recordings.audio.failure_note import NOTE_FILE, FailureNote
from recordings.audio.spool import MICROPHONE_FILE, SpoolWriter, recover_spool
from recordings.audio.spool_buffer import SpoolBuffer
from tests.recordings.simulated_call import numbered_samples, read_epoch
from tests.recordings.test_spool_buffer import flush, open_spool, record

FRAMES = 150  # three seconds of audio, for which the disk has no room
NO_ROOM = "No space left on device"


def end_process(buffer: SpoolBuffer) -> None:
    """Release the buffer's memory as the end of its process would."""
    segments = buffer._used + [buffer._free.get() for _ in range(buffer._free.qsize())]
    for segment in segments:
        segment._memory.close()
        os.close(segment._fd)


def kill_writer(spool: SpoolWriter) -> None:
    """Close a spool's files as the end of its process would."""
    for file in spool._on_disk:
        file.close()


# A record takes 36 bytes, so these journals end before, near, and after the end of a block.
@pytest.mark.parametrize("records", [0, 100, 113, 114, 115, 116, 117, 118, 150])
@pytest.mark.parametrize("is_buffered", [True, False])
def test_full_disk_is_recorded_for_any_journal_length(small_disk, tmp_path, records, is_buffered):
    buffer = SpoolBuffer(tmp_path / "memory") if is_buffered else None
    spool = open_spool(small_disk, buffer)
    for number in range(records):
        spool.set_muted(number % 2 == 0)
    record(spool, 0, FRAMES)
    spool.close()
    if buffer:
        flush(buffer)
        buffer.close()

    kept = (spool.folder / MICROPHONE_FILE).read_bytes()
    assert read_epoch(spool.folder).failure == NO_ROOM
    assert 0 < len(kept) < FRAMES * 960
    assert kept == numbered_samples(0, FRAMES * 480)[: len(kept)]
    assert not (spool.folder / NOTE_FILE).exists()


@pytest.mark.parametrize("records", [0, 118])
@pytest.mark.parametrize("is_closing", [True, False])
def test_full_disk_is_recorded_after_a_kill_without_further_audio(small_disk, tmp_path, records, is_closing):
    buffer = SpoolBuffer(tmp_path / "memory")
    spool = open_spool(small_disk, buffer)
    for number in range(records):
        spool.set_muted(number % 2 == 0)
    record(spool, 0, FRAMES)
    flush(buffer)
    if is_closing:
        spool.close()
    end_process(buffer)
    kill_writer(spool)

    recovered = [recover_spool(spool.folder), recover_spool(spool.folder)]

    assert (recovered, read_epoch(spool.folder).failure) == ([True, True], NO_ROOM)
    assert not (spool.folder / NOTE_FILE).exists()


@pytest.mark.parametrize("records", [0, 118])
def test_full_disk_is_recorded_after_a_kill_without_buffer(small_disk, records):
    spool = open_spool(small_disk, None)
    for number in range(records):
        spool.set_muted(number % 2 == 0)
    record(spool, 0, FRAMES)
    kill_writer(spool)

    assert recover_spool(spool.folder) is True
    assert read_epoch(spool.folder).failure == NO_ROOM


def test_failure_waits_until_there_is_room_for_it(small_disk, monkeypatch):
    spool = open_spool(small_disk, None)
    record(spool, 0, FRAMES)
    kill_writer(spool)
    with monkeypatch.context() as other_calls:  # they take the space as soon as the note frees it
        other_calls.setattr("recordings.audio.spool._append_line", lambda journal, line: False)
        without_room = recover_spool(spool.folder)
    (spool.folder / MICROPHONE_FILE).unlink()

    assert (without_room, recover_spool(spool.folder)) == (False, True)
    assert read_epoch(spool.folder).failure == NO_ROOM
    assert not (spool.folder / NOTE_FILE).exists()


def test_note_that_cannot_be_written_in_place_says_that_the_disk_is_full(tmp_path, monkeypatch):
    note = FailureNote(tmp_path)
    note.reserve()
    blank = note.read()
    monkeypatch.setattr(os, "pwrite", refuse_to_write)
    note.write("Input/output error")

    assert (blank, FailureNote(tmp_path).read()) == ("", NO_ROOM)


def refuse_to_write(fd, data, offset):
    raise OSError(ENOSPC, os.strerror(ENOSPC))


def test_second_writer_of_a_folder_leaves_the_note_of_the_first(tmp_path):
    first, second = open_spool(tmp_path, None), open_spool(tmp_path, None)
    record(second, 0, 1)
    second.close()

    assert second.failure == "File exists"
    assert FailureNote(first.folder).read() == ""
    assert read_epoch(first.folder).failure is None


@pytest.mark.parametrize("is_buffered", [True, False])
def test_complete_recording_leaves_no_note(tmp_path, is_buffered):
    buffer = SpoolBuffer(tmp_path / "memory") if is_buffered else None
    spool = open_spool(tmp_path, buffer)
    size = (spool.folder / NOTE_FILE).stat().st_size
    record(spool, 0, 2)
    spool.close()
    if buffer:
        flush(buffer)
        buffer.close()

    assert size >= 4096
    assert sorted(path.name for path in spool.folder.iterdir()) == ["caller.pcm", "journal.jsonl", "microphone.pcm"]
    assert read_epoch(spool.folder).failure is None


def test_spool_of_an_earlier_version_has_no_note(tmp_path: Path):
    spool = open_spool(tmp_path, None)
    record(spool, 0, 2)
    (spool.folder / NOTE_FILE).unlink()
    kill_writer(spool)

    assert recover_spool(spool.folder) is True
    assert read_epoch(spool.folder).failure is None
