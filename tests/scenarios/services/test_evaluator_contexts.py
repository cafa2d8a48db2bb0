import os
import time
from pathlib import Path

import pytest
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage, storages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction

from config.storage.disk import PrivateFileStorage
from scenarios.models import CONTEXT_FOLDER, Scenario
from scenarios.services.evaluator_contexts import (
    CONTEXT_LIMIT,
    MAX_CONTEXT_FILE_BYTES,
    delete_orphaned_contexts,
    new_context_file,
    read_context_file,
    replace_context_file,
    write_context_files,
    write_evaluator_context,
)
from scenarios.services.scenarios import delete_scenario
from tests.support.fixtures import add_scenario
from tests.support.store_owner import mark_store


@pytest.fixture
def scenario(organization) -> Scenario:
    return add_scenario(organization, "Writing from the train")


def files_of(scenario: Scenario) -> list[str]:
    folder = Path(default_storage.path(f"{CONTEXT_FOLDER}/{scenario.pk}"))
    return sorted(f"{CONTEXT_FOLDER}/{scenario.pk}/{path.name}" for path in folder.iterdir()) if folder.exists() else []


def upload(content: bytes, name: str = "context.txt") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


def test_context_is_stored_as_text_file(scenario):
    write_evaluator_context(scenario, "- Fragt nach: Was ist los? Äöü")

    key = scenario.evaluator_context_file.name
    assert key.startswith(f"evaluator_context/{scenario.pk}/") and key.endswith(".txt")
    with default_storage.open(key) as file:
        assert file.read() == "- Fragt nach: Was ist los? Äöü".encode()
    assert Scenario.objects.get().evaluator_context == "- Fragt nach: Was ist los? Äöü"


def test_new_text_replaces_file_after_commit(scenario, django_capture_on_commit_callbacks):
    write_evaluator_context(scenario, "- one")
    old = scenario.evaluator_context_file.name

    with django_capture_on_commit_callbacks(execute=True):
        write_evaluator_context(scenario, "- two")
        assert default_storage.exists(old)

    assert Scenario.objects.get().evaluator_context == "- two"
    assert not default_storage.exists(old)


@pytest.mark.django_db(transaction=True)
def test_rollback_keeps_old_text(scenario):
    write_evaluator_context(scenario, "- one")

    with pytest.raises(RuntimeError), transaction.atomic():
        write_evaluator_context(Scenario.objects.get(), "- two")
        raise RuntimeError

    assert Scenario.objects.get().evaluator_context == "- one"


def test_same_text_is_not_written_and_empty_text_removes_file(scenario, django_capture_on_commit_callbacks):
    write_evaluator_context(scenario, "- one")
    key = scenario.evaluator_context_file.name

    write_evaluator_context(scenario, "- one")
    assert scenario.evaluator_context_file.name == key
    with django_capture_on_commit_callbacks(execute=True):
        write_evaluator_context(scenario, "")

    assert Scenario.objects.get().evaluator_context == ""
    assert not default_storage.exists(key)


def test_text_over_limit_is_rejected(scenario):
    write_evaluator_context(scenario, "x" * CONTEXT_LIMIT)

    with pytest.raises(ValidationError, match="50,001 characters. The limit is 50,000"):
        write_evaluator_context(scenario, "x" * (CONTEXT_LIMIT + 1))

    assert len(Scenario.objects.get().evaluator_context) == CONTEXT_LIMIT


@pytest.mark.django_db(transaction=True)
def test_failed_save_leaves_no_file(scenario):
    with pytest.raises(RuntimeError), new_context_file(scenario.pk, "- two") as key, transaction.atomic():
        replace_context_file(scenario, key)
        raise RuntimeError

    assert files_of(scenario) == []
    assert Scenario.objects.get().evaluator_context_file.name == ""


