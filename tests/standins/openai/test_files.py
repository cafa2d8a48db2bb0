import json

import pytest
from openai import BadRequestError, NotFoundError
from openai.types import FileObject

from .sdk_type_validation import type_problems

BYTES = bytes(range(256)) + b"\r\n--boundary\r\n\r\nend"


def test_uploaded_file_is_returned_byte_for_byte(client):
    created = client.files.create(file=("caf\u00e9 \u201cA\u201d.bin", BYTES), purpose="assistants")

    assert client.files.content(created.id).read() == BYTES
    assert (created.filename, created.bytes) == ("caf\u00e9 \u201cA\u201d.bin", len(BYTES))


def test_file_matches_the_sdks_type(client):
    raw = client.files.with_raw_response.create(file=("a.txt", b"text"), purpose="user_data")

    assert type_problems(FileObject, json.loads(raw.http_response.content)) == []


def test_files_are_listed_newest_first_by_purpose_and_page(client):
    ids = [client.files.create(file=(f"{n}.txt", b"x"), purpose="vision").id for n in range(3)]

    listed = [file.id for file in client.files.list(purpose="vision", limit=2)]

    assert listed == ids[::-1]


def test_deleted_file_is_removed_from_its_vector_stores(client, procedures):
    (attached,) = client.vector_stores.files.list(procedures)

    assert client.files.delete(attached.id).deleted

    with pytest.raises(NotFoundError, match=f"No such File object: {attached.id}"):
        client.files.retrieve(attached.id)
    assert list(client.vector_stores.files.list(procedures)) == []


def test_unknown_purpose_is_refused(client):
    with pytest.raises(BadRequestError) as refused:
        client.files.create(file=("a.txt", b"x"), purpose="nonsense")

    assert refused.value.param == "purpose"


async def test_async_client_uploads_a_file(async_client):
    created = await async_client.files.create(file=("a.txt", b"text"), purpose="assistants")

    assert (await async_client.files.delete(created.id)).deleted
