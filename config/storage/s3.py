import base64
import hashlib
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import cached_property
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from storages.backends.s3 import S3Storage
from urllib3.exceptions import HTTPError

from recordings.objects import PART, Readable, StoreAway, StoredObject, Upload

MISSING = {"NoSuchKey", "404", "NotFound"}
BEYOND = {"InvalidRange", "416"}
WITHOUT_VERSIONS = {"NotImplemented", "MethodNotAllowed", "501", "405"}
ONE_BY_ONE = WITHOUT_VERSIONS | {"MissingContentMD5", "InvalidRequest", "InvalidDigest", "MissingDigest"}
AT_ONCE = 1000  # objects, the most that one request deletes
ABROAD = (ClientError, BotoCoreError, HTTPError, OSError)


class PrivateS3Storage(S3Storage):
    """S3 with private objects, signed URLs and deadlines: boto's own defaults wait a minute, five times."""

    def get_default_settings(self) -> dict[str, Any]:
        return {
            **super().get_default_settings(),
            "default_acl": None,
            "querystring_auth": True,
            "querystring_expire": 60,
            "file_overwrite": False,
        }

    def __init__(self, connect_timeout: float = 2.0, read_timeout: float = 10.0, **options: Any) -> None:
        config = Config(
            signature_version="s3v4",
            connect_timeout=connect_timeout,
            read_timeout=read_timeout,
            max_pool_connections=16,
            retries={"mode": "standard", "total_max_attempts": 3},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        )
        super().__init__(client_config=config, **options)
        self._making = threading.Lock()

    @property
    def client(self) -> Any:
        """One for all threads, which boto allows; making one costs more than most of what it is asked."""
        with self._making:
            return self._client

    @cached_property
    def _client(self) -> Any:
        return self._create_session().client(
            "s3",
            region_name=self.region_name,
            use_ssl=self.use_ssl,
            endpoint_url=self.endpoint_url,
            config=self.client_config,
            verify=self.verify,
        )

    def put(self, key: str, data: bytes) -> None:
        with named_errors():
            self.client.put_object(Bucket=self.bucket_name, Key=key, Body=data, ContentMD5=content_md5(data))

    def upload(self, key: str) -> Upload:
        return S3Upload(self, key)

    def read_range(self, key: str, first: int, length: int) -> Readable:
        return S3Part(self, key, first, length)

    def objects(self, prefix: str) -> Iterator[StoredObject]:
        with named_errors():
            pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket_name, Prefix=prefix)
            for page in pages:
                for found in page.get("Contents", []):
                    yield StoredObject(found["Key"], found["Size"], found["LastModified"])

    def remove(self, prefix: str, keep: str = "") -> list[StoredObject]:
        with named_errors():
            # Those of the kept key, too: it is complete.
            for one in self._unfinished(prefix):
                self._abort(one)
            condemned = [(version, found) for version, found in self._versions(prefix) if found.key != keep]
            for start in range(0, len(condemned), AT_ONCE):
                self._delete([{"Key": found.key} | version for version, found in condemned[start : start + AT_ONCE]])
        return [found for _, found in condemned]

    def _delete(self, objects: list[dict[str, str]]) -> None:
        try:
            answer = self.client.delete_objects(Bucket=self.bucket_name, Delete={"Objects": objects, "Quiet": True})
        except ClientError as error:
            # Not every store takes many at once, or the sum that this is sent with.
            if code_of(error) not in ONE_BY_ONE:
                raise
            for one in objects:
                self.client.delete_object(Bucket=self.bucket_name, **one)
        else:
            if failed := answer.get("Errors"):
                raise StoreAway(f"{len(failed)} objects not deleted: {failed[0]['Code']}")

    def signed_url(self, key: str, seconds: int, filename: str) -> str | None:
        what = {"Bucket": self.bucket_name, "Key": key, "ResponseContentType": "audio/wav"}
        what["ResponseContentDisposition"] = f'attachment; filename="{filename}"'
        with named_errors():
            url: str = self.client.generate_presigned_url("get_object", Params=what, ExpiresIn=seconds)
        return url

    def forget_uploads(self, prefix: str, before: datetime) -> int:
        with named_errors():
            old = [one for one in self._unfinished(prefix) if one["Initiated"] < before]
            for one in old:
                self._abort(one)
        return len(old)

    def _unfinished(self, prefix: str) -> Iterator[dict[str, Any]]:
        pages = self.client.get_paginator("list_multipart_uploads").paginate(Bucket=self.bucket_name, Prefix=prefix)
        for page in pages:
            for found in page.get("Uploads", []):
                # Not every store heeds the prefix.
                if found["Key"].startswith(prefix):
                    yield found

    def _abort(self, one: dict[str, Any]) -> None:
        try:
            self.client.abort_multipart_upload(Bucket=self.bucket_name, Key=one["Key"], UploadId=one["UploadId"])
        except ClientError as error:
            if code_of(error) != "NoSuchUpload":
                raise

    def _versions(self, prefix: str) -> list[tuple[dict[str, str], StoredObject]]:
        """Everything under the prefix; where the bucket keeps old versions, those and the marks of deletion, too."""
        pages = self.client.get_paginator("list_object_versions").paginate(Bucket=self.bucket_name, Prefix=prefix)
        try:
            found = [one for page in pages for kind in ("Versions", "DeleteMarkers") for one in page.get(kind, [])]
        except ClientError as error:
            if code_of(error) not in WITHOUT_VERSIONS:
                raise
            return [({}, found) for found in self.objects(prefix)]
        return [
            ({"VersionId": one["VersionId"]}, StoredObject(one["Key"], one.get("Size", 0), one["LastModified"]))
            for one in found
        ]


