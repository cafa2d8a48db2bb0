"""Upload of the spools of ended calls on a gateway's host, including those of processes that died."""

import logging
import os
import shutil
from collections.abc import Iterator
from errno import EACCES
from hashlib import sha256
from pathlib import Path
from uuid import UUID

from django.conf import settings

from accounts.services.ownership import may_delete
from accounts.web.identifiers import is_uuid
from recordings.audio.buffer_recovery import remove_unused_buffers
from recordings.audio.spool import recover_spool, try_lock_spool
from recordings.audio.spool_buffer import SpoolBuffer
from recordings.audio.spool_uploader import SpoolUploader
from recordings.models import Recording, RecordingEpoch, spool_folder
from recordings.object_store import StoreUnavailableError
from recordings.services.deletion import record_removed_copies
from recordings.services.epochs import mark_epochs_seen, seal_epoch
from recordings.storage import object_store
from training.models import Session

logger = logging.getLogger(__name__)


def mark_spools_seen() -> None:
    """Record in the database which spools are on this host."""
    mark_epochs_seen(_find_spools())


def upload_closed_spools() -> int:
    """Upload spools without a writer and remove spools that are no longer needed. Return the number of sealed epochs.

    If the store is unavailable, nothing is lost, and the next run retries everything.
    """
    epochs = RecordingEpoch.objects.for_keys(_find_spools()).select_related("recording")
    sealed = 0
    for epoch in epochs.order_by("started_at"):
        with try_lock_spool(epoch.spool_path) as has_no_writer:
            if not has_no_writer:
                continue
            try:
                # A dying process may release the lock a moment before it releases the buffer.
                if recover_spool(epoch.spool_path):
                    sealed += _upload_epoch(epoch)
            except (StoreUnavailableError, OSError) as error:
                ids = {"session_id": epoch.recording.session_id}
                logger.warning("Recording not uploaded and will be retried (%s)", error, extra=ids)
                if isinstance(error, StoreUnavailableError):
                    break
    return sealed


def open_spool_buffer() -> SpoolBuffer | None:
    """Open this process's buffer and remove unused ones. Return None if there is no memory for it."""
    if not settings.SPOOL_BUFFER_DIR:
        return None
    # Each spool folder has its own, because a buffer unused here may be in use by another installation on this host.
    spools = Path(settings.SPOOL_DIR).resolve()
    root = Path(settings.SPOOL_BUFFER_DIR) / f"steadyline-{os.getuid()}-{sha256(os.fsencode(spools)).hexdigest()[:12]}"
    try:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        if root.stat().st_uid != os.getuid():
            raise PermissionError(EACCES, "the folder belongs to someone else")
        remove_unused_buffers(root, spools)
        return SpoolBuffer(root)
    except OSError as error:
        logger.warning("Audio is written straight to the disk: no shared memory in %s (%s)", root, error.strerror)
        return None


def _upload_epoch(epoch: RecordingEpoch) -> bool:
    recording = epoch.recording
    if recording.state == Recording.State.DELETED:
        if may_delete("spools"):
            _remove_deleted_spool(epoch)
        return False
    if epoch.sealed_at is None:
        return seal_epoch(epoch, SpoolUploader(epoch.spool_path, object_store(), epoch.segment_prefix).seal())
    if recording.is_finished and may_delete("spools"):
        _remove_spool(epoch.spool_path)
    return False


def _remove_deleted_spool(epoch: RecordingEpoch) -> None:
    """Remove the spool of a deleted recording and record it as a deleted copy. Workers cannot access this disk."""
    size = sum(path.stat().st_size for path in epoch.spool_path.rglob("*") if path.is_file())
    _remove_spool(epoch.spool_path)
    record_removed_copies(epoch.recording, [{"what": "spool", "key": f"epoch {epoch.number}", "bytes": size}])


def _remove_spool(spool: Path) -> None:
    shutil.rmtree(spool, ignore_errors=True)
    if spool.parent.exists() and not any(spool.parent.iterdir()):
        shutil.rmtree(spool.parent, ignore_errors=True)


def _find_spools() -> Iterator[tuple[UUID, int]]:
    """Yield the session id and epoch of every spool on this host. Ignore anything else in the folder."""
    root = Path(settings.SPOOL_DIR)
    for folder in root.glob("*/*") if root.exists() else ():
        if folder.name.isdecimal() and _is_session_id(folder.parent.name) and folder.is_dir():
            yield UUID(folder.parent.name), int(folder.name)


def _is_session_id(name: str) -> bool:
    return is_uuid(name) and str(UUID(name)) == name


def create_uploader(session: Session, number: int) -> SpoolUploader:
    """Create the uploader for the spool of a call that starts now."""
    epoch = RecordingEpoch(recording=Recording(organization_id=session.organization_id, session=session), number=number)
    return SpoolUploader(spool_folder(session.pk, number), object_store(), epoch.segment_prefix, is_new=True)
