"""Deletion of every copy of a recording, after its retention period or on request, with a record of the deleted copies.

First, the row becomes `deleted`, which ends playback and the claim of any worker that is finishing the recording.
Then the copies are deleted and listed. Later passes find copies that running processes have added.

A recording whose retention ended long ago should have been deleted then. Either its retention was shortened, or this
host's clock is wrong. It is recorded first and deleted after the reapers' grace period, so that people can act.
"""

import logging
from datetime import timedelta

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.services.ownership import may_delete
from accounts.services.reaping import reap
from recordings.models import Recording, RecordingDeletion
from recordings.object_store import StoredObject, StoreUnavailableError
from recordings.storage import object_store

logger = logging.getLogger(__name__)

# After this time, any process that worked on the recording has noticed the deletion or hit its time limit.
RECHECK_PERIOD = timedelta(hours=1)
REAPER = "expired recordings"
OVERDUE_AFTER = timedelta(days=2)  # from the end of the retention; the sweep runs every hour


class LegalHoldError(Exception):
    """Refusal to delete a recording that is under a legal hold."""


def delete_recording(
    recording: Recording,
    reason: RecordingDeletion.Reason = RecordingDeletion.Reason.REQUEST,
    by: User | None = None,
) -> RecordingDeletion:
    """Delete every copy of a recording. Raise LegalHoldError if it is under a legal hold.

    Raise PermissionDenied if `by` may not delete it.

    If the store is unavailable, or this database does not own it, playback still ends at once, and the sweep deletes
    the copies later.
    """
    visible = Recording.objects.filter(pk=recording.pk)
    if by is not None and not (by.has_perm("recordings.erase_recording") and visible.for_user(by).exists()):
        raise PermissionDenied(_("You don’t have permission to delete this recording."))
    deletion = _mark_deleted(recording, reason, by)
    try:
        if may_delete("requested deletions"):
            _delete_copies(deletion)
    except StoreUnavailableError as error:
        logger.warning("Recording not deleted yet (%s)", error, extra={"session_id": recording.session_id})
    return deletion


def sweep_retention() -> int:
    """Delete recordings past their retention and search for new copies of recently deleted ones.

    Return the number of newly deleted recordings. Ownership is checked again before each of them.
    """
    if not may_delete(REAPER, advance=True):
        return 0
    deleted = 0
    try:
        for deletion in RecordingDeletion.objects.filter(completed_at__isnull=True).select_related("recording"):
            if not may_delete(REAPER):
                return deleted
            _delete_copies(deletion)
        now = timezone.now()
        overdue = Recording.objects.past_retention(now - OVERDUE_AFTER)
        for recording in Recording.objects.past_retention(now).exclude(pk__in=overdue.values("pk")):
            if not may_delete(REAPER):
                return deleted
            deleted += _delete_expired(recording)
        keys = [str(pk) for pk in overdue.values_list("pk", flat=True)]
        deleted += reap(REAPER, keys, lambda: len(keys), _delete_overdue, is_all=True)[1]
    except StoreUnavailableError as error:
        logger.warning("Recordings not deleted yet (%s)", error)
    return deleted


def _delete_overdue(pk: str) -> int:
    """Delete a recording if its retention still ended long ago. Return 1 if it was deleted, otherwise 0."""
    overdue = Recording.objects.past_retention(timezone.now() - OVERDUE_AFTER).filter(pk=pk).first()
    return _delete_expired(overdue) if overdue else 0


def _delete_expired(recording: Recording) -> int:
    """Delete a recording. Return 1, or 0 if it was put on hold in the meantime."""
    try:
        _delete_copies(_mark_deleted(recording, RecordingDeletion.Reason.RETENTION))
    except LegalHoldError:
        return 0
    return 1


def _mark_deleted(recording: Recording, reason: RecordingDeletion.Reason, by: User | None = None) -> RecordingDeletion:
    with transaction.atomic():
        deletable = Recording.objects.not_deleted().filter(pk=recording.pk, is_held=False)
        is_marked = deletable.settle(state=Recording.State.DELETED, file="", peaks=[])
        if not is_marked and Recording.objects.filter(pk=recording.pk, is_held=True).exists():
            raise LegalHoldError
        peaks = [{"what": "peaks", "key": "", "bytes": 0}] if recording.peaks else []
        deletion, _is_new = RecordingDeletion.objects.get_or_create(
            recording=recording,
            defaults={
                "organization_id": recording.organization_id,
                "reason": reason,
                "requested_by": by,
                "removed": peaks,
            },
        )
    return deletion


def _delete_copies(deletion: RecordingDeletion) -> None:
    """Delete every object and its earlier versions. Raise StoreUnavailableError on failure; the sweep then retries."""
    recording = deletion.recording
    copies = [("segment", recording.segment_prefix), ("file", recording.key_prefix)]
    found = [_describe_copy(what, stored) for what, folder in copies for stored in object_store().delete_prefix(folder)]
    record_removed_copies(recording, found)
    if timezone.now() - deletion.deleted_at >= RECHECK_PERIOD:
        RecordingDeletion.objects.filter(pk=deletion.pk).update(completed_at=timezone.now())
    logger.info("Recording deleted, %d copies", len(found), extra={"session_id": recording.session_id})


def _describe_copy(what: str, found: StoredObject) -> dict[str, object]:
    return {"what": what, "key": found.key, "bytes": found.size}


@transaction.atomic
def record_removed_copies(recording: Recording, copies: list[dict[str, object]]) -> None:
    """Add copies to the record of a recording's deletion."""
    if copies:
        deletion = RecordingDeletion.objects.select_for_update().get(recording=recording)
        deletion.removed = [*deletion.removed, *copies]
        deletion.save(update_fields=["removed"])
