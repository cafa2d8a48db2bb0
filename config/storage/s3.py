import threading
from collections.abc import Iterator
from datetime import datetime
from functools import cached_property
from typing import Any

from botocore.config import Config
from botocore.exceptions import ClientError
from storages.backends.s3 import S3Storage

from config.storage.s3_transfer import S3Part, S3Upload, code_of, named_errors, put
from recordings.objects import Readable, StoreAway, StoredObject, Upload

WITHOUT_VERSIONS = {"NotImplemented", "MethodNotAllowed", "501", "405"}
ONE_BY_ONE = WITHOUT_VERSIONS | {"MissingContentMD5", "InvalidRequest", "InvalidDigest", "MissingDigest"}
AT_ONCE = 1000  # objects, the most that one request deletes


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
        put(self.client, self._where(key), data)

    def upload(self, key: str) -> Upload:
        return S3Upload(self.client, self._where(key))

    def read_range(self, key: str, first: int, length: int) -> Readable:
        return S3Part(self.client, self._where(key), first, length)

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
        what = self._where(key) | {"ResponseContentType": "audio/wav"}
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

    def _where(self, key: str) -> dict[str, str]:
        return {"Bucket": self.bucket_name, "Key": key}

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
