"""A gateway ships the spools on its disk whose calls are over, its own and those of a process that died."""

import logging
import shutil
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

from django.conf import settings

from recordings.models import Recording, RecordingEpoch, spool_folder
from recordings.objects import StoreAway
from recordings.services.deletion import note_removed
from recordings.services.epochs import seal_epoch, see_epochs
from recordings.shipping import Shipper
from recordings.spool import left_behind
from recordings.storage import object_store
from training.models import Session

logger = logging.getLogger(__name__)


def see_spools() -> None:
    """Tell the database which spools lie on this host."""
    see_epochs(_spools())


def ship_leftovers() -> int:
    """Ship what nobody writes to any more; remove what is not needed any more. Return how many epochs were sealed.

    While the store is away nothing is lost and everything is tried again the next time.
    """
    epochs = RecordingEpoch.objects.of(_spools()).select_related("recording")
    sealed = 0
    for epoch in epochs.order_by("started_at"):
        with left_behind(epoch.spool) as is_over:
            if not is_over:
                continue
            try:
                sealed += _ship(epoch)
            except (StoreAway, OSError) as error:
                ids = {"session_id": epoch.recording.session_id}
                logger.warning("Recording not shipped; it will be tried again (%s)", error, extra=ids)
                if isinstance(error, StoreAway):
                    break
    return sealed


def _ship(epoch: RecordingEpoch) -> bool:
    recording = epoch.recording
    if recording.state == Recording.State.DELETED:
        _remove_deleted(epoch)
        return False
    if epoch.sealed_at is None:
        return seal_epoch(epoch, Shipper(epoch.spool, object_store(), epoch.segments).seal())
    if recording.is_finished:
        _remove(epoch.spool)
    return False


def _remove_deleted(epoch: RecordingEpoch) -> None:
    """A copy that the deletion could not reach: it lies on this host."""
    size = sum(path.stat().st_size for path in epoch.spool.rglob("*") if path.is_file())
    _remove(epoch.spool)
    note_removed(epoch.recording, [{"what": "spool", "key": f"epoch {epoch.number}", "bytes": size}])


def _remove(spool: Path) -> None:
    shutil.rmtree(spool, ignore_errors=True)
    if spool.parent.exists() and not any(spool.parent.iterdir()):
        shutil.rmtree(spool.parent, ignore_errors=True)


def _spools() -> Iterator[tuple[UUID, int]]:
    """Session and epoch of every spool on this host. What else lies in its folder is nobody's business."""
    root = Path(settings.SPOOL_DIR)
    for folder in root.glob("*/*") if root.exists() else ():
        if folder.name.isdecimal() and _is_uuid(folder.parent.name) and folder.is_dir():
            yield UUID(folder.parent.name), int(folder.name)


def _is_uuid(name: str) -> bool:
    try:
        return str(UUID(name)) == name
    except ValueError:
        return False


def shipper_for(session: Session, number: int) -> Shipper:
    """For the spool of a call that begins now."""
    epoch = RecordingEpoch(recording=Recording(organization_id=session.organization_id, session=session), number=number)
    return Shipper(spool_folder(session.pk, number), object_store(), epoch.segments, is_new=True)
