"""Epochs of a recording, which a gateway starts, marks as seen, and seals."""

import time
from collections.abc import Callable, Iterable, Sequence
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts.services.task_queue import queue_on_commit
from recordings import tasks
from recordings.audio.microphone_clock import SAMPLE_RATE
from recordings.audio.spool import SpoolWriter
from recordings.audio.spool_buffer import SpoolBuffer
from recordings.consent import CONSENT_TEXTS, consent_digest
from recordings.models import Recording, RecordingConsent, RecordingEpoch, spool_folder
from training.models import Session


def start_recording(
    session: Session, epoch: int, buffer: SpoolBuffer | None = None, clock: Callable[[], float] = time.monotonic
) -> SpoolWriter:
    """Start recording an epoch of the call: create its rows, and return the spool for its audio."""
    with transaction.atomic():
        recording, _ = Recording.objects.get_or_create(session=session, organization_id=session.organization_id)
        RecordingEpoch.objects.create(
            recording=recording,
            organization_id=session.organization_id,
            number=epoch,
            started_at=timezone.now(),
        )
    # Start the clock only now, so that a slow database does not shift the audio.
    return SpoolWriter(spool_folder(session.pk, epoch), clock, time.time(), buffer)


def record_consent(session: Session, text_version: str) -> None:
    """Record the counselor's consent to the recording, with the text's version. An earlier consent stays unchanged."""
    is_known = text_version in CONSENT_TEXTS
    RecordingConsent.objects.get_or_create(
        session=session,
        defaults={
            "organization_id": session.organization_id,
            "user_id": session.counselor_id,
            "text_version": text_version if is_known else "",
            "text_sha256": consent_digest(text_version) if is_known else "",
        },
    )


def epoch_offset_samples(session: Session, epoch: int) -> int:
    """Return the number of samples from the recording's start to an epoch's start, computed as in the assembly."""
    epochs = RecordingEpoch.objects.filter(recording__session=session)
    starts = dict(epochs.values_list("number", "started_at"))
    return round((starts[epoch] - min(starts.values())).total_seconds() * SAMPLE_RATE)


def mark_epochs_seen(epochs: Iterable[tuple[UUID, int]]) -> None:
    """Record that the spools of these epochs are on a live host, which will upload the rest."""
    RecordingEpoch.objects.for_keys(epochs).filter(sealed_at__isnull=True).update(seen_at=timezone.now())


def seal_epoch(epoch: RecordingEpoch, sizes: Sequence[int]) -> bool:
    """Seal an epoch that has been uploaded in full. Return False if it was already sealed.

    If the recording was finished without this epoch, it is finished again.
    """
    with transaction.atomic():
        unsealed = RecordingEpoch.objects.filter(pk=epoch.pk, sealed_at__isnull=True)
        if not unsealed.update(sealed_at=timezone.now(), sizes=list(sizes)):
            return False
        # This also ends the claim of a worker that is finishing the recording without this epoch.
        recordings = Recording.objects.filter(pk=epoch.recording_id).not_deleted()
        finishable = recordings.exclude(state=Recording.State.FAILED)
        finishable.requeue(state=Recording.State.RECORDING, cleared_at=None)
        queue_on_commit(tasks.finish_recording, str(epoch.recording_id))
    return True