def test_read_context_file_returns_content():
    text = "- Fragt nach: Äöü\n- zwei"

    assert read_context_file(upload(text.encode())) == text
    assert read_context_file(upload(b"\xef\xbb\xbf" + text.encode(), "Context.MD")) == text
    assert read_context_file(upload(text.replace("\n", "\r\n").encode())) == text
    assert len(read_context_file(upload(b"x" * CONTEXT_LIMIT))) == CONTEXT_LIMIT


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        (b"%PDF-1.7", "context.pdf", "Upload a .txt or .md file"),
        (b"PK\x03\x04", "context.docx", "Upload a .txt or .md file"),
        (b"text", "context", "Upload a .txt or .md file"),
        (b"%PDF-1.7 text", "context.txt", "This is a PDF or Word file with a different extension"),
        (b"PK\x03\x04 text", "context.md", "This is a PDF or Word file with a different extension"),
        (b"fine\nna\xefve", "context.txt", "Line 2 of this file is not UTF-8 text"),
        ("- wide".encode("utf-16"), "context.txt", "Line 1 of this file is not UTF-8 text"),
        (b"one\nt\0wo", "context.txt", "Line 2 of the evaluator context contains a character that can’t be stored"),
        (b"x" * (CONTEXT_LIMIT + 1), "context.txt", "50,001 characters. The limit is 50,000"),
        (b"x" * (MAX_CONTEXT_FILE_BYTES + 1), "context.txt", "This file is larger than 1 MB"),
    ],
)
def test_read_context_file_rejects_other_files(content, name, message):
    with pytest.raises(ValidationError, match=message):
        read_context_file(upload(content, name))


def read_text(key: str) -> str:
    with default_storage.open(key) as file:
        return file.read().decode()


def use_storage(settings, backend: str, **options: object) -> None:
    settings.STORAGES = settings.STORAGES | {"default": {"BACKEND": backend, "OPTIONS": options}}
    mark_store(storages["default"])


class LimitedStorage(PrivateFileStorage):
    """A storage that raises OSError once it has saved `max_saves` files."""

    def __init__(self, max_saves: int) -> None:
        super().__init__()
        self.remaining_saves = max_saves

    def _save(self, name: str, content: ContentFile) -> str:
        self.remaining_saves -= 1
        if self.remaining_saves < 0:
            raise OSError("The storage is unavailable.")
        return super()._save(name, content)


def test_write_context_files_writes_all_or_none(organization, settings):
    scenarios = [add_scenario(organization, f"Number {number}") for number in range(12)]
    texts = {scenario.pk: f"- {scenario.title}" for scenario in scenarios}

    keys = write_context_files(texts)

    assert {pk: read_text(key) for pk, key in keys.items()} == texts
    for key in keys.values():
        default_storage.delete(key)

    use_storage(settings, f"{__name__}.LimitedStorage", max_saves=5)
    with pytest.raises(OSError, match="The storage is unavailable."):
        write_context_files(texts)
    assert [files_of(scenario) for scenario in scenarios] == [[]] * 12


@pytest.mark.django_db(transaction=True)
def test_deleting_scenario_deletes_context_file(scenario):
    write_evaluator_context(scenario, "- one")
    assert len(files_of(scenario)) == 1

    delete_scenario(scenario)

    assert files_of(scenario) == []


def test_sweep_deletes_day_old_orphans(scenario, settings):
    settings.REAP_GRACE = 0
    write_evaluator_context(scenario, "- one")
    used = scenario.evaluator_context_file.name
    old, recent = (default_storage.save(f"{CONTEXT_FOLDER}/{scenario.pk}/x.txt", ContentFile(b"left")) for _ in "ab")
    file_of_deleted_scenario = default_storage.save(
        f"{CONTEXT_FOLDER}/{'0' * 8}-0000-4000-8000-{'0' * 12}/y.txt", ContentFile(b"left")
    )
    two_days_ago = time.time() - 2 * 86_400
    for key in (used, old, file_of_deleted_scenario):
        os.utime(default_storage.path(key), (two_days_ago, two_days_ago))

    removed = delete_orphaned_contexts()

    assert removed == 2
    assert files_of(scenario) == sorted([used, recent])
    assert not default_storage.exists(file_of_deleted_scenario)
    assert Scenario.objects.get().evaluator_context == "- one"


def test_sweep_without_folder_deletes_nothing(organization, settings, tmp_path):
    use_storage(settings, "config.storage.disk.PrivateFileStorage", location=tmp_path)

    assert delete_orphaned_contexts() == 0
