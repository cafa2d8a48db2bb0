"""Private file storage on S3."""

import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from functools import cached_property
from typing import Any

from botocore.config import Config
from botocore.exceptions import ClientError
from django.conf import settings
from storages.backends.s3 import S3Storage

from config.storage.s3_deadline import limit_requests
from config.storage.s3_transfer import S3RangeReader, S3Upload, error_code, put_object, translate_s3_errors
from recordings.object_store import ObjectReader, ObjectUpload, StoredObject, StoreUnavailableError

CHANGED_CODES = {"PreconditionFailed", "ConditionalRequestConflict", "412", "409"}
UNVERSIONED_CODES = {"NotImplemented", "MethodNotAllowed", "501", "405"}
NO_BULK_DELETE_CODES = UNVERSIONED_CODES | {"MissingContentMD5", "InvalidRequest", "InvalidDigest", "MissingDigest"}
MAX_DELETE_BATCH = 1000  # objects, the limit of one request


class PrivateS3Storage(S3Storage):
    """S3 storage with private objects, signed URLs, and short timeouts. By default, boto would wait five minutes."""

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
        self._client_lock = threading.Lock()

    @property
    def client(self) -> Any:
        """Client shared by all threads. boto clients are thread-safe, and creating one is slower than most requests."""
        with self._client_lock:
            return self._client

    @property
    def connection(self) -> Any:
        """S3 resource of this thread, which the base class uses to read and save files."""
        is_new = getattr(self._connections, "connection", None) is None
        connection = super().connection
        if is_new:
            limit_requests(connection.meta.client, settings.STORAGE_TIMEOUT)
        return connection

    @cached_property
    def _client(self) -> Any:
        client = self._create_session().client(
            "s3",
            region_name=self.region_name,
            use_ssl=self.use_ssl,
            endpoint_url=self.endpoint_url,
            config=self.client_config,
            verify=self.verify,
        )
        limit_requests(client, settings.STORAGE_TIMEOUT)
        return client

    def put(self, key: str, data: bytes) -> None:
        put_object(self.client, self._object_location(key), data)

    def read_object(self, key: str) -> bytes | None:
        """Return the content of a small object, or None if it does not exist."""
        return self._read_with_etag(key)[0]

    def replace_object(self, key: str, old: bytes | None, new: bytes) -> bool:
        """Write an object if its content is still `old` (None if it must not exist). Return False if it is not.

        The store itself compares the ETag. In a store without conditional writes, a change between the two requests is
        overwritten.
        """
        content, etag = self._read_with_etag(key)
        if content != old:
            return False
        condition = {"IfMatch": etag} if etag else {"IfNoneMatch": "*"}
        try:
            self.client.put_object(**self._object_location(key), Body=new, **condition)
        except ClientError as error:
            if error_code(error) in CHANGED_CODES:
                return False
            if error_code(error) not in UNVERSIONED_CODES:
                raise StoreUnavailableError(error_code(error)) from error
            self.put(key, new)
        return True

    def _read_with_etag(self, key: str) -> tuple[bytes | None, str]:
        with suppress(FileNotFoundError), translate_s3_errors():
            found = self.client.get_object(**self._object_location(key))
            content: bytes = found["Body"].read()
            return content, found["ETag"]
        return None, ""

    def start_upload(self, key: str) -> ObjectUpload:
        return S3Upload(self.client, self._object_location(key))

    def read_range(self, key: str, first: int, length: int) -> ObjectReader:
        return S3RangeReader(self.client, self._object_location(key), first, length)

    def list_objects(self, prefix: str) -> Iterator[StoredObject]:
        with translate_s3_errors():
            pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket_name, Prefix=prefix)
            for page in pages:
                for found in page.get("Contents", []):
                    yield StoredObject(found["Key"], found["Size"], found["LastModified"])

    def delete_prefix(self, prefix: str, keep: str = "") -> list[StoredObject]:
        with translate_s3_errors():
            # Abort unfinished uploads of the kept key, too: its object is complete.
            for upload in self._list_unfinished_uploads(prefix):
                self._abort_upload(upload)
            to_delete = [(version, found) for version, found in self._list_versions(prefix) if found.key != keep]
            for start in range(0, len(to_delete), MAX_DELETE_BATCH):
                self._delete(
                    [{"Key": found.key} | version for version, found in to_delete[start : start + MAX_DELETE_BATCH]]
                )
        return [found for _, found in to_delete]

    def _delete(self, objects: list[dict[str, str]]) -> None:
        try:
            response = self.client.delete_objects(Bucket=self.bucket_name, Delete={"Objects": objects, "Quiet": True})
        except ClientError as error:
            # Some stores reject bulk deletion or the checksum that boto sends with it.
            if error_code(error) not in NO_BULK_DELETE_CODES:
                raise
            for location in objects:
                self.client.delete_object(Bucket=self.bucket_name, **location)
        else:
            if failed := response.get("Errors"):
                raise StoreUnavailableError(f"{len(failed)} objects not deleted: {failed[0]['Code']}")

    def signed_url(self, key: str, seconds: int, filename: str) -> str | None:
        parameters = self._object_location(key) | {"ResponseContentType": "audio/wav"}
        parameters["ResponseContentDisposition"] = f'attachment; filename="{filename}"'
        with translate_s3_errors():
            url: str = self.client.generate_presigned_url("get_object", Params=parameters, ExpiresIn=seconds)
        return url

    def abort_uploads(self, prefix: str, before: datetime) -> int:
        with translate_s3_errors():
            old = [upload for upload in self._list_unfinished_uploads(prefix) if upload["Initiated"] < before]
            for upload in old:
                self._abort_upload(upload)
        return len(old)

    def _object_location(self, key: str) -> dict[str, str]:
        return {"Bucket": self.bucket_name, "Key": key}

    def _list_unfinished_uploads(self, prefix: str) -> Iterator[dict[str, Any]]:
        pages = self.client.get_paginator("list_multipart_uploads").paginate(Bucket=self.bucket_name, Prefix=prefix)
        for page in pages:
            for found in page.get("Uploads", []):
                # Some stores ignore the prefix.
                if found["Key"].startswith(prefix):
                    yield found

    def _abort_upload(self, upload: dict[str, Any]) -> None:
        try:
            self.client.abort_multipart_upload(Bucket=self.bucket_name, Key=upload["Key"], UploadId=upload["UploadId"])
        except ClientError as error:
            if error_code(error) != "NoSuchUpload":
                raise

    def _list_versions(self, prefix: str) -> list[tuple[dict[str, str], StoredObject]]:
        """Return every object under the prefix. In a versioned bucket, include old versions and delete markers."""
        pages = self.client.get_paginator("list_object_versions").paginate(Bucket=self.bucket_name, Prefix=prefix)
        try:
            found = [entry for page in pages for kind in ("Versions", "DeleteMarkers") for entry in page.get(kind, [])]
        except ClientError as error:
            if error_code(error) not in UNVERSIONED_CODES:
                raise
            return [({}, found) for found in self.list_objects(prefix)]
        return [
            ({"VersionId": entry["VersionId"]}, StoredObject(entry["Key"], entry.get("Size", 0), entry["LastModified"]))
            for entry in found
        ]
