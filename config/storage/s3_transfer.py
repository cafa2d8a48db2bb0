"""Uploads to and downloads from an S3 bucket in parts, and translation of S3 errors."""

import base64
import hashlib
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from urllib3.exceptions import HTTPError

from config.storage.s3_deadline import DownloadDeadlineError
from recordings.object_store import PART_SIZE, StoreUnavailableError, read_digest

NOT_FOUND_CODES = {"NoSuchKey", "404", "NotFound"}
RANGE_CODES = {"InvalidRange", "416"}
TRANSFER_ERRORS = (ClientError, BotoCoreError, HTTPError, OSError)


class S3RangeReader:
    """Reader of a byte range of an object. If a connection breaks, it reconnects, up to ATTEMPTS connections in all.

    A download that misses its deadline is not attempted again.
    """

    ATTEMPTS = 3

    def __init__(self, client: Any, location: dict[str, str], first: int, length: int) -> None:
        self._client = client
        self._location = location
        self._first = first
        self._remaining = length
        self._attempts = self.ATTEMPTS
        self._body: Any = None
        self._open()

    def read(self, max_bytes: int) -> bytes:
        while self._remaining > 0 and self._body is not None:
            try:
                data: bytes = self._body.read(min(max_bytes, self._remaining))
            except TRANSFER_ERRORS as error:
                self._reconnect(error)
                continue
            if not data:
                self._remaining = 0
            self._first += len(data)
            self._remaining -= len(data)
            return data
        return b""

    def close(self) -> None:
        if self._body is not None:
            self._body.close()

    def _reconnect(self, error: Exception) -> None:
        self._attempts -= 1
        if not self._attempts or isinstance(error, DownloadDeadlineError):
            raise StoreUnavailableError(type(error).__name__) from error
        self.close()
        self._open()

    def _open(self) -> None:
        if self._remaining <= 0:
            return
        span = f"bytes={self._first}-{self._first + self._remaining - 1}"
        try:
            with translate_s3_errors():
                self._body = self._client.get_object(**self._location, Range=span)["Body"]
        except ObjectRangeError:
            self._remaining = 0


class S3Upload:
    """A multipart upload that sends one part while the next one fills. A small object is a single PUT.

    Each part is sent with its MD5, so that the store refuses damaged data. The final ETag is compared with the same
    checksum computed here. If the store's ETags are not such checksums, the object is read back instead.
    """

    def __init__(self, client: Any, location: dict[str, str]) -> None:
        self.size = 0
        self._digest = hashlib.sha256()
        self._client = client
        self._location = location
        self._part = bytearray()
        self._part_md5s: list[bytes] = []
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
        if len(self._part) >= PART_SIZE:
            self._start_part(bytes(self._part))
            self._part.clear()

    def complete(self) -> None:
        if not self._upload_id:
            put_object(self._client, self._location, bytes(self._part))
            expected = hashlib.md5(self._part, usedforsecurity=False).hexdigest()
        else:
            if self._part:
                self._start_part(bytes(self._part))
            self._wait_for_part()
            expected = (
                f"{hashlib.md5(b''.join(self._part_md5s), usedforsecurity=False).hexdigest()}-{len(self._part_md5s)}"
            )
            parts = [{"PartNumber": number, "ETag": tag} for number, tag in enumerate(self._tags, 1)]
            with translate_s3_errors():
                self._client.complete_multipart_upload(
                    **self._location, UploadId=self._upload_id, MultipartUpload={"Parts": parts}
                )
        self._sender.shutdown()
        self._verify(expected)

    def abort(self) -> None:
        self._sender.shutdown()
        if self._upload_id:
            with suppress(*TRANSFER_ERRORS):
                self._client.abort_multipart_upload(**self._location, UploadId=self._upload_id)

    def _start_part(self, part: bytes) -> None:
        if not self._upload_id:
            with translate_s3_errors():
                created = self._client.create_multipart_upload(**self._location, ContentType="audio/wav")
            self._upload_id = created["UploadId"]
        self._wait_for_part()
        self._part_md5s.append(hashlib.md5(part, usedforsecurity=False).digest())
        self._sending = self._sender.submit(self._send_part, part, len(self._part_md5s))

    def _wait_for_part(self) -> None:
        if self._sending:
            self._tags.append(self._sending.result())
            self._sending = None

    def _send_part(self, part: bytes, number: int) -> str:
        with translate_s3_errors():
            response = self._client.upload_part(
                **self._location,
                UploadId=self._upload_id,
                PartNumber=number,
                Body=part,
                ContentMD5=base64.b64encode(self._part_md5s[number - 1]).decode(),
            )
        tag: str = response["ETag"]
        return tag

    def _verify(self, expected: str) -> None:
        with translate_s3_errors():
            head = self._client.head_object(**self._location)
        if head["ContentLength"] != self.size:
            raise StoreUnavailableError(f"the store has {head['ContentLength']} of {self.size} bytes")
        if head["ETag"].strip('"') != expected and self._read_back() != self._digest.digest():
            raise StoreUnavailableError("the stored object differs from the data that was sent")

    def _read_back(self) -> bytes:
        with closing(S3RangeReader(self._client, self._location, 0, self.size)) as stored:
            return read_digest(stored)


class ObjectRangeError(Exception):
    """A range that begins after the last byte."""


def put_object(client: Any, location: dict[str, str], data: bytes) -> None:
    """Store an object. Its MD5 lets the store refuse data damaged in transit."""
    with translate_s3_errors():
        client.put_object(**location, Body=data, ContentMD5=content_md5(data))


def content_md5(data: bytes) -> str:
    return base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()


def error_code(error: ClientError) -> str:
    code: str = error.response.get("Error", {}).get("Code", "")
    return code


@contextmanager
def translate_s3_errors() -> Iterator[None]:
    """Translate S3 errors to FileNotFoundError, ObjectRangeError, or StoreUnavailableError.

    Error messages from the store may contain object keys, so only the error code is passed on.
    """
    try:
        yield
    except ClientError as error:
        code = error_code(error)
        if code in NOT_FOUND_CODES:
            raise FileNotFoundError(code) from error
        if code in RANGE_CODES:
            raise ObjectRangeError from error
        raise StoreUnavailableError(code or type(error).__name__) from error
    except (BotoCoreError, HTTPClientError, HTTPError) as error:
        raise StoreUnavailableError(type(error).__name__) from error
