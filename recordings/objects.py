"""What recordings need of an object store. One setting chooses which: a folder, or S3."""

import hashlib
from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple, Protocol

PART = 8 * 1024**2  # bytes of a large object that are sent, and held in memory, at once


class StoreAway(Exception):
    """The store did not do what it was asked. Nothing was lost by that: trying again later can help."""


class StoredObject(NamedTuple):
    key: str
    size: int
    modified: datetime


class Readable(Protocol):
    """A part of an object, read from its beginning to its end."""

    def read(self, most: int) -> bytes:
        """The next bytes; none at the end. Raises StoreAway."""

    def close(self) -> None: ...


class Upload(Protocol):
    """An object that is written from its beginning to its end, and is not there until it is complete."""

    @property
    def sha256(self) -> str: ...

    @property
    def size(self) -> int: ...

    def write(self, data: bytes) -> None: ...

    def complete(self) -> None:
        """Let it be seen, once the store holds all of it unaltered. Raises StoreAway where that cannot be shown."""

    def abandon(self) -> None:
        """Leave nothing behind. Raises nothing; whatever is left all the same, `remove` finds."""


class ObjectStore(Protocol):
    """Private objects under keys that carry no names. Everything here may raise StoreAway."""

    def put(self, key: str, data: bytes) -> None:
        """A small object, whole or not at all."""

    def upload(self, key: str) -> Upload: ...

    def read_range(self, key: str, first: int, length: int) -> Readable:
        """So many bytes from there on, fewer where it ends. Raises FileNotFoundError."""

    def objects(self, prefix: str) -> Iterator[StoredObject]:
        """Those whose keys begin so, in the order of their keys. A prefix ends with a slash."""

    def remove(self, prefix: str, keep: str = "") -> list[StoredObject]:
        """Delete what begins so but for one key: objects, every earlier version, uploads that were never completed."""

    def forget_uploads(self, prefix: str, before: datetime) -> int:
        """Give up uploads under this prefix that were begun before then and never completed. Return how many."""

    def signed_url(self, key: str, seconds: int, filename: str) -> str | None:
        """An address that anyone may download from for so long; None where the store has no such thing."""


def digest_of(part: Readable) -> bytes:
    """SHA-256 of what is left to read of it."""
    found = hashlib.sha256()
    while block := part.read(PART // 8):
        found.update(block)
    return found.digest()
