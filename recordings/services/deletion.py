"""Recordings are deleted when they were kept long enough, or somebody asks: every copy. What was deleted is written.

The row says `deleted` first: nobody can play it from then on, and whoever is finishing it has lost the claim. Copies go
next and are listed; a copy that a process under way puts there meanwhile is found by looking again.
"""

import logging
from collections.abc import Iterator
from datetime import timedelta
from itertools import groupby, islice
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from accounts.models import User
from recordings.models import Recording, RecordingDeletion
from recordings.objects import StoreAway, StoredObject
from recordings.storage import object_store

logger = logging.getLogger(__name__)

# By then a process that was at it when it was deleted has noticed, or was killed for taking too long.
LOOK_AGAIN_FOR = timedelta(hours=1)
ORPHANED_AFTER = timedelta(days=1)
AT_ONCE = 500  # sessions asked for in one query


class Held(Exception):
    """There is a legal hold on it."""


def delete_recording(
    recording: Recording,
    reason: RecordingDeletion.Reason = RecordingDeletion.Reason.REQUEST,
    by: User | None = None,
) -> RecordingDeletion:
    """Delete every copy. Raises Held. While the store is away it is out of reach at once and deleted by the sweep."""
    deletion = _condemn(recording, reason, by)
    try:
        _remove_copies(deletion)
    except StoreAway as error:
        logger.warning("Recording not deleted yet (%s)", error, extra={"session_id": recording.session_id})
    return deletion


def sweep_retention() -> int:
    """Delete what was kept long enough, and look again after what was deleted lately. Return how many."""
    deleted = 0
    try:
        for deletion in RecordingDeletion.objects.filter(completed_at__isnull=True).select_related("recording"):
            _remove_copies(deletion)
        for recording in Recording.objects.past_keeping(timezone.now()):
            try:
                _remove_copies(_condemn(recording, RecordingDeletion.Reason.RETENTION))
            except Held:  # it was put on hold just now
                continue
            deleted += 1
    except StoreAway as error:
        logger.warning("Recordings not deleted yet (%s)", error)
    return deleted


def remove_orphans() -> int:
    """What nobody points to: a process was killed, or came too late. Return how many objects.

    Uploads that were begun and never completed are no objects, but are kept and paid for.
    """
    removed = 0
    for prefix in ("recordings/", "spools/"):
        object_store().forget_uploads(prefix, timezone.now() - ORPHANED_AFTER)
        sessions = _by_session(prefix)
        while some := dict(islice(sessions, AT_ONCE)):
            known = Recording.objects.in_bulk(some, field_name="session_id")
            removed += sum(_remove_orphans(known.get(pk), objects) for pk, objects in some.items())
    return removed


def _remove_orphans(recording: Recording | None, objects: list[StoredObject]) -> int:
    """Of one session, unless something of it is new: then somebody may be at it."""
    if any(found.modified >= timezone.now() - ORPHANED_AFTER for found in objects):
        return 0
    if recording and not recording.is_settled:
        return 0
    keep = (recording.file.name or "") if recording else ""
    is_there = any(found.key != keep for found in objects)
    return len(object_store().remove(_folder(objects[0].key), keep=keep)) if is_there else 0


def _condemn(recording: Recording, reason: RecordingDeletion.Reason, by: User | None = None) -> RecordingDeletion:
    with transaction.atomic():
        live = Recording.objects.kept().filter(pk=recording.pk, is_held=False)
        condemned = live.update(
            state=Recording.State.DELETED, fence=F("fence") + 1, file="", peaks=[], touched_at=timezone.now()
        )
        if not condemned and Recording.objects.filter(pk=recording.pk, is_held=True).exists():
            raise Held
        peaks = [{"what": "peaks", "key": "", "bytes": 0}] if recording.peaks else []
        deletion, _ = RecordingDeletion.objects.get_or_create(
            recording=recording,
            defaults={
                "organization_id": recording.organization_id,
                "reason": reason,
                "requested_by": by,
                "removed": peaks,
            },
        )
    return deletion


def _remove_copies(deletion: RecordingDeletion) -> None:
    """Every object and earlier version of it. Raises StoreAway; then the sweep goes on."""
    recording = deletion.recording
    copies = [("segment", recording.segments), ("file", recording.folder)]
    found = [_copy(what, one) for what, folder in copies for one in object_store().remove(folder)]
    note_removed(recording, found)
    if timezone.now() - deletion.deleted_at >= LOOK_AGAIN_FOR:
        RecordingDeletion.objects.filter(pk=deletion.pk).update(completed_at=timezone.now())
    logger.info("Recording deleted, %d copies", len(found), extra={"session_id": recording.session_id})


def _copy(what: str, found: StoredObject) -> dict[str, object]:
    return {"what": what, "key": found.key, "bytes": found.size}


@transaction.atomic
def note_removed(recording: Recording, copies: list[dict[str, object]]) -> None:
    """These copies of a deleted recording are gone, too."""
    if copies:
        deletion = RecordingDeletion.objects.select_for_update().get(recording=recording)
        deletion.removed = [*deletion.removed, *copies]
        deletion.save(update_fields=["removed"])


def _by_session(prefix: str) -> Iterator[tuple[UUID, list[StoredObject]]]:
    """Objects come in the order of their keys, so those of one session come together. What is not ours is left out."""
    for folder, objects in groupby(object_store().objects(prefix), key=lambda found: _folder(found.key)):
        if session_id := _session_of(folder):
            yield session_id, list(objects)


def _session_of(folder: str) -> UUID | None:
    try:
        return UUID(folder.split("/")[2])
    except (IndexError, ValueError):
        return None


def _folder(key: str) -> str:
    """Up to the session."""
    return "/".join(key.split("/")[:3]) + "/"
