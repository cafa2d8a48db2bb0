import subprocess
import sys
from contextlib import contextmanager

import pytest
from openai import NotFoundError, OpenAI

from .standin_process import ROOT, StandinProcess

CONTENT = b"Make a safety plan with the caller."


@contextmanager
def running_client(*options, **process):
    """Yield a client of a stand-in that is killed without warning at the end of the block."""
    with StandinProcess("--index-lag=0", *options, **process) as standin:
        with OpenAI(api_key="sk-test", base_url=standin.base_url, max_retries=0, timeout=60) as client:
            yield client
        standin.process.kill()


@pytest.fixture
def state(tmp_path):
    return tmp_path / "openai"


def attach(client, store_id, content=CONTENT, **options):
    return client.vector_stores.files.upload_and_poll(
        vector_store_id=store_id, file=("safety.txt", content), poll_interval_ms=20, **options
    )


def attach_unfinished(state, *contents):
    """Attach files in a process that ends before they are searchable. Return the id of their store."""
    with running_client("--state", state, "--index-lag=600") as client:
        store = client.vector_stores.create()
        for content in contents:
            file = client.files.create(file=("safety.txt", content), purpose="assistants")
            client.vector_stores.files.create(vector_store_id=store.id, file_id=file.id)
    return store.id


def search_texts(client, store_id, **options):
    return [result.content[0].text for result in client.vector_stores.search(store_id, query="safety plan", **options)]


def test_store_and_its_files_survive_a_killed_process(state):
    with running_client("--state", state) as client:
        store = client.vector_stores.create(name="procedures", metadata={"account": "717"})
        attached = attach(client, store.id, attributes={"version": 2})
        batch = client.vector_stores.file_batches.create_and_poll(store.id, file_ids=[attached.id], poll_interval_ms=20)
        client.vector_stores.files.update(attached.id, vector_store_id=store.id, attributes={"version": 3})
        before = client.vector_stores.retrieve(store.id), client.vector_stores.files.list(store.id).data
        file = client.files.retrieve(attached.id)

    with running_client("--state", state) as client:
        assert (client.vector_stores.retrieve(store.id), client.vector_stores.files.list(store.id).data) == before
        assert client.files.retrieve(attached.id) == file
        assert client.files.content(attached.id).read() == CONTENT
        assert client.vector_stores.file_batches.retrieve(batch.id, vector_store_id=store.id) == batch
        newest = {"type": "eq", "key": "version", "value": 3}
        assert search_texts(client, store.id, filters=newest) == [CONTENT.decode()]


def test_deletions_survive_a_restart(state):
    with running_client("--state", state) as client:
        kept, deleted = client.vector_stores.create(), client.vector_stores.create()
        deleted_file, detached_file = attach(client, kept.id), attach(client, kept.id)
        client.files.delete(deleted_file.id)
        client.vector_stores.files.delete(detached_file.id, vector_store_id=kept.id)
        client.vector_stores.delete(deleted.id)

    with running_client("--state", state) as client:
        assert [store.id for store in client.vector_stores.list()] == [kept.id]
        assert list(client.vector_stores.files.list(kept.id)) == []
        assert [file.id for file in client.files.list()] == [detached_file.id]


def test_interrupted_indexing_is_completed_after_a_restart(state):
    store_id = attach_unfinished(state, CONTENT, b"\0 no text")

    with running_client("--state", state) as client:
        files = [
            client.vector_stores.files.poll(file.id, vector_store_id=store_id, poll_interval_ms=20)
            for file in client.vector_stores.files.list(store_id, order="asc")
        ]
        assert [file.status for file in files] == ["completed", "failed"]
        assert search_texts(client, store_id) == [CONTENT.decode()]

    with running_client("--state", state) as client:
        assert [file.status for file in client.vector_stores.files.list(store_id, order="asc")] == [
            "completed",
            "failed",
        ]


@pytest.mark.parametrize("damage", [b"", b'{"id": "vs_', b"[]", b"{}", b'{"id": "vs_other"}', b"\xff\x00"])
def test_damaged_store_is_skipped_with_one_warning(state, capfd, damage):
    with running_client("--state", state) as client:
        damaged, whole = client.vector_stores.create(), client.vector_stores.create()
    path = state / "vector_stores" / f"{damaged.id}.json"
    path.write_bytes(damage)

    with running_client("--state", state) as client:
        assert [store.id for store in client.vector_stores.list()] == [whole.id]
        with pytest.raises(NotFoundError):
            client.vector_stores.retrieve(damaged.id)

    (warning,) = capfd.readouterr().err.splitlines()
    assert warning.startswith(f"standins.openai: could not read {path} and skipped it: ")


def test_missing_file_is_dropped_from_its_store(state, capfd):
    with running_client("--state", state) as client:
        store = client.vector_stores.create()
        missing, whole = attach(client, store.id), attach(client, store.id)
    (state / "files" / f"{missing.id}.json").unlink()

    with running_client("--state", state) as client:
        assert [file.id for file in client.vector_stores.files.list(store.id)] == [whole.id]
        assert search_texts(client, store.id) == [CONTENT.decode()]

    (warning,) = capfd.readouterr().err.splitlines()
    assert warning == f"standins.openai: skipped {missing.id} in {store.id} because the file is missing"


def test_interrupted_write_keeps_the_earlier_document(state, capfd):
    with running_client("--state", state) as client:
        store = client.vector_stores.create(name="whole")
    (state / "vector_stores" / f"{store.id}.new").write_bytes(b'{"id": "vs_')

    with running_client("--state", state) as client:
        assert client.vector_stores.retrieve(store.id).name == "whole"
        assert client.vector_stores.update(store.id, name="changed").name == "changed"

    assert [path.name for path in (state / "vector_stores").iterdir()] == [f"{store.id}.json"]
    assert capfd.readouterr().err == ""


def test_unwritable_folder_does_not_stop_the_standin(state, capfd):
    with running_client("--state", state) as client:
        state.rmdir()
        state.write_bytes(b"")

        store = client.vector_stores.create()
        assert client.vector_stores.retrieve(store.id).id == store.id

    (warning,) = capfd.readouterr().err.splitlines()
    assert warning.startswith(f"standins.openai: could not save {state / 'vector_stores' / store.id}.json: ")


def test_folder_that_cannot_be_created_is_refused(state):
    state.write_bytes(b"")
    command = [sys.executable, "-m", "standins.openai", "--port", "0", "--state", state]

    refused = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)

    assert refused.returncode == 2
    assert refused.stderr.splitlines()[-1].endswith(f"argument --state: {state}: File exists")


def test_nothing_is_saved_without_a_state_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    with running_client(cwd=tmp_path) as client:
        store = client.vector_stores.create()
        attach(client, store.id)

    with running_client(cwd=tmp_path) as client:
        assert list(client.vector_stores.list()) == []
    assert list(tmp_path.iterdir()) == []
