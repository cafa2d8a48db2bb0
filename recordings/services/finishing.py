"""Assembly of a call's uploaded audio into one file, on any host. The audio comes from the object store only.

Exactly one file is published, however often this runs and whenever it is killed: a worker claims the row with a lease,
the file's key is derived from its content, and only a worker with a valid claim can point the row to the file.
"""

import hashlib
import logging
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext_noop

from accounts.services.leases import keep_claimed
from accounts.services.ownership import may_delete
from recordings.audio.assembly import Assembly, EpochTimeline, assemble
from recordings.audio.microphone_clock import SAMPLE_RATE
from recordings.audio.peaks import Peaks
from recordings.audio.segments import UploadedEpoch
from recordings.audio.speech_coverage import SpeakerCoverage, SpeechMeter, missing_speakers
from recordings.audio.spool_sources import SpoolSource
from recordings.audio.wav_header import wav_header
from recordings.models import Recording, RecordingEpoch, recording_key
from recordings.object_store import ObjectUpload, StoreUnavailableError
from recordings.storage import object_store
from training.models import TranscriptTurn

logger = logging.getLogger(__name__)

CHANNELS = 2
RENEW_CLAIM_EVERY = 5.0  # seconds
LONGEST_ASSEMBLY = 1560.0  # seconds, enough for an hour of audio over a slow connection
FORMAT_VERSION = b"wav-1"  # version of the output format; part of the file's key
MAX_ATTEMPTS = 10  # attempts before an operator must step in, not counting those made while the store is unavailable
# Reasons are stored in English and translated when they are shown: a worker has no current user.
HOST_LOST_REASON = gettext_noop("the server that recorded part of the call was lost before it uploaded all audio")
MISSING_SPEAKER_REASONS = {
    ("counselor",): gettext_noop("some of the counselor’s words in the transcript can’t be heard"),
    ("caller",): gettext_noop("some of the caller’s words in the transcript can’t be heard"),
    ("counselor", "caller"): gettext_noop("some of both speakers’ words in the transcript can’t be heard"),
}


class ClaimLostError(Exception):
    """Loss of the claim: another worker has the recording, an epoch was sealed, or the recording was deleted."""


def finish_recording(recording_id: UUID) -> bool:
    """Create the recording's file if it is due and unclaimed. Return True if this call finished it."""
    try:
        return _claim_and_finish(recording_id)
    except StoreUnavailableError:
        return False


def sweep_recordings() -> int:
    """Finish recordings whose task was lost, in turn by organization, and delete segments left by killed processes.

    Return the number of finished recordings.
    """
    finished = 0
    try:
        for pk in _each_in_turn():
            finished += _claim_and_finish(pk)
        leftovers = list(Recording.objects.with_leftover_segments())
        if leftovers and may_delete("segments"):
            for recording in leftovers:
                _delete_leftover_segments(recording)
    except StoreUnavailableError:
        pass  # the other recordings would fail in the same way, after waiting for the store
    return finished


def _each_in_turn() -> Iterator[UUID]:
    """Yield each waiting recording once. Query again each time, because other workers change whose turn it is."""
    limit = settings.ORGANIZATION_LIMITS["imports"]
    seen: set[UUID] = set()
    while True:
        waiting = Recording.objects.finishable().exclude(pk__in=seen).in_turn(limit)
        pk = next(iter(waiting.values_list("pk", flat=True)[:1]), None)
        if pk is None:
            return
        seen.add(pk)
        yield pk


def delete_segments(recording: Recording) -> None:
    """Delete a finished recording's segments and any other version of its file. May raise StoreUnavailableError."""
    if may_delete("segments"):
        _delete_leftover_segments(recording)


def _delete_leftover_segments(recording: Recording) -> None:
    recording.refresh_from_db()
    if not Recording.objects.with_leftover_segments().filter(pk=recording.pk).exists():
        return
    object_store().delete_prefix(recording.segment_prefix)
    object_store().delete_prefix(recording.key_prefix, keep=recording.file.name or "")
    Recording.objects.fenced(recording).update(cleared_at=timezone.now())


def _claim_and_finish(recording_id: UUID) -> bool:
    """Finish a recording like `finish_recording`, but raise StoreUnavailableError after putting it back."""
    recording = Recording.objects.finishable().claim(
        recording_id, settings.RECORDING_LOST_AFTER, state=Recording.State.PROCESSING
    )
    if recording is None:
        return False
    try:
        with keep_claimed(recording, settings.RECORDING_LOST_AFTER, LONGEST_ASSEMBLY):
            _assemble_recording(recording)
    except ClaimLostError:
        return False
    except Exception as error:
        # If the claim is lost, the error may only mean that the new holder deleted the segments.
        if _renew_claim(recording):
            _put_back_or_fail(recording, error)
            if isinstance(error, StoreUnavailableError):
                raise
        return False
    with suppress(StoreUnavailableError):  # a sweep deletes them later
        delete_segments(recording)
    return True


def _renew_or_raise(recording: Recording) -> float:
    """Renew the claim and return the monotonic time. Raise ClaimLostError if the claim is lost."""
    if not _renew_claim(recording):
        raise ClaimLostError
    return time.monotonic()


def _renew_claim(recording: Recording) -> bool:
    """Renew the claim. Return False if it is lost."""
    return bool(Recording.objects.fenced(recording).renew(settings.RECORDING_LOST_AFTER))


