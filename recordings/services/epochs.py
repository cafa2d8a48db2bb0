"""What a gateway tells of the recordings it makes: that one begins, that its spool is there, that it is shipped."""

import time
from collections.abc import Callable, Iterable, Sequence
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from recordings import tasks
from recordings.consent import TEXTS, digest_of
from recordings.microphone import RATE
from recordings.models import Recording, RecordingConsent, RecordingEpoch, spool_folder
from recordings.spool import Spool
from training.models import Session


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


def agree_to_recording(session: Session, text_version: str) -> None:
    """The counselor asked for this call to be recorded, having read these words. What was agreed first stands."""
    is_known = text_version in TEXTS
    RecordingConsent.objects.get_or_create(
        session=session,
        defaults={
            "organization_id": session.organization_id,
            "user_id": session.counselor_id,
            "text_version": text_version if is_known else "",
            "text_sha256": digest_of(text_version) if is_known else "",
        },
    )


def epoch_begins_at(session: Session, epoch: int) -> int:
    """Samples from the beginning of the recording to that of an epoch, as assembling will place it."""
    epochs = RecordingEpoch.objects.filter(recording__session=session)
    starts = dict(epochs.values_list("number", "started_at"))
    return round((starts[epoch] - min(starts.values())).total_seconds() * RATE)


def see_epochs(epochs: Iterable[tuple[UUID, int]]) -> None:
    """Say that the spools of these lie on a host that is alive: what is not in the store yet is still to come."""
    RecordingEpoch.objects.of(epochs).filter(sealed_at__isnull=True).update(seen_at=timezone.now())


def seal_epoch(epoch: RecordingEpoch, sizes: Sequence[int]) -> bool:
    """All of it is in the store. A recording that was finished without it is finished again, with it.

    False when it was sealed before.
    """
    with transaction.atomic():
        unsealed = RecordingEpoch.objects.filter(pk=epoch.pk, sealed_at__isnull=True)
        if not unsealed.update(sealed_at=timezone.now(), sizes=list(sizes)):
            return False
        # Whoever is finishing it just now does so without this epoch: their claim is void.
        recordings = Recording.objects.filter(pk=epoch.recording_id).kept()
        recordings.exclude(state=Recording.State.FAILED).update(
            state=Recording.State.RECORDING, fence=F("fence") + 1, attempts=0, cleared_at=None
        )
        transaction.on_commit(lambda: tasks.finish_recording.delay(str(epoch.recording_id)), robust=True)
    return True