class S3Part:
    """Bytes of an object between two places. A connection that breaks is taken up where it broke, a few times."""

    ATTEMPTS = 3

    def __init__(self, storage: PrivateS3Storage, key: str, first: int, length: int) -> None:
        self._storage = storage
        self._key = key
        self._first = first
        self._left = length
        self._attempts = self.ATTEMPTS
        self._body: Any = None
        self._open()

    def read(self, most: int) -> bytes:
        while self._left > 0 and self._body is not None:
            try:
                data: bytes = self._body.read(min(most, self._left))
            except ABROAD as error:
                self._again(error)
                continue
            if not data:
                self._left = 0
            self._first += len(data)
            self._left -= len(data)
            return data
        return b""

    def close(self) -> None:
        if self._body is not None:
            self._body.close()

    def _again(self, error: Exception) -> None:
        self._attempts -= 1
        if not self._attempts:
            raise StoreAway(type(error).__name__) from error
        self.close()
        self._open()

    def _open(self) -> None:
        if self._left <= 0:
            return
        span = f"bytes={self._first}-{self._first + self._left - 1}"
        try:
            with named_errors():
                answer = self._storage.client.get_object(Bucket=self._storage.bucket_name, Key=self._key, Range=span)
                self._body = answer["Body"]
        except BeyondTheEnd:
            self._left = 0


class S3Upload:
    """A multipart upload, one part under way while the next is filled; a small object is one plain write.

    Each part is sent with its MD5, which the store must refuse it by. What it then says of the whole is compared
    with the same sum made here; a store whose tags are no such sums is read back instead.
    """

    def __init__(self, storage: PrivateS3Storage, key: str) -> None:
        self.size = 0
        self._digest = hashlib.sha256()
        self._storage = storage
        self._where = {"Bucket": storage.bucket_name, "Key": key}
        self._part = bytearray()
        self._sums: list[bytes] = []
        self._tags: list[str] = []
        self._upload_id = ""
        self._sending: Future[str] | None = None
        self._sender = ThreadPoolExecutor(max_workers=1, thread_name_prefix="s3-part")

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def write(self, data: bytes) -> None:
        self._digest.update(data)
        self.size += len(data)
        self._part += data
        if len(self._part) >= PART:
            self._send(bytes(self._part))
            self._part.clear()

    def complete(self) -> None:
        if not self._upload_id:
            self._storage.put(self._where["Key"], bytes(self._part))
            expected = hashlib.md5(self._part, usedforsecurity=False).hexdigest()
        else:
            if self._part:
                self._send(bytes(self._part))
            self._wait()
            expected = f"{hashlib.md5(b''.join(self._sums), usedforsecurity=False).hexdigest()}-{len(self._sums)}"
            parts = [{"PartNumber": number, "ETag": tag} for number, tag in enumerate(self._tags, 1)]
            with named_errors():
                self._storage.client.complete_multipart_upload(
                    **self._where, UploadId=self._upload_id, MultipartUpload={"Parts": parts}
                )
        self._sender.shutdown()
        self._prove(expected)

    def abandon(self) -> None:
        self._sender.shutdown()
        if self._upload_id:
            with suppress(*ABROAD):
                self._storage.client.abort_multipart_upload(**self._where, UploadId=self._upload_id)

    def _send(self, part: bytes) -> None:
        if not self._upload_id:
            with named_errors():
                begun = self._storage.client.create_multipart_upload(**self._where, ContentType="audio/wav")
            self._upload_id = begun["UploadId"]
        self._wait()
        self._sums.append(hashlib.md5(part, usedforsecurity=False).digest())
        self._sending = self._sender.submit(self._send_part, part, len(self._sums))

    def _wait(self) -> None:
        if self._sending:
            self._tags.append(self._sending.result())
            self._sending = None

    def _send_part(self, part: bytes, number: int) -> str:
        with named_errors():
            answer = self._storage.client.upload_part(
                **self._where,
                UploadId=self._upload_id,
                PartNumber=number,
                Body=part,
                ContentMD5=base64.b64encode(self._sums[number - 1]).decode(),
            )
        tag: str = answer["ETag"]
        return tag

    def _prove(self, expected: str) -> None:
        with named_errors():
            facts = self._storage.client.head_object(**self._where)
        if facts["ContentLength"] != self.size:
            raise StoreAway(f"the store holds {facts['ContentLength']} bytes of {self.size}")
        if facts["ETag"].strip('"') != expected and self._read_back() != self._digest.digest():
            raise StoreAway("the store does not hold what was sent")

    def _read_back(self) -> bytes:
        found = hashlib.sha256()
        reader = self._storage.read_range(self._where["Key"], 0, self.size)
        try:
            while block := reader.read(PART // 8):
                found.update(block)
        finally:
            reader.close()
        return found.digest()


class BeyondTheEnd(Exception):
    """A range that begins after the last byte."""


def content_md5(data: bytes) -> str:
    return base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()


def code_of(error: ClientError) -> str:
    code: str = error.response.get("Error", {}).get("Code", "")
    return code


@contextmanager
def named_errors() -> Iterator[None]:
    """The store's errors in our words. What it says may hold keys: only its code goes on."""
    try:
        yield
    except ClientError as error:
        code = code_of(error)
        if code in MISSING:
            raise FileNotFoundError(code) from error
        if code in BEYOND:
            raise BeyondTheEnd from error
        raise StoreAway(code or type(error).__name__) from error
    except (BotoCoreError, HTTPClientError, HTTPError) as error:
        raise StoreAway(type(error).__name__) from error
