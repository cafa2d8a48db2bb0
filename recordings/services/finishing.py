"""Makes one file of what the gateways shipped of a call. It reads the object store and nothing else, on any host.

However often it is asked, and wherever it is killed, there is one file and it appears once: the claim is a number in
the row, the file's key follows from what goes into it, and only the claim that still stands may point to the file.
"""

import hashlib
import logging
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import F, Q
from django.utils import timezone

from recordings.assembly import Assembly, EpochSpool, assemble
from recordings.microphone import RATE
from recordings.models import Recording, RecordingEpoch, recording_key
from recordings.objects import StoreAway, Upload
from recordings.peaks import Peaks
from recordings.segments import ShippedEpoch
from recordings.sources import SpoolSource
from recordings.speech import Loudness, Side, missing_sides
from recordings.storage import object_store
from recordings.wav import wav_header
from training.models import TranscriptTurn

logger = logging.getLogger(__name__)

CHANNELS = 2
RENEW_EVERY = 5.0  # seconds
FORMAT = b"wav-1"  # what a file looks like that is made of given audio; another one has another key
MOST_ATTEMPTS = 10  # that end for another reason than a store that is away: then a person has to look
HOST_LOST = "the host that recorded a part of the call was lost, with what it had not sent yet"


class Superseded(Exception):
    """Somebody else finishes this recording now, or it is to be made of more than this one knew."""


def finish_recording(recording_id: UUID) -> bool:
    """Make the file, if the recording is due and nobody is at it. Return whether it was finished by this one."""
    try:
        return _finish(recording_id)
    except StoreAway:
        return False


def sweep_recordings() -> int:
    """Finish what no message announced, and clear what a process was killed before clearing. Return how many."""
    finished = 0
    try:
        for pk in Recording.objects.finishable(*_deadlines()).values_list("pk", flat=True):
            finished += _finish(pk)
        for recording in Recording.objects.uncleared():
            clear_recording(recording)
    except StoreAway:
        pass  # all the others would wait for it in vain, and the workers with them
    return finished


def clear_recording(recording: Recording) -> None:
    """Remove what a finished recording was made of, and any other attempt at its file. Raises StoreAway."""
    recording.refresh_from_db()
    if not Recording.objects.uncleared().filter(pk=recording.pk).exists():
        return
    object_store().remove(recording.segments)
    object_store().remove(recording.folder, keep=recording.file.name or "")
    Recording.objects.filter(pk=recording.pk, fence=recording.fence).update(cleared_at=timezone.now())


def _finish(recording_id: UUID) -> bool:
    """The same, but StoreAway goes on to the caller, once the row says that it is to be tried again."""
    recording = _claim(recording_id)
    if recording is None:
        return False
    try:
        _make(recording)
    except Superseded:
        return False
    except Exception as error:
        # Whoever has it now may have removed what this one was reading.
        if _is_mine(recording):
            _put_off(recording, error)
            if isinstance(error, StoreAway):
                raise
        return False
    with suppress(StoreAway):  # a sweep does it later
        clear_recording(recording)
    return True


def _deadlines() -> tuple[datetime, datetime]:
    now = timezone.now()
    return now - timedelta(seconds=settings.HOST_LOST_AFTER), now - timedelta(seconds=settings.RECORDING_LOST_AFTER)


def _claim(recording_id: UUID) -> Recording | None:
    """The conditional UPDATE is the lock; a claim not renewed for a while belongs to a process that is gone."""
    due = Recording.objects.finishable(*_deadlines()).filter(pk=recording_id)
    if not due.exists():
        return None
    free = Q(state=Recording.State.RECORDING) | Q(touched_at__lt=_deadlines()[1])
    fence = Recording.objects.values_list("fence", flat=True).get(pk=recording_id)
    mine = Recording.objects.unfinished().filter(free, pk=recording_id, fence=fence)
    # Not through the join with its session: an UPDATE knows one table.
    claimed = Recording.objects.filter(pk__in=mine.values("pk"), fence=fence).update(
        state=Recording.State.PROCESSING, touched_at=timezone.now(), fence=F("fence") + 1, attempts=F("attempts") + 1
    )
    return Recording.objects.select_related("session").get(pk=recording_id) if claimed else None


def _renew(recording: Recording) -> float:
    """When it was done. Raises Superseded."""
    if not _is_mine(recording):
        raise Superseded
    return time.monotonic()


def _is_mine(recording: Recording) -> bool:
    """Renews the claim."""
    mine = Recording.objects.filter(pk=recording.pk, fence=recording.fence, state=Recording.State.PROCESSING)
    return bool(mine.update(touched_at=timezone.now()))


