"""Proof that this database is the one that owns the object store. Without it, no reaper deletes anything.

The setting INSTALLATION_ID, the database's row, and the store's marker must name the same installation, the marker must
name this database on this server, and it must not be ahead of the row. A restored, older, or second database and a
mistyped DATABASE_URL or STORAGE_URL fail at least one of these comparisons, until the command `adopt_store` claims the
store.
"""

import hashlib
import json
import logging
import os
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from secrets import token_hex
from typing import Protocol, cast
from weakref import WeakKeyDictionary

from django.conf import settings
from django.core.files.storage import default_storage, storages
from django.db import connection
from django.db.models import F
from django.utils import timezone

from accounts.models import Installation, Organization

logger = logging.getLogger(__name__)

MARKER_KEY = "installation.json"
# Top-level folders of everything that is stored. A store that holds one of them is in use.
STORE_FOLDERS = {"evaluator_context", "procedures", "recordings", "spools"}
_PROOF_SECONDS = 10.0  # how long `may_remove_superseded` may reuse a proof
# PostgreSQL refuses to drop or rename a database with open connections, and a restore in place keeps its OID. Only a
# proxy such as PgBouncer can move an open connection to another database, so a fingerprint is not reused for long.
_FINGERPRINT_SECONDS = 10.0
_ADVANCE_ATTEMPTS = 5  # other workers of the same installation may advance at the same time
NOT_ADOPTED = "This database does not own the object store yet. Run `manage.py adopt_store`; see docs/upgrading.md."


# By physical connection to PostgreSQL: the fingerprint of its database, and when it was read (monotonic seconds).
_fingerprints: WeakKeyDictionary[object, tuple[str, float]] = WeakKeyDictionary()


class MarkerStore(Protocol):
    """Methods of an object store that read and replace the marker."""

    def read_object(self, key: str) -> bytes | None:
        """Return the content of a small object, or None if it does not exist."""

    def replace_object(self, key: str, old: bytes | None, new: bytes) -> bool:
        """Write an object if its content is still `old` (None if it must not exist). Return False if it is not."""


@dataclass(frozen=True)
class Marker:
    """Content of the store's marker object."""

    installation: str
    counter: int
    token: str
    database: str = ""  # fingerprint of the database that wrote it; empty if it was written before there were any

    def to_bytes(self) -> bytes:
        return json.dumps(asdict(self)).encode()


class MarkerUnreadableError(Exception):
    """Failure to read the marker: the store is unavailable, or the object is not a marker."""


def ownership_problem() -> str | None:
    """Return the reason why reapers must not delete anything, or None if this database owns the store."""
    row = Installation.objects.first()
    try:
        marker = read_marker()[0]
    except MarkerUnreadableError as error:
        return str(error)
    return _compare(row, marker, fingerprint_age=_FINGERPRINT_SECONDS)


def _compare(row: Installation | None, marker: Marker | None, fingerprint_age: float = 0.0) -> str | None:
    expected = settings.INSTALLATION_ID
    if row is None:
        return f"The database names no installation. {NOT_ADOPTED}"
    if row.name != expected:
        return f"The database belongs to installation {row.name}, not to INSTALLATION_ID {expected}."
    if marker is None:
        return f"The object store has no marker ({MARKER_KEY}). {NOT_ADOPTED}"
    if marker.installation != expected:
        return f"The object store belongs to installation {marker.installation}, not to INSTALLATION_ID {expected}."
    if marker.counter > row.counter:
        return (
            f"The database is older than the object store (counter {row.counter}, the store has {marker.counter}). "
            f"It was restored from a backup, or another database took over. {NOT_ADOPTED}"
        )
    if marker.database not in {"", database_fingerprint(fingerprint_age)}:
        return (
            "The object store belongs to a database on another server or under another name, so this one is a copy, or "
            f"it was moved. {NOT_ADOPTED}"
        )
    if marker.counter == row.counter and marker.token != row.token:
        return f"Another copy of this database uses the object store. {NOT_ADOPTED}"
    return None


def advance_ownership() -> str | None:
    """Check ownership, and advance the counter of the database and the marker. Return the problem, or None.

    The row is written first. If this process dies before it writes the marker, the row is ahead, which is harmless.
    """
    for _attempt in range(_ADVANCE_ATTEMPTS):
        row = Installation.objects.first()
        try:
            marker, content = read_marker()
        except MarkerUnreadableError as error:
            return str(error)
        if problem := _compare(row, marker):
            return problem
        assert row
        fingerprint = database_fingerprint(max_age=_FINGERPRINT_SECONDS)  # read a moment ago
        token = token_hex(16)
        if not Installation.objects.filter(counter=row.counter, token=row.token).update(
            counter=F("counter") + 1, token=token, advanced_at=timezone.now()
        ):
            continue
        try:
            if write_marker(content, Marker(row.name, row.counter + 1, token, fingerprint)):
                return None
        except MarkerUnreadableError as error:
            return str(error)
    # Other workers of this installation advanced each time, or another database took over.
    return ownership_problem()


def may_delete(reaper: str, *, advance: bool = False) -> bool:
    """Return True if a reaper may delete anything. Otherwise, log the reason."""
    problem = advance_ownership() if advance else ownership_problem()
    if problem:
        logger.error("Nothing deleted by the reaper of %s: %s", reaper, problem)
    return problem is None


