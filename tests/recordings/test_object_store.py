"""The guarantees that recordings need from both object stores, a folder and S3."""

import hashlib
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from config.storage.disk import PrivateFileStorage
from config.storage.s3 import PrivateS3Storage
from recordings.object_store import PART_SIZE, StoreUnavailableError
from tests.recordings.object_stores import bucket_options, new_bucket, read_whole, write_blocks
from tests.support.fault_proxy import FAULTS, FaultProxy

LARGE = random.Random(1).randbytes(2 * PART_SIZE + 123)


@pytest.fixture
def bucket(s3_url) -> PrivateS3Storage:
    return new_bucket(s3_url)


@pytest.fixture
def proxy(s3_url) -> Iterator[FaultProxy]:
    proxy = FaultProxy(s3_url)
    yield proxy
    proxy.close()


@pytest.fixture(params=["folder", "s3"])
def store(request, tmp_path):
    return PrivateFileStorage(location=tmp_path) if request.param == "folder" else request.getfixturevalue("bucket")


def keys(store, prefix=""):
    return [found.key for found in store.list_objects(prefix or "a/")]


def test_put_object_can_be_read_and_listed(store):
    store.put("a/b/1", b"one")
    store.put("a/b/1", b"other")
    store.put("a/c/2", b"")

    assert (read_whole(store, "a/b/1"), read_whole(store, "a/b/1", 1, 3), read_whole(store, "a/b/1", 4)) == (
        b"other",
        b"the",
        b"r",
    )
    assert [(found.key, found.size) for found in store.list_objects("a/")] == [("a/b/1", 5), ("a/c/2", 0)]
    assert keys(store, "a/c/") == ["a/c/2"]


def test_read_range_past_end_is_empty(store):
    store.put("a/1", b"one")

    assert (read_whole(store, "a/1", 3), read_whole(store, "a/1", 9), read_whole(store, "a/1", 1, 0)) == (b"", b"", b"")


def test_read_range_of_missing_object_raises(store):
    with pytest.raises(FileNotFoundError):
        store.read_range("a/never", 0, 1)
    assert (keys(store), store.delete_prefix("a/")) == ([], [])


@pytest.mark.parametrize("size", [0, 1, PART_SIZE - 1, PART_SIZE, len(LARGE)])
def test_upload_appears_only_when_complete(store, size):
    upload = write_blocks(store.start_upload("a/1"), LARGE[:size])
    before = keys(store)
    upload.complete()

    assert (before, keys(store), read_whole(store, "a/1")) == ([], ["a/1"], LARGE[:size])
    assert (upload.size, upload.sha256) == (size, hashlib.sha256(LARGE[:size]).hexdigest())


@pytest.mark.parametrize("size", [1, len(LARGE)])
def test_aborted_upload_leaves_nothing(store, size):
    store.put("a/1", b"before")
    write_blocks(store.start_upload("a/1"), LARGE[:size]).abort()

    assert (keys(store), read_whole(store, "a/1")) == (["a/1"], b"before")
    assert [found.key for found in store.delete_prefix("a/")] == ["a/1"]


def test_two_uploads_to_one_key_leave_one_object(store):
    uploads = [write_blocks(store.start_upload("a/1"), LARGE) for _ in range(2)]
    for upload in uploads:
        upload.complete()

    assert (keys(store), read_whole(store, "a/1") == LARGE) == (["a/1"], True)


def test_delete_prefix_keeps_given_key_and_other_prefixes(store):
    for key in ("a/1", "a/b/2", "ab/3"):
        store.put(key, b"x")

    removed = store.delete_prefix("a/", keep="a/1")

    assert [found.key for found in removed] == ["a/b/2"]
    assert (keys(store), keys(store, "ab/")) == (["a/1"], ["ab/3"])


def test_delete_prefix_aborts_incomplete_uploads(store):
    upload = write_blocks(store.start_upload("a/1"), LARGE)
    before = leftovers(store)

    store.delete_prefix("a/")

    assert (len(before), leftovers(store)) == (1, [])
    upload.abort()


def test_abort_uploads_removes_old_incomplete_uploads(store):
    upload = write_blocks(store.start_upload("a/1"), LARGE)
    long_ago = datetime(2000, 1, 1, tzinfo=UTC)

    aborted = [store.abort_uploads("a/", before) for before in (long_ago, datetime.now(UTC) + timedelta(hours=1))]

    assert (aborted, leftovers(store)) == ([0, 1], [])
    upload.abort()


def leftovers(store) -> list[object]:
    if isinstance(store, PrivateFileStorage):
        return store._files("a/")
    return store.client.list_multipart_uploads(Bucket=store.bucket_name).get("Uploads", [])


def test_delete_prefix_removes_earlier_versions(bucket):
    bucket.client.put_bucket_versioning(Bucket=bucket.bucket_name, VersioningConfiguration={"Status": "Enabled"})
    bucket.put("a/1", b"one")
    bucket.put("a/1", b"two")
    bucket.delete("a/1")

    bucket.delete_prefix("a/")

    found = bucket.client.list_object_versions(Bucket=bucket.bucket_name, Prefix="a/")
    assert ("Versions" in found, "DeleteMarkers" in found) == (False, False)


