import gc
import hashlib
from uuid import uuid4

import pytest
from django.core.files.base import ContentFile

from recordings.models import Recording
from recordings.views import BLOCK_SIZE
from tests.recordings.object_stores import new_bucket, use_bucket
from tests.support.fixtures import *  # noqa: F403
from tests.support.fixtures import body_without_csrf_token, client_of
from training.models import Session
from training.services.sessions import EndReason, end_session

# Longer than two blocks, and no part of it repeats.
WAV = b"".join(n.to_bytes(4, "big") for n in range(BLOCK_SIZE // 4 * 2 + 25))


def add_recording(session: Session, content: bytes = WAV, state: str = Recording.State.COMPLETED) -> Recording:
    recording = Recording(session=session, organization_id=session.organization_id, state=state)
    recording.file.save("recording.wav", ContentFile(content), save=False)
    recording.size, recording.sha256 = len(content), hashlib.sha256(content).hexdigest()
    recording.save()
    return recording


@pytest.fixture(params=["folder", "s3"])
def store(request, settings):
    """Set up the store for the test's recordings and return its kind, "folder" or "s3"."""
    if request.param == "s3":
        use_bucket(settings, new_bucket(request.getfixturevalue("s3_url")))
    return request.param


@pytest.fixture
def recording(call, store):
    end_session(call, EndReason.HUNG_UP)
    return add_recording(call)


def paths(recording_id: object) -> list[str]:
    return [f"/recordings/{recording_id}/audio/", f"/api/recordings/{recording_id}/download/"]


async def body_of(response) -> bytes:
    if not response.streaming:
        return response.content
    return b"".join([block async for block in response.streaming_content])


both_endpoints = pytest.mark.parametrize("endpoint", [0, 1], ids=["audio", "download"])
async_database = pytest.mark.django_db(transaction=True)


@async_database
@both_endpoints
async def test_whole_file_is_sent_with_type_length_and_etag(recording, counselor, log_in, endpoint):
    client = await log_in(counselor)

    response = await client.get(paths(recording.pk)[endpoint])

    assert await body_of(response) == WAV
    assert (response.status_code, response["Content-Type"]) == (200, "audio/wav")
    assert int(response["Content-Length"]) == len(WAV)
    assert response["ETag"] == f'"{recording.sha256}"'
    assert response["Accept-Ranges"] == "bytes"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert "private" in response["Cache-Control"]
    assert ("attachment" in response.get("Content-Disposition", "")) == (endpoint == 1)


@async_database
@both_endpoints
@pytest.mark.parametrize(
    ("header", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=44-143", 44, 143),
        (f"bytes={BLOCK_SIZE - 1}-{BLOCK_SIZE}", BLOCK_SIZE - 1, BLOCK_SIZE),
        (f"bytes={len(WAV) - 10}-", len(WAV) - 10, len(WAV) - 1),
        ("bytes=-10", len(WAV) - 10, len(WAV) - 1),
        (f"bytes=5-{10 * len(WAV)}", 5, len(WAV) - 1),
    ],
)
async def test_range_returns_206_with_exact_bytes(recording, counselor, log_in, endpoint, header, first, last):
    client = await log_in(counselor)

    response = await client.get(paths(recording.pk)[endpoint], headers={"Range": header})

    assert await body_of(response) == WAV[first : last + 1]
    assert (response.status_code, response["Content-Range"]) == (206, f"bytes {first}-{last}/{len(WAV)}")
    assert int(response["Content-Length"]) == last - first + 1


@both_endpoints
def test_range_outside_file_returns_416_with_size(recording, counselor, endpoint):
    response = client_of(counselor).get(paths(recording.pk)[endpoint], headers={"Range": f"bytes={len(WAV)}-"})

    assert (response.status_code, response["Content-Range"]) == (416, f"bytes */{len(WAV)}")
    assert response.content == b""


@async_database
@pytest.mark.parametrize("header", ["bytes=0-1,4-5", "bytes=9-2", "pages=1-2", "bytes=" + "0-1," * 3000])
async def test_header_without_single_range_sends_whole_file(recording, counselor, log_in, header):
    client = await log_in(counselor)

    response = await client.get(paths(recording.pk)[0], headers={"Range": header})

    assert (response.status_code, len(await body_of(response))) == (200, len(WAV))


@async_database
async def test_if_range_with_other_etag_sends_whole_file(recording, counselor, log_in):
    client = await log_in(counselor)
    path = paths(recording.pk)[0]

    same = await client.get(path, headers={"Range": "bytes=0-9", "If-Range": f'"{recording.sha256}"'})
    other = await client.get(path, headers={"Range": "bytes=0-9", "If-Range": '"another"'})
    outside = await client.get(path, headers={"Range": f"bytes={len(WAV)}-", "If-Range": '"another"'})

    assert (same.status_code, await body_of(same)) == (206, WAV[:10])
    assert (other.status_code, await body_of(other)) == (200, WAV)
    assert (outside.status_code, await body_of(outside)) == (200, WAV)


@both_endpoints
@pytest.mark.parametrize("header", [None, "bytes=0-9", "bytes=999999999-"])
def test_head_returns_headers_of_whole_file(recording, counselor, endpoint, header):
    headers = {"Range": header} if header else {}

    response = client_of(counselor).head(paths(recording.pk)[endpoint], headers=headers)

    assert (response.status_code, response.content) == (200, b"")
    assert int(response["Content-Length"]) == len(WAV)
    assert response["Accept-Ranges"] == "bytes"


@both_endpoints
def test_other_peoples_recording_is_404(recording, colleague, stranger, supervisor, endpoint):
    for person in (colleague, stranger):
        client = client_of(person)
        theirs, unknown = client.get(paths(recording.pk)[endpoint]), client.get(paths(uuid4())[endpoint])
        assert (theirs.status_code, body_without_csrf_token(theirs)) == (404, body_without_csrf_token(unknown))
    assert client_of(supervisor).head(paths(recording.pk)[endpoint]).status_code == 200


@both_endpoints
@pytest.mark.parametrize("state", [Recording.State.RECORDING, Recording.State.ABSENT, Recording.State.FAILED])
def test_recording_without_file_is_404(call, counselor, endpoint, state):
    recording = Recording.objects.create(session=call, organization_id=call.organization_id, state=state)

    assert client_of(counselor).get(paths(recording.pk)[endpoint]).status_code == 404


@async_database
async def test_empty_file_is_sent_empty(call, counselor, log_in):
    recording = await Recording.objects.acreate(session=call, organization_id=call.organization_id, file="x", size=0)
    client = await log_in(counselor)

    response = await client.head(paths(recording.pk)[0])

    assert (response.status_code, response["Content-Length"]) == (200, "0")


@async_database
async def test_client_disconnect_closes_file(recording, counselor, log_in):
    client = await log_in(counselor)

    response = await client.get(paths(recording.pk)[0])
    blocks = aiter(response)
    first = await anext(blocks)
    await blocks.aclose()
    del response, blocks
    gc.collect()  # a file left open would warn here, and warnings are errors

    assert first == WAV[:BLOCK_SIZE]