def _put_back_or_fail(recording: Recording, error: Exception) -> None:
    """Requeue the recording for a later retry. Mark it failed after `MAX_ATTEMPTS` attempts.

    Attempts that fail because the store is unavailable do not count.
    """
    ids = {"session_id": recording.session_id}
    claimed = Recording.objects.fenced(recording)
    if isinstance(error, StoreUnavailableError):
        logger.warning("Recording not stored and will be retried (%s)", error, extra=ids)
        claimed.put_back(settings.RECORDING_LOST_AFTER, refund=True)
        return
    logger.error("Recording not finished", exc_info=error, extra=ids)
    if recording.attempts >= MAX_ATTEMPTS:
        claimed.settle(
            state=Recording.State.FAILED, reason=gettext_noop("the audio is saved but could not be assembled")
        )
    else:
        claimed.put_back(settings.RECORDING_LOST_AFTER)


def _assemble_recording(recording: Recording) -> None:
    epochs = list(recording.epochs.select_related("recording").order_by("number"))
    with ExitStack() as stack:
        sources = [stack.enter_context(UploadedEpoch(object_store(), epoch.segment_prefix)) for epoch in epochs]
        for epoch, source in zip(epochs, sources, strict=True):
            stored_sizes = [source.journal.size, source.microphone.size, source.caller.size]
            if epoch.sealed_at and stored_sizes != epoch.sizes:
                raise LookupError("A sealed epoch has different file sizes in the store than when it was sealed.")
        spools = [EpochTimeline(source) for source in sources]
        assembly = assemble(spools)
        partial_reason = _partial_reason(epochs, spools)
        if assembly.samples:
            _build_file(
                recording, assembly, recording_key(recording, f"{_fingerprint(epochs, sources)}.wav"), partial_reason
            )
        else:
            _publish(
                recording, state=Recording.State.ABSENT, reason=partial_reason or gettext_noop("no audio was recorded")
            )


def _fingerprint(epochs: list[RecordingEpoch], sources: list[SpoolSource]) -> str:
    """Return a hash that is the same for the same audio, so that concurrent workers write the same bytes to one key."""
    digest = hashlib.sha256(FORMAT_VERSION)
    for epoch, source in zip(epochs, sources, strict=True):
        sizes = [source.journal.size, source.microphone.size, source.caller.size]
        digest.update(repr((epoch.number, sizes)).encode())
    return digest.hexdigest()[:32]


def _partial_reason(epochs: list[RecordingEpoch], spools: list[EpochTimeline]) -> str:
    """Return the reason why the recording is incomplete, or "" if it is complete."""
    if any(epoch.sealed_at is None for epoch in epochs):
        return HOST_LOST_REASON
    if any(spool.wall_time is None for spool in spools):
        return gettext_noop("part of the call could not be saved to disk")
    return next((spool.failure for spool in spools if spool.failure), "")


@dataclass
class WrittenFile:
    """Finished upload with the peaks and loudness measured while writing it."""

    upload: ObjectUpload
    peaks: Peaks
    loudness: SpeechMeter


def _build_file(recording: Recording, assembly: Assembly, key: str, partial_reason: str) -> None:
    written = _write_file(recording, assembly, key)
    counselor, caller = written.loudness.seconds
    missing = missing_speakers(_speaker_coverage(recording, counselor, caller))
    reason = partial_reason or MISSING_SPEAKER_REASONS.get(missing, "")
    # The file stays if the claim is lost: another worker may be about to point the row to the same key.
    _publish(
        recording,
        state=Recording.State.PARTIAL if reason else Recording.State.COMPLETED,
        reason=reason,
        file=key,
        duration_ms=assembly.samples * 1000 // SAMPLE_RATE,
        size=written.upload.size,
        sha256=written.upload.sha256,
        peaks=written.peaks.channels(),
        counselor_speech_ms=round(counselor * 1000),
        caller_speech_ms=round(caller * 1000),
    )


def _write_file(recording: Recording, assembly: Assembly, key: str) -> WrittenFile:
    """Write the file one second at a time. Raise StoreUnavailableError unless all of it is verified to be stored."""
    upload = object_store().start_upload(key)
    written = WrittenFile(upload, Peaks(assembly.samples), SpeechMeter())
    try:
        upload.write(wav_header(assembly.samples, CHANNELS, SAMPLE_RATE))
        renewed = time.monotonic()
        for block in assembly.one_second_blocks():
            upload.write(block.interleaved())
            written.peaks.add(block)
            written.loudness.add(block)
            if time.monotonic() - renewed > RENEW_CLAIM_EVERY:
                renewed = _renew_or_raise(recording)
        _renew_or_raise(recording)
        upload.complete()
    except BaseException:
        upload.abort()
        raise
    return written


def _speaker_coverage(recording: Recording, counselor: float, caller: float) -> list[SpeakerCoverage]:
    """Return the words and loud seconds of both speakers. Typed turns do not count, because they have no audio."""
    words = dict.fromkeys(TranscriptTurn.Role, 0)
    for turn in recording.session.turns.filter(source=TranscriptTurn.Source.SPOKEN, is_final=True):
        words[TranscriptTurn.Role(turn.role)] += len(turn.text_heard.split())
    return [
        SpeakerCoverage("counselor", words[TranscriptTurn.Role.COUNSELOR], counselor),
        SpeakerCoverage("caller", words[TranscriptTurn.Role.CALLER], caller),
    ]


def _publish(recording: Recording, **fields: object) -> None:
    """Settle the row under a valid claim. Raise ClaimLostError if the claim is lost."""
    if not Recording.objects.fenced(recording).settle(**fields):
        raise ClaimLostError
