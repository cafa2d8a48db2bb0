"""Buckets on a local S3 server, and helpers that read and write whole objects in any object store."""

from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from config.storage.s3 import PrivateS3Storage
from recordings.object_store import ObjectStore, ObjectUpload
from tests.support.store_owner import mark_store


def new_bucket(url: str, **options: Any) -> PrivateS3Storage:
    """Create a bucket with a unique name and return its storage."""
    storage = PrivateS3Storage(**bucket_options(url, f"bucket-{uuid4()}"), **options)
    storage.client.create_bucket(Bucket=storage.bucket_name)
    mark_store(storage)
    return storage


def bucket_options(url: str, bucket: str) -> dict[str, Any]:
    return {
        "bucket_name": bucket,
        "endpoint_url": url,
        "region_name": "us-east-1",
        "access_key": "tests",
        "secret_key": "tests",
    }


def use_bucket(settings: Any, storage: PrivateS3Storage, url: str | None = None, **options: Any) -> None:
    """Make `storage` the default storage, reached through `url` if given, e.g. a proxy."""
    options |= bucket_options(url or storage.endpoint_url, storage.bucket_name)
    settings.STORAGES = settings.STORAGES | {
        "default": {"BACKEND": "config.storage.s3.PrivateS3Storage", "OPTIONS": options}
    }


def storage_url(storage: PrivateS3Storage, url: str | None = None, **options: float) -> str:
    """Return `storage` as a STORAGE_URL, reached through `url` if given, e.g. a proxy."""
    query = {"endpoint_url": url or storage.endpoint_url, "region_name": "us-east-1"} | options
    return f"s3://{storage.bucket_name}?{urlencode(query)}"


def read_whole(store: ObjectStore, key: str, first: int = 0, length: int = 2**40) -> bytes:
    reader = store.read_range(key, first, length)
    try:
        return b"".join(iter(lambda: reader.read(100_000), b""))
    finally:
        reader.close()


def write_blocks(upload: ObjectUpload, data: bytes, step: int = 1_000_000) -> ObjectUpload:
    for start in range(0, len(data), step):
        upload.write(data[start : start + step])
    return upload
