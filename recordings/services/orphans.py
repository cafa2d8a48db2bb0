"""Removal of stored audio that no row points to, because a process was killed or too slow.

A session's folder is a candidate only if this database owns the store and knows the organization in the key. The reaper
then waits for a grace period, and removes a small share of the folders a day (`accounts.services.reaping`).
"""

import logging
from collections.abc import Iterator
from datetime import timedelta
from itertools import groupby, islice
from uuid import UUID

from django.utils import timezone

from accounts.models import Organization
from accounts.services.ownership import may_delete
from accounts.services.reaping import ReapReport, reap
from recordings.models import Recording
from recordings.object_store import StoredObject, StoreUnavailableError
from recordings.storage import object_store

logger = logging.getLogger(__name__)

REAPER = "recordings"
ORPHANED_AFTER = timedelta(days=1)  # minimum age of an orphan; a process may still be using a newer object
SESSIONS_PER_QUERY = 500
PREFIXES = ("recordings/", "spools/")


def delete_orphans(is_all: bool = False) -> int:
    """Record orphans as candidates, delete those that are due, and return the number of deleted objects."""
    return reap_recordings(is_all)[1]


def reap_recordings(is_all: bool = False) -> tuple[ReapReport, int]:
    """Run the reaper of recordings. Return its report and the number of deleted objects.

    Also abort old uploads that were never completed. They are not objects, but the store charges for them.
    """
    if not may_delete(REAPER, advance=True):
        return ReapReport(), 0
    try:
        for prefix in PREFIXES:
            object_store().abort_uploads(prefix, timezone.now() - ORPHANED_AFTER)
        scan = OrphanScan()
        return reap(REAPER, scan, lambda: scan.folders, _delete_folder, is_all)
    except StoreUnavailableError as error:
        logger.warning("Orphaned recordings not deleted yet (%s)", error)
        return ReapReport(), 0


class OrphanScan:
    """One pass over the stored audio. Iterating yields the folders of orphans and counts all folders."""

    def __init__(self) -> None:
        self.folders = 0
        self.foreign_folders = 0  # of organizations that this database does not know

    def __iter__(self) -> Iterator[str]:
        organizations = {str(pk) for pk in Organization.objects.values_list("pk", flat=True)}
        for prefix in PREFIXES:
            sessions = _group_by_session(prefix)
            while batch := dict(islice(sessions, SESSIONS_PER_QUERY)):
                known = Recording.objects.in_bulk(batch, field_name="session_id")
                for pk, objects in batch.items():
                    self.folders += 1
                    folder = _session_prefix(objects[0].key)
                    if folder.split("/")[1] not in organizations:
                        self.foreign_folders += 1
                    elif _has_orphans(known.get(pk), objects):
                        yield folder
        if self.foreign_folders:
            logger.warning("%d folders of audio belong to unknown organizations and are kept", self.foreign_folders)


def _has_orphans(recording: Recording | None, objects: list[StoredObject]) -> bool:
    """Return True if a session has orphans. If any object is new enough to be in use, none of them is an orphan."""
    if any(found.modified >= timezone.now() - ORPHANED_AFTER for found in objects):
        return False
    if recording and not recording.is_settled:
        return False
    return any(found.key != _kept_key(recording) for found in objects)


def _delete_folder(folder: str) -> int:
    """Delete the orphans in a session's folder, after checking them again, and return their number."""
    objects = list(object_store().list_objects(folder))
    recording = Recording.objects.filter(session_id=folder.split("/")[2]).first()
    if not objects or not _has_orphans(recording, objects):
        return 0
    return len(object_store().delete_prefix(folder, keep=_kept_key(recording)))


def _kept_key(recording: Recording | None) -> str:
    return (recording.file.name or "") if recording else ""


def _group_by_session(prefix: str) -> Iterator[tuple[UUID, list[StoredObject]]]:
    """Yield each session's objects, which are adjacent in key order. Skip objects that do not belong to a session."""
    for folder, objects in groupby(object_store().list_objects(prefix), key=lambda found: _session_prefix(found.key)):
        if session_id := _session_id_in(folder):
            yield session_id, list(objects)


def _session_id_in(folder: str) -> UUID | None:
    try:
        return UUID(folder.split("/")[2])
    except (IndexError, ValueError):
        return None


def _session_prefix(key: str) -> str:
    """Return the part of a key up to and including the session."""
    return "/".join(key.split("/")[:3]) + "/"
