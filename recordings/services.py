import hashlib
import logging
import shutil
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

from django.conf import settings
from django.core.files import File
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from recordings.assembly import Assembly, EpochSpool, assemble
from recordings.microphone import RATE
from recordings.models import Recording, RecordingEpoch, spool_folder
from recordings.peaks import Peaks
from recordings.spool import Spool
from recordings.wav import wav_header
from training.models import Session
from training.services.lines import is_in_use

logger = logging.getLogger(__name__)

CHANNELS = 2


def begin_recording(session: Session, epoch: int, clock: Callable[[], float] = time.monotonic) -> Spool:
    """Record this hold of the call: its row, its epoch, and the spool that audio goes to."""
    with transaction.atomic():
        recording, _ = Recording.objects.get_or_create(session=session, organization_id=session.organization_id)
        RecordingEpoch.objects.create(
            recording=recording,
            organization_id=session.organization_id,
            number=epoch,
            started_at=timezone.now(),
        )
    # Its clock begins here: a database that took long to answer must not move what is heard.
    return Spool(spool_folder(session.pk, epoch), clock, time.time())


def epoch_begins_at(session: Session, epoch: int) -> int:
    """Samples from the beginning of the recording to that of an epoch, as assembling will place it."""
    epochs = RecordingEpoch.objects.filter(recording__session=session)
    starts = dict(epochs.values_list("number", "started_at"))
    return round((starts[epoch] - min(starts.values())).total_seconds() * RATE)


def finish_recordings() -> int:
    """Make files of the calls that are over and whose audio lies on this host. Return how many were finished."""
    root = Path(settings.SPOOL_DIR)
    folders = [folder.name for folder in root.iterdir() if folder.is_dir()] if root.exists() else []
    here = Recording.objects.filter(session_id__in=filter(_is_uuid, folders)).select_related("session")
    for done in here.filter(state__in=[Recording.State.COMPLETED, Recording.State.ABSENT]):
        shutil.rmtree(_folder(done), ignore_errors=True)  # a process was killed just before it could
    waiting = here.unfinished()
    return sum(_finish(recording) for recording in waiting if not is_in_use(recording.session))


def _is_uuid(name: str) -> bool:
    try:
        UUID(name)
    except ValueError:
        return False
    return True


def _finish(recording: Recording) -> bool:
    """Assemble, store, point to it, and only then remove the spool. What fails stays, to be tried again."""
    if not _claim(recording):
        return False
    try:
        folders = [epoch.spool for epoch in recording.epochs.all()]
        epochs = [EpochSpool(folder) for folder in folders if folder.exists()]
        whole = assemble(epochs)
        if whole.samples:
            _store(recording, whole, _shortfall(len(folders), epochs))
        else:
            reason = _shortfall(len(folders), epochs) or "nobody was heard"
            _close(recording, state=Recording.State.ABSENT, reason=reason)
    except Exception:  # each storage has its own kinds
        logger.exception("Recording not stored; it will be tried again", extra={"session_id": recording.session_id})
        return False
    shutil.rmtree(_folder(recording), ignore_errors=True)
    return True


def _folder(recording: Recording) -> Path:
    return Path(settings.SPOOL_DIR) / str(recording.session_id)


def _claim(recording: Recording) -> bool:
    """The conditional UPDATE is the lock; a claim older than the deadline belongs to a process that is gone."""
    now = timezone.now()
    lost = now - timedelta(seconds=settings.TASK_LOST_AFTER)
    free = Q(state=Recording.State.RECORDING) | Q(state=Recording.State.PROCESSING, touched_at__lt=lost)
    claimed = Recording.objects.filter(free, pk=recording.pk).update(state=Recording.State.PROCESSING, touched_at=now)
    recording.touched_at = now
    return bool(claimed)


def _shortfall(expected: int, epochs: list[EpochSpool]) -> str:
    """Why the recording is not whole; empty when it is."""
    if len(epochs) < expected:
        return "a part of the call was recorded on another host"
    if any(epoch.wall is None for epoch in epochs):
        return "the disk took nothing of a part of the call"
    return next((epoch.failure for epoch in epochs if epoch.failure), "")


def _store(recording: Recording, whole: Assembly, shortfall: str) -> None:
    # A name of its own: another process on this host may be at it, too, once this claim is too old.
    wav = _folder(recording) / f"{uuid4()}.wav"
    header = wav_header(whole.samples, CHANNELS, RATE)
    digest, peaks = hashlib.sha256(header), Peaks(whole.samples)
    with wav.open("wb") as file:
        file.write(header)
        for block in whole.blocks():
            file.write(block)
            digest.update(block)
            peaks.add(block)
    with wav.open("rb") as file:
        recording.file.save("recording.wav", File(file), save=False)
    _close(
        recording,
        state=Recording.State.PARTIAL if shortfall else Recording.State.COMPLETED,
        reason=shortfall,
        file=recording.file.name,
        duration_ms=whole.samples * 1000 // RATE,
        size=wav.stat().st_size,
        sha256=digest.hexdigest(),
        peaks=peaks.channels(),
    )


def _close(recording: Recording, **fields: object) -> None:
    """Only the claim that still stands may."""
    mine = Recording.objects.filter(pk=recording.pk, state=Recording.State.PROCESSING, touched_at=recording.touched_at)
    mine.update(**fields)
