import contextlib
import hashlib
import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path
from uuid import uuid4

from django.core.files.storage import FileSystemStorage

from recordings.objects import Readable, StoreAway, StoredObject, Upload, digest_of
from recordings.spool import sync_folder

UNFINISHED = ".unfinished"  # ends the name of what is still being written


class PrivateFileStorage(FileSystemStorage):
    """A folder, with what recordings need of an object store. An object appears whole or not at all."""

    def put(self, key: str, data: bytes) -> None:
        upload = self.upload(key)
        try:
            upload.write(data)
            upload.complete()
        except BaseException:
            upload.abandon()
            raise

    def upload(self, key: str) -> Upload:
        return FileUpload(Path(self.path(key)))

    def read_range(self, key: str, first: int, length: int) -> Readable:
        try:
            return FilePart(Path(self.path(key)), first, length)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise StoreAway(str(error)) from error

    def objects(self, prefix: str) -> Iterator[StoredObject]:
        for path in self._files(prefix):
            if path.name.endswith(UNFINISHED):
                continue
            with contextlib.suppress(FileNotFoundError):  # deleted meanwhile
                yield self._stored(path)

    def remove(self, prefix: str, keep: str = "") -> list[StoredObject]:
        kept = Path(self.path(keep)) if keep else None
        removed = []
        for path in self._files(prefix):
            if path == kept:
                continue
            with contextlib.suppress(FileNotFoundError):
                removed.append(self._stored(path))
                path.unlink()
        if not keep:
            shutil.rmtree(self.path(prefix), ignore_errors=True)  # the empty folders
        return removed

    def forget_uploads(self, prefix: str, before: datetime) -> int:
        old = [path for path in self._files(prefix) if path.name.endswith(UNFINISHED)]
        old = [path for path in old if self._stored(path).modified < before]
        for path in old:
            path.unlink(missing_ok=True)
        return len(old)

    def signed_url(self, key: str, seconds: int, filename: str) -> str | None:
        return None

    def _files(self, prefix: str) -> list[Path]:
        return sorted(path for path in Path(self.path(prefix)).rglob("*") if path.is_file())

    def _stored(self, path: Path) -> StoredObject:
        facts = path.stat()
        key = path.relative_to(Path(self.location)).as_posix()
        return StoredObject(key, facts.st_size, datetime.fromtimestamp(facts.st_mtime, UTC))


class FilePart:
    """Bytes of a file between two places."""

    def __init__(self, path: Path, first: int, length: int) -> None:
        self._file = FileIO(path)
        self._file.seek(first)
        self._left = length

    def read(self, most: int) -> bytes:
        try:
            data = self._file.read(max(0, min(most, self._left))) or b""
        except OSError as error:
            raise StoreAway(str(error)) from error
        self._left -= len(data)
        return data

    def close(self) -> None:
        self._file.close()


class FileUpload:
    """Written beside its place under a name of its own, read again, and moved there when it proved whole."""

    def __init__(self, path: Path) -> None:
        self.size = 0
        self._digest = hashlib.sha256()
        self._path = path
        self._beside = path.with_name(f"{uuid4()}{UNFINISHED}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = FileIO(self._beside, "x+")
        except OSError as error:
            raise StoreAway(str(error)) from error

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def write(self, data: bytes) -> None:
        self._digest.update(data)
        self.size += len(data)
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            raise StoreAway(str(error)) from error

    def complete(self) -> None:
        try:
            os.fsync(self._file.fileno())
            self._prove()
            self._file.close()
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._beside.replace(self._path)
            sync_folder(self._path.parent)
        except OSError as error:
            raise StoreAway(str(error)) from error

    def _prove(self) -> None:
        with contextlib.closing(FilePart(self._beside, 0, self.size)) as written:
            found = digest_of(written)
        if found != self._digest.digest():
            raise StoreAway("the disk does not hold what was written")

    def abandon(self) -> None:
        self._file.close()
        with contextlib.suppress(OSError):
            self._beside.unlink(missing_ok=True)
