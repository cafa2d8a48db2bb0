"""Object store interface for recordings. A setting selects the implementation: a folder or S3."""

import hashlib
from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple, Protocol

PART_SIZE = 8 * 1024**2  # bytes of a large object that are sent and held in memory at a time


class StoreUnavailableError(Exception):
    """Failure of a store operation. No data is lost, and a later retry can help."""


class StoredObject(NamedTuple):
    key: str
    size: int  # bytes
    modified: datetime


class ObjectReader(Protocol):
    """Sequential reader of a part of an object."""

    def read(self, max_bytes: int) -> bytes:
        """Return up to `max_bytes` bytes, empty at the end. Raise StoreUnavailableError on failure."""

    def close(self) -> None: ...


class ObjectUpload(Protocol):
    """Sequential upload of an object, which does not exist until the upload is complete."""

    @property
    def sha256(self) -> str: ...

    @property
    def size(self) -> int: ...

    def write(self, data: bytes) -> None: ...

    def complete(self) -> None:
        """Publish the object. Raise StoreUnavailableError unless all of it is verified to be stored unaltered."""

    def abort(self) -> None:
        """Discard the upload. Never raise: `delete_prefix` finds anything left behind."""


class ObjectStore(Protocol):
    """Store of private objects, whose keys contain no names of people. Every method may raise StoreUnavailableError."""

    def put(self, key: str, data: bytes) -> None:
        """Store a small object atomically."""

    def start_upload(self, key: str) -> ObjectUpload: ...

    def read_range(self, key: str, first: int, length: int) -> ObjectReader:
        """Open `length` bytes from offset `first`, or fewer at the end. Raise FileNotFoundError if it is missing."""

    def list_objects(self, prefix: str) -> Iterator[StoredObject]:
        """Yield the objects under a prefix in key order. A prefix ends with a slash."""

    def delete_prefix(self, prefix: str, keep: str = "") -> list[StoredObject]:
        """Delete everything under a prefix except the key `keep`, and return the deleted objects.

        This includes every earlier version of an object and uploads that were never completed.
        """

    def abort_uploads(self, prefix: str, before: datetime) -> int:
        """Abort uploads under a prefix that were started before `before` and never completed. Return their number."""

    def signed_url(self, key: str, seconds: int, filename: str) -> str | None:
        """Return a public download URL that is valid for `seconds` seconds, or None if the store cannot sign URLs."""


def read_digest(part: ObjectReader) -> bytes:
    """Read the rest of a part and return its SHA-256 digest."""
    digest = hashlib.sha256()
    while block := part.read(PART_SIZE // 8):
        digest.update(block)
    return digest.digest()
