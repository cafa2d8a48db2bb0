"""Evaluator context files: validation, storage, replacement, and removal of orphans."""

import logging
import re
import uuid
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import PurePosixPath
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.services.database_connections import release_connection
from accounts.services.ownership import may_delete, may_remove_superseded
from accounts.services.reaping import ReapReport, reap
from scenarios.models import CONTEXT_FOLDER, Scenario

logger = logging.getLogger(__name__)

REAPER = "evaluator contexts"
CONTEXT_LIMIT = 50_000  # characters
MAX_CONTEXT_FILE_BYTES = 1024**2  # bytes
CONTEXT_FILE_SUFFIXES = {".txt", ".md"}
_ORPHAN_AGE = timedelta(days=1)
_STORAGE_THREADS = 8  # parallel requests, because storage may be slow
UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def clean_context_text(text: str) -> str:
    """Return the text with LF line endings. Raise ValidationError if it is too long or holds unstorable characters."""
    text = text.replace("\r\n", "\n")
    if len(text) > CONTEXT_LIMIT:
        raise ValidationError(
            _("The evaluator context has %(count)s characters. The limit is %(most)s."),
            params={"count": f"{len(text):,}", "most": f"{CONTEXT_LIMIT:,}"},
        )
    if found := UNSTORABLE.search(text):
        line = text.count("\n", 0, found.start()) + 1
        raise ValidationError(
            _("Line %(line)s of the evaluator context contains a character that can’t be stored. Remove it."),
            params={"line": line},
        )
    return text


def read_context_file(file: UploadedFile) -> str:
    """Return the text of an uploaded UTF-8 .txt or .md file.

    Raise ValidationError with advice on how to fix the file.
    """
    kind = PurePosixPath(file.name or "").suffix.lower()
    if kind not in CONTEXT_FILE_SUFFIXES:
        raise ValidationError(_("Upload a .txt or .md file, or paste the text into the field."))
    if (file.size or 0) > MAX_CONTEXT_FILE_BYTES:
        raise ValidationError(
            _("This file is larger than %(most)s MB."), params={"most": MAX_CONTEXT_FILE_BYTES // 1024**2}
        )
    content = file.read()
    if content.startswith((b"%PDF-", b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise ValidationError(
            _("This is a PDF or Word file with a different extension. Save its text as a .txt or .md file.")
        )
    try:
        return clean_context_text(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ValidationError(
            _("Line %(line)s of this file is not UTF-8 text. Save the file as UTF-8."), params={"line": line}
        ) from error


def write_context_file(scenario_id: UUID, text: str) -> str:
    """Store text under a new key and return the key, or "" if the text is empty. The row is updated later."""
    if not text:
        return ""
    name = f"{CONTEXT_FOLDER}/{scenario_id}/{uuid.uuid4()}.txt"
    release_connection()  # the store may take seconds to answer
    return default_storage.save(name, ContentFile(text.encode()))


def write_context_files(texts: dict[UUID, str]) -> dict[UUID, str]:
    """Store several texts in parallel and return their keys by scenario id. If one fails, remove them all and raise."""
    with ThreadPoolExecutor(_STORAGE_THREADS) as pool:
        written = {
            scenario_id: pool.submit(write_context_file, scenario_id, text) for scenario_id, text in texts.items()
        }
    failed = next((error for future in written.values() if (error := future.exception())), None)
    if failed:
        for future in written.values():
            if not future.exception():
                remove_context_file(future.result())
        raise failed
    return {pk: future.result() for pk, future in written.items()}


def read_evaluator_contexts(scenarios: Iterable[Scenario]) -> dict[UUID, str]:
    """Return the evaluator contexts by scenario id, read in parallel."""
    rows = list(scenarios)
    if not rows:
        return {}
    with ThreadPoolExecutor(_STORAGE_THREADS) as pool:
        texts = pool.map(lambda scenario: scenario.evaluator_context, rows)
        return {scenario.pk: text for scenario, text in zip(rows, texts, strict=True)}


def remove_context_file(key: str) -> None:
    """Delete a file that no row points to. On failure, log the error and leave the file to the sweep."""
    if not key:
        return
    try:
        default_storage.delete(key)
    except Exception:  # Storage backends raise errors of many types.
        logger.exception("Evaluator context not removed", extra={"key": key})


def remove_superseded_context(key: str) -> None:
    """Delete a file that a row pointed to until now, unless the database does not own the store."""
    if key and may_remove_superseded():
        remove_context_file(key)


@contextmanager
def new_context_file(scenario_id: UUID, text: str) -> Iterator[str]:
    """Store text and yield its key for a row that is saved inside the block. Remove the file if the block raises."""
    key = write_context_file(scenario_id, text)
    try:
        yield key
    except BaseException:
        remove_context_file(key)
        raise


def replace_context_file(scenario: Scenario, key: str) -> None:
    """Point the scenario at the file under this key and delete the old file after the commit."""
    old_key = scenario.evaluator_context_file.name
    scenario.evaluator_context_file = key
    Scenario.objects.filter(pk=scenario.pk).update(evaluator_context_file=key)
    if old_key and old_key != key:
        transaction.on_commit(lambda: remove_superseded_context(old_key), robust=True)


def write_evaluator_context(scenario: Scenario, text: str) -> None:
    """Store the text in a new file, point the saved scenario at it, and delete the old file after the commit.

    Raise ValidationError if the text has more than 50,000 characters.
    """
    text = clean_context_text(text)
    if text == scenario.evaluator_context:
        return
    with new_context_file(scenario.pk, text) as key, transaction.atomic():
        replace_context_file(scenario, key)


def delete_orphaned_contexts(is_all: bool = False) -> int:
    """Record files that no scenario has pointed to for a day, delete the due ones, and return how many were deleted.

    A process that dies between writing the file and the row leaves such a file.
    """
    return reap_contexts(is_all)[1]


def reap_contexts(is_all: bool = False) -> tuple[ReapReport, int]:
    """Run the reaper for context files. Return its report and the number of deleted files."""
    if not may_delete(REAPER, advance=True):
        return ReapReport(), 0
    try:
        folders, _ = default_storage.listdir(CONTEXT_FOLDER)
    except FileNotFoundError:
        folders = []
    keys = [f"{CONTEXT_FOLDER}/{folder}/{name}" for folder in folders for name in _files_in(folder)]
    return reap(REAPER, _find_orphans(keys), lambda: len(keys), _delete_orphan, is_all)


def _find_orphans(keys: list[str]) -> Iterator[str]:
    for start in range(0, len(keys), 500):
        batch = keys[start : start + 500]
        rows = Scenario.objects.filter(evaluator_context_file__in=batch)
        used = set(rows.values_list("evaluator_context_file", flat=True))
        yield from (key for key in batch if key not in used and _is_old(key))


def _is_old(key: str) -> bool:
    return default_storage.get_modified_time(key) < timezone.now() - _ORPHAN_AGE


def _delete_orphan(key: str) -> int:
    if Scenario.objects.filter(evaluator_context_file=key).exists() or not default_storage.exists(key):
        return 0
    remove_context_file(key)
    return 1


def _files_in(folder: str) -> list[str]:
    return default_storage.listdir(f"{CONTEXT_FOLDER}/{folder}")[1]
