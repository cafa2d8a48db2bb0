"""Private file storage in a folder."""

import contextlib
import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path
from uuid import uuid4

from django.core.files.storage import FileSystemStorage

from recordings.audio.append_only_file import sync_folder
from recordings.object_store import ObjectReader, ObjectUpload, StoredObject, StoreUnavailableError, read_digest

UNFINISHED_SUFFIX = ".unfinished"  # suffix of files that are still being written


class PrivateFileStorage(FileSystemStorage):
    """Storage in a folder, with the object store operations that recordings need. Partial objects are never visible."""

    def put(self, key: str, data: bytes) -> None:
        upload = self.start_upload(key)
        try:
            upload.write(data)
            upload.complete()
        except BaseException:
            upload.abort()
            raise

    def read_object(self, key: str) -> bytes | None:
        """Return the content of a small object, or None if it does not exist."""
        try:
            return Path(self.path(key)).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreUnavailableError(str(error)) from error

    def replace_object(self, key: str, old: bytes | None, new: bytes) -> bool:
        """Write an object if its content is still `old` (None if it must not exist). Return False if it is not."""
        path = Path(self.path(key))
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.with_name(f"{path.name}.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if self.read_object(key) != old:
                return False
            self.put(key, new)
        return True

    def start_upload(self, key: str) -> ObjectUpload:
        return FileUpload(Path(self.path(key)))

    def read_range(self, key: str, first: int, length: int) -> ObjectReader:
        try:
            return FileRangeReader(Path(self.path(key)), first, length)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise StoreUnavailableError(str(error)) from error

    def list_objects(self, prefix: str) -> Iterator[StoredObject]:
        for path in self._files(prefix):
            if path.name.endswith(UNFINISHED_SUFFIX):
                continue
            with contextlib.suppress(FileNotFoundError):  # deleted in the meantime
                yield self._describe(path)

    def delete_prefix(self, prefix: str, keep: str = "") -> list[StoredObject]:
        kept = Path(self.path(keep)) if keep else None
        removed = []
        for path in self._files(prefix):
            if path == kept:
                continue
            with contextlib.suppress(FileNotFoundError):
                removed.append(self._describe(path))
                path.unlink()
        if not keep:
            shutil.rmtree(self.path(prefix), ignore_errors=True)  # removes the empty folders
        return removed

    def abort_uploads(self, prefix: str, before: datetime) -> int:
        old = [path for path in self._files(prefix) if path.name.endswith(UNFINISHED_SUFFIX)]
        old = [path for path in old if self._describe(path).modified < before]
        for path in old:
            path.unlink(missing_ok=True)
        return len(old)

    def signed_url(self, key: str, seconds: int, filename: str) -> str | None:
        return None

    def _files(self, prefix: str) -> list[Path]:
        return sorted(path for path in Path(self.path(prefix)).rglob("*") if path.is_file())

    def _describe(self, path: Path) -> StoredObject:
        stat = path.stat()
        key = path.relative_to(Path(self.location)).as_posix()
        return StoredObject(key, stat.st_size, datetime.fromtimestamp(stat.st_mtime, UTC))


class FileRangeReader:
    """A reader of a byte range of a file."""

    def __init__(self, path: Path, first: int, length: int) -> None:
        self._file = FileIO(path)
        self._file.seek(first)
        self._remaining = length

    def read(self, max_bytes: int) -> bytes:
        try:
            data = self._file.read(max(0, min(max_bytes, self._remaining))) or b""
        except OSError as error:
            raise StoreUnavailableError(str(error)) from error
        self._remaining -= len(data)
        return data

    def close(self) -> None:
        self._file.close()


class FileUpload:
    """An upload written to a temporary file in the target folder, verified by reading it back, and moved into place."""

    def __init__(self, path: Path) -> None:
        self.size = 0
        self._digest = hashlib.sha256()
        self._path = path
        self._temporary_path = path.with_name(f"{uuid4()}{UNFINISHED_SUFFIX}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = FileIO(self._temporary_path, "x+")
        except OSError as error:
            raise StoreUnavailableError(str(error)) from error

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def write(self, data: bytes) -> None:
        self._digest.update(data)
        self.size += len(data)
        remaining = memoryview(data)
        try:
            while remaining:
                remaining = remaining[self._file.write(remaining) :]
        except OSError as error:
            raise StoreUnavailableError(str(error)) from error

    def complete(self) -> None:
        try:
            os.fsync(self._file.fileno())
            self._verify()
            self._file.close()
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._temporary_path.replace(self._path)
            sync_folder(self._path.parent)
        except OSError as error:
            raise StoreUnavailableError(str(error)) from error

    def _verify(self) -> None:
        with contextlib.closing(FileRangeReader(self._temporary_path, 0, self.size)) as written:
            found = read_digest(written)
        if found != self._digest.digest():
            raise StoreUnavailableError("the file on disk differs from the data that was written")

    def abort(self) -> None:
        self._file.close()
        with contextlib.suppress(OSError):
            self._temporary_path.unlink(missing_ok=True)
