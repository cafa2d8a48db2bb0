import json

import pytest
from openai import NotFoundError
from openai.types import VectorStore
from openai.types.vector_stores import VectorStoreFile

from .sdk_type_validation import type_problems


def text_pdf(line, to_unicode=""):
    """Return a minimal PDF with one line of text, in a font with the mapping `to_unicode`."""
    stream = f"BT /F1 12 Tf 20 100 Td ({line}) Tj ET".encode()
    mapping = f"1 beginbfchar {to_unicode} endbfchar".encode()
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 200]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%b\nendstream" % (len(stream), stream),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/ToUnicode 6 0 R>>",
        b"<</Length %d>>stream\n%b\nendstream" % (len(mapping), mapping),
    ]
    pdf, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        offsets.append(len(pdf))
        pdf += b"%d 0 obj%b endobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    end = b"xref\n0 7\n0000000000 65535 f \n%btrailer<</Size 7/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF"
    return pdf + end % (table, len(pdf))


def attach(client, store_id, name, content, **options):
    return client.vector_stores.files.upload_and_poll(
        vector_store_id=store_id, file=(name, content), poll_interval_ms=20, **options
    )


def test_store_is_created_changed_listed_and_deleted(client):
    store = client.vector_stores.create(name="one", metadata={"account": "717"})

    changed = client.vector_stores.update(store.id, name="two")

    assert (changed.name, changed.metadata, changed.status) == ("two", {"account": "717"}, "completed")
    assert store.id in [listed.id for listed in client.vector_stores.list(limit=100)]
    assert client.vector_stores.delete(store.id).deleted
    with pytest.raises(NotFoundError, match=f"No vector store found with id '{store.id}'."):
        client.vector_stores.retrieve(store.id)


def test_store_and_file_match_the_sdks_types(client, procedures):
    store = client.vector_stores.with_raw_response.retrieve(procedures)
    (file,) = client.vector_stores.files.list(procedures)
    attached = client.vector_stores.files.with_raw_response.retrieve(file.id, vector_store_id=procedures)

    assert type_problems(VectorStore, json.loads(store.http_response.content)) == []
    assert type_problems(VectorStoreFile, json.loads(attached.http_response.content)) == []


def test_attached_file_is_in_progress_at_first(client):
    store = client.vector_stores.create()
    file = client.files.create(file=("a.txt", b"Some words."), purpose="assistants")

    attached = client.vector_stores.files.create(vector_store_id=store.id, file_id=file.id)
    counts = client.vector_stores.retrieve(store.id).file_counts
    polled = client.vector_stores.files.poll(file.id, vector_store_id=store.id, poll_interval_ms=20)

    assert (attached.status, polled.status) == ("in_progress", "completed")
    assert (counts.in_progress, counts.total) == (1, 1)


def test_text_of_a_pdf_is_extracted(client):
    store = client.vector_stores.create()

    attached = attach(client, store.id, "a.pdf", text_pdf("Ask about the weather"))

    (chunk,) = client.vector_stores.files.content(attached.id, vector_store_id=store.id)
    assert (attached.status, chunk.text) == ("completed", "Ask about the weather")


def test_pdf_with_a_lone_surrogate_is_read(client):
    store = client.vector_stores.create()

    attached = attach(client, store.id, "a.pdf", text_pdf("ABC", to_unicode="<41> <D800>"))

    (chunk,) = client.vector_stores.files.content(attached.id, vector_store_id=store.id)
    assert (attached.status, chunk.text) == ("completed", "?BC")


@pytest.mark.parametrize("content", [b"", b"\x00\x01\x02", b"%PDF-1.4 broken", text_pdf("")])
def test_file_without_readable_text_fails_with_a_reason(client, content):
    store = client.vector_stores.create()

    attached = attach(client, store.id, "a.pdf", content)

    assert attached.status == "failed"
    assert attached.last_error.code == "invalid_file"
    assert attached.last_error.message != ""


def test_search_finds_the_best_passage_first(client):
    store = client.vector_stores.create()
    attach(client, store.id, "tea.txt", b"How to make tea.")
    attach(client, store.id, "safety.txt", b"Make a safety plan with the caller.")

    found = list(client.vector_stores.search(store.id, query="safety plans"))

    assert [result.filename for result in found] == ["safety.txt"]
    assert found[0].content[0].text == "Make a safety plan with the caller."


def test_search_filters_by_attributes(client):
    store = client.vector_stores.create()
    attach(client, store.id, "old.txt", b"Safety plan.", attributes={"version": 1})
    attach(client, store.id, "new.txt", b"Safety plan.", attributes={"version": 2})

    found = client.vector_stores.search(store.id, query="safety", filters={"type": "gt", "key": "version", "value": 1})

    assert [result.filename for result in found] == ["new.txt"]


def test_detached_file_still_exists(client, procedures):
    (attached,) = client.vector_stores.files.list(procedures)

    client.vector_stores.files.delete(attached.id, vector_store_id=procedures)

    assert client.files.retrieve(attached.id).id == attached.id
    with pytest.raises(NotFoundError, match=f"No file found with id '{attached.id}' in vector store '{procedures}'."):
        client.vector_stores.files.retrieve(attached.id, vector_store_id=procedures)


def test_unknown_file_cannot_be_attached(client, procedures):
    with pytest.raises(NotFoundError, match="No such File object: file-unknown"):
        client.vector_stores.files.create(vector_store_id=procedures, file_id="file-unknown")


def test_batch_counts_its_files(client):
    store = client.vector_stores.create()
    files = [client.files.create(file=(f"{n}.txt", b"Words."), purpose="assistants").id for n in range(2)]

    batch = client.vector_stores.file_batches.create_and_poll(store.id, file_ids=files, poll_interval_ms=20)

    assert (batch.status, batch.file_counts.completed, batch.file_counts.total) == ("completed", 2, 2)
    assert {
        file.id for file in client.vector_stores.file_batches.list_files(batch.id, vector_store_id=store.id)
    } == set(files)