def test_delete_prefix_works_without_versioning(bucket, monkeypatch):
    bucket.put("a/1", b"one")
    refusal = ClientError({"Error": {"Code": "NotImplemented"}}, "ListObjectVersions")
    paginator = bucket.client.get_paginator

    class UnsupportedPaginator:
        def paginate(self, **_):
            raise refusal
            yield

    monkeypatch.setattr(
        bucket.client,
        "get_paginator",
        lambda name: UnsupportedPaginator() if name == "list_object_versions" else paginator(name),
    )

    assert [found.key for found in bucket.delete_prefix("a/")] == ["a/1"]
    assert keys(bucket) == []


def test_delete_prefix_works_without_bulk_deletion(bucket, monkeypatch):
    for number in range(3):
        bucket.put(f"a/{number}", b"one")

    def refuse(**_):
        raise ClientError({"Error": {"Code": "MissingContentMD5"}}, "DeleteObjects")

    monkeypatch.setattr(bucket.client, "delete_objects", refuse)

    assert (len(bucket.delete_prefix("a/")), keys(bucket)) == (3, [])


def test_delete_prefix_raises_if_objects_remain(bucket, monkeypatch):
    bucket.put("a/1", b"one")
    monkeypatch.setattr(bucket.client, "delete_objects", lambda **_: {"Errors": [{"Code": "AccessDenied"}]})

    with pytest.raises(StoreUnavailableError, match="1 objects not deleted: AccessDenied"):
        bucket.delete_prefix("a/")


@pytest.mark.parametrize(
    ("head", "is_complete"),
    [
        ({"ContentLength": len(LARGE), "ETag": '"a-tag-of-another-kind"'}, True),
        ({"ContentLength": len(LARGE) - 1, "ETag": '"a-tag-of-another-kind"'}, False),
    ],
)
def test_upload_is_read_back_if_etag_is_not_checksum(bucket, monkeypatch, head, is_complete):
    monkeypatch.setattr(bucket.client, "head_object", lambda **_: head)
    upload = write_blocks(bucket.start_upload("a/1"), LARGE)

    if is_complete:
        upload.complete()
    else:
        with pytest.raises(StoreUnavailableError, match=f"has {len(LARGE) - 1} of {len(LARGE)} bytes"):
            upload.complete()
    assert read_whole(bucket, "a/1") == LARGE


def test_upload_raises_if_stored_bytes_differ(bucket, monkeypatch):
    upload = write_blocks(bucket.start_upload("a/1"), LARGE)
    monkeypatch.setattr(bucket.client, "head_object", lambda **_: {"ContentLength": len(LARGE), "ETag": '"other"'})
    monkeypatch.setattr(upload, "_read_back", lambda: b"another digest")

    with pytest.raises(StoreUnavailableError, match="differs from the data that was sent"):
        upload.complete()


def test_signed_url_has_expiry_and_download_name(bucket, tmp_path):
    url = urlsplit(bucket.signed_url("a/1", 60, "steadyline-1.wav"))
    query = {name: values[0] for name, values in parse_qs(url.query).items()}

    assert url.path == f"/{bucket.bucket_name}/a/1"
    assert (query["X-Amz-Algorithm"], query["X-Amz-Expires"]) == ("AWS4-HMAC-SHA256", "60")
    assert query["X-Amz-SignedHeaders"] == "host"
    assert len(query["X-Amz-Signature"]) == 64
    assert query["response-content-disposition"] == 'attachment; filename="steadyline-1.wav"'
    assert PrivateFileStorage(location=tmp_path).signed_url("a/1", 60, "x.wav") is None


def test_stored_objects_are_private(bucket):
    requests = []
    bucket.client.meta.events.register("before-parameter-build.s3", lambda params, **_: requests.append(dict(params)))

    bucket.put("a/1", b"one")
    write_blocks(bucket.start_upload("a/2"), LARGE).complete()

    assert len(requests) >= 5
    assert [name for params in requests for name in params if name.startswith(("ACL", "Grant"))] == []


@pytest.mark.parametrize("fault", FAULTS)
def test_unavailable_store_raises_within_deadline(s3_url, proxy, fault):
    bucket = new_bucket(s3_url)
    bucket.put("a/1", b"one")
    proxied = PrivateS3Storage(**bucket_options(proxy.url, bucket.bucket_name), connect_timeout=0.3, read_timeout=0.3)

    with proxy.with_fault(fault):
        with pytest.raises(StoreUnavailableError):
            proxied.put("a/2", LARGE[:100_000])
        with pytest.raises(StoreUnavailableError):
            write_blocks(proxied.start_upload("a/3"), LARGE).complete()

    assert keys(bucket) == ["a/1"]
    patient = PrivateS3Storage(**bucket_options(proxy.url, bucket.bucket_name))
    patient.put("a/2", b"two")
    assert read_whole(patient, "a/2") == b"two"


def test_reader_resumes_after_broken_connection(s3_url, proxy):
    bucket = new_bucket(s3_url)
    bucket.put("a/1", LARGE)
    proxied = PrivateS3Storage(**bucket_options(proxy.url, bucket.bucket_name))
    reader = proxied.read_range("a/1", 0, len(LARGE))

    data = reader.read(1000)
    proxy.set_fault("")  # reset every open connection
    data += b"".join(iter(lambda: reader.read(1_000_000), b""))
    reader.close()

    assert hashlib.sha256(data).digest() == hashlib.sha256(LARGE).digest()


def test_key_cannot_escape_folder(tmp_path):
    store = PrivateFileStorage(location=tmp_path / "files")

    with pytest.raises(Exception, match=r"outside of the base path|Detected path traversal"):
        store.put(f"../{uuid4()}", b"x")