def database_fingerprint(max_age: float = 0.0) -> str:
    """Return an id that no copy of this database shares, except a copy of the whole server, such as a standby.

    On PostgreSQL, it combines the server's system identifier and the database's OID. A value that this
    connection read at most `max_age` seconds ago is reused. On SQLite, it is a hash of the file's path.
    """
    if connection.vendor != "postgresql":
        path = str(connection.settings_dict["NAME"])
        return hashlib.sha256(os.path.realpath(path).encode()).hexdigest()[:32]
    connection.ensure_connection()
    fingerprint, read_at = _fingerprints.get(connection.connection, ("", 0.0))
    if not fingerprint or time.monotonic() - read_at >= max_age:
        fingerprint = _read_fingerprint()
        _fingerprints[connection.connection] = fingerprint, time.monotonic()
    return fingerprint


def _read_fingerprint() -> str:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT oid, has_function_privilege('pg_control_system()', 'EXECUTE') FROM pg_database"
            " WHERE datname = current_database()"
        )
        database, may_read = cursor.fetchone()
        if may_read:
            cursor.execute("SELECT system_identifier FROM pg_control_system()")
        return f"{cursor.fetchone()[0] if may_read else 'server'}-{database}"


class _Proof:
    """The latest successful check, and the settings that it applies to."""

    subject: object = None
    expires_at = 0.0  # monotonic seconds


def may_remove_superseded() -> bool:
    """Return True if a file that a row used to point to may be removed. A proof is reused for a few seconds."""
    subject = (settings.INSTALLATION_ID, connection.settings_dict["NAME"], repr(settings.STORAGES["default"]))
    if _Proof.subject == subject and time.monotonic() < _Proof.expires_at:
        return True
    is_owner = may_delete("superseded files")
    if is_owner:
        _Proof.subject, _Proof.expires_at = subject, time.monotonic() + _PROOF_SECONDS
    return is_owner


def forget_proof() -> None:
    """Make `may_remove_superseded` check again."""
    _Proof.subject = None


def set_up_ownership() -> str | None:
    """Claim the store for a new installation. Return None if this database owns the store, otherwise the problem.

    The installation is new if the database has no organizations and the store is empty.
    """
    if Installation.objects.exists():
        return ownership_problem()
    try:
        marker, _content = read_marker()
        if marker is None and not Organization.objects.exists() and is_store_empty():
            claim_store()
            return None
    except MarkerUnreadableError as error:
        return str(error)
    if marker is not None:
        return f"The object store belongs to installation {marker.installation}. {NOT_ADOPTED}"
    return NOT_ADOPTED


def is_setup_refused() -> bool:
    """Return True if the database is empty but the store is in use: a wrong database, or one that was not restored.

    Return False if the store cannot be read, so that a database can be upgraded while the store is down.
    """
    if Organization.objects.exists():
        return False
    with suppress(MarkerUnreadableError):
        row, marker = Installation.objects.first(), read_marker()[0]
        return marker is not None and (row is None or _compare(row, marker) is not None)
    return False


def claim_store() -> Installation:
    """Make this database the owner of the store under INSTALLATION_ID. Raise MarkerUnreadableError on failure."""
    marker, content = read_marker()
    row = Installation.objects.first()
    counter = 1 + max(row.counter if row else 0, marker.counter if marker else 0)
    now = timezone.now()
    fields = {"name": settings.INSTALLATION_ID, "counter": counter, "token": token_hex(16)}
    claimed, _created = Installation.objects.update_or_create(
        pk=1, defaults=fields | {"adopted_at": now, "advanced_at": now}
    )
    if not write_marker(content, Marker(claimed.name, claimed.counter, claimed.token, database_fingerprint())):
        raise MarkerUnreadableError("Another process changed the marker at the same time. Try again.")
    return claimed


def is_store_empty() -> bool:
    """Return True if the store contains no objects of ours. Raise MarkerUnreadableError if it cannot be listed."""
    try:
        folders, _files = default_storage.listdir("")
    except FileNotFoundError:
        return True
    except Exception as error:  # storage backends raise errors of many types
        raise MarkerUnreadableError(f"The object store cannot be listed ({type(error).__name__}).") from error
    return STORE_FOLDERS.isdisjoint(folders)


def read_marker() -> tuple[Marker | None, bytes | None]:
    """Return the marker and its bytes, or (None, None) if there is no marker. Raise MarkerUnreadableError."""
    try:
        content = _marker_store().read_object(MARKER_KEY)
    except Exception as error:  # storage backends raise errors of many types
        raise MarkerUnreadableError(
            f"The marker of the object store cannot be read ({type(error).__name__})."
        ) from error
    if content is None:
        return None, None
    with suppress(ValueError, TypeError, KeyError):
        fields = json.loads(content)
        installation, counter, token = str(fields["installation"]), int(fields["counter"]), str(fields["token"])
        return Marker(installation, counter, token, str(fields.get("database", ""))), content
    raise MarkerUnreadableError(f"{MARKER_KEY} in the object store is not a marker.")


def write_marker(old: bytes | None, marker: Marker) -> bool:
    """Replace the marker whose content is `old`. Return False if it has changed. Raise MarkerUnreadableError."""
    try:
        return _marker_store().replace_object(MARKER_KEY, old, marker.to_bytes())
    except Exception as error:  # storage backends raise errors of many types
        raise MarkerUnreadableError(f"The marker cannot be written ({type(error).__name__}).") from error


def _marker_store() -> MarkerStore:
    return cast(MarkerStore, storages["default"])