def _put_off(recording: Recording, error: Exception) -> None:
    """It will be tried again: the claim lapses. What keeps failing though the store is there, a person must see."""
    ids = {"session_id": recording.session_id}
    mine = Recording.objects.filter(pk=recording.pk, fence=recording.fence)
    if isinstance(error, StoreAway):
        logger.warning("Recording not stored; it will be tried again (%s)", error, extra=ids)
        mine.update(attempts=F("attempts") - 1)
    else:
        logger.error("Recording not finished", exc_info=error, extra=ids)
        if recording.attempts >= MOST_ATTEMPTS:
            mine.update(state=Recording.State.FAILED, reason="it could not be put together; its audio is kept")


def _make(recording: Recording) -> None:
    epochs = list(recording.epochs.select_related("recording").order_by("number"))
    with ExitStack() as opened:
        sources = [opened.enter_context(ShippedEpoch(object_store(), epoch.segments)) for epoch in epochs]
        for epoch, source in zip(epochs, sources, strict=True):
            there = [source.journal.size, source.microphone.size, source.caller.size]
            if epoch.sealed_at and there != epoch.sizes:
                raise LookupError("A sealed epoch is not in the store as it was")
        spools = [EpochSpool(source) for source in sources]
        whole = assemble(spools)
        shortfall = _shortfall(epochs, spools)
        if whole.samples:
            _store(recording, whole, recording_key(recording, f"{_fingerprint(epochs, sources)}.wav"), shortfall)
        else:
            _close(recording, state=Recording.State.ABSENT, reason=shortfall or "nobody was heard")


def _fingerprint(epochs: list[RecordingEpoch], sources: list[SpoolSource]) -> str:
    """The same for the same audio, so that any number who make the file at once write the same bytes to one place."""
    digest = hashlib.sha256(FORMAT)
    for epoch, source in zip(epochs, sources, strict=True):
        sizes = [source.journal.size, source.microphone.size, source.caller.size]
        digest.update(repr((epoch.number, sizes)).encode())
    return digest.hexdigest()[:32]


def _shortfall(epochs: list[RecordingEpoch], spools: list[EpochSpool]) -> str:
    """Why the recording is not whole; empty when it is."""
    if any(epoch.sealed_at is None for epoch in epochs):
        return HOST_LOST
    if any(spool.wall is None for spool in spools):
        return "the disk took nothing of a part of the call"
    return next((spool.failure for spool in spools if spool.failure), "")


@dataclass
class Written:
    """What was gathered while the file was written."""

    upload: Upload
    peaks: Peaks
    loudness: Loudness


def _store(recording: Recording, whole: Assembly, key: str, shortfall: str) -> None:
    written = _write(recording, whole, key)
    counselor, caller = written.loudness.seconds
    reason = shortfall or missing_sides(_sides(recording, counselor, caller))
    # If the claim is lost the file stays: it may be the very one that somebody else is about to point to.
    _close(
        recording,
        state=Recording.State.PARTIAL if reason else Recording.State.COMPLETED,
        reason=reason,
        file=key,
        duration_ms=whole.samples * 1000 // RATE,
        size=written.upload.size,
        sha256=written.upload.sha256,
        peaks=written.peaks.channels(),
        counselor_speech_ms=round(counselor * 1000),
        caller_speech_ms=round(caller * 1000),
    )


def _write(recording: Recording, whole: Assembly, key: str) -> Written:
    """A second at a time. Raises StoreAway unless the store holds all of it, proved."""
    upload = object_store().upload(key)
    written = Written(upload, Peaks(whole.samples), Loudness())
    try:
        upload.write(wav_header(whole.samples, CHANNELS, RATE))
        renewed = time.monotonic()
        for second in whole.seconds():
            upload.write(second.interleaved())
            written.peaks.add(second)
            written.loudness.add(second)
            if time.monotonic() - renewed > RENEW_EVERY:
                renewed = _renew(recording)
        _renew(recording)
        upload.complete()
    except BaseException:
        upload.abandon()
        raise
    return written


def _sides(recording: Recording, counselor: float, caller: float) -> list[Side]:
    """Only what was spoken: typed words are heard by nobody."""
    words = dict.fromkeys(TranscriptTurn.Role, 0)
    for turn in recording.session.turns.filter(source=TranscriptTurn.Source.SPOKEN, is_final=True):
        words[TranscriptTurn.Role(turn.role)] += len(turn.text_heard.split())
    return [
        Side("counselor", words[TranscriptTurn.Role.COUNSELOR], counselor),
        Side("caller", words[TranscriptTurn.Role.CALLER], caller),
    ]


def _close(recording: Recording, **fields: object) -> None:
    """Only the claim that still stands may. Raises Superseded."""
    mine = Recording.objects.filter(pk=recording.pk, state=Recording.State.PROCESSING, fence=recording.fence)
    if not mine.update(**fields, touched_at=timezone.now()):
        raise Superseded
