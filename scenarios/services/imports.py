"""Life cycle of imports: staging, starting, stopping, and discarding. `import_writing` writes the rows."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import islice
from typing import BinaryIO

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts.models import Account, Organization, User
from accounts.services.rate_limits import UsageKind, spend
from accounts.services.task_queue import queue_on_commit
from accounts.web.visible_text import clean_filename
from scenarios import tasks
from scenarios.messages import Message
from scenarios.models import ImportJob, ImportRow
from scenarios.packs.reader import UnknownColumns, read_pack, reject_oversized_file
from scenarios.packs.rows import PackRow, UnreadablePackError
from scenarios.services.import_cleanup import discard_unstarted
from scenarios.services.import_errors import needs_only_category
from scenarios.services.import_matching import normalize_name
from scenarios.services.import_validation import RowValidator, SeenRows, ValidatedRow

MAX_ROWS = 20_000  # rows of an uploaded pack
MAX_BYTES = 32 * 1024**2  # bytes
MAX_API_ROWS = 100  # rows of a pack sent to the API
_BATCH_SIZE = 200  # rows validated and stored at a time


class IdempotencyKeyReusedError(Exception):
    """An Idempotency-Key that was sent before with a different body."""


@dataclass(frozen=True)
class ImportOptions:
    """Options for importing a pack."""

    account: Account | None = None  # for rows that name none; None means the whole organization
    may_update: bool = False  # change existing scenarios of the same title
    creates_categories: bool = False  # add categories that do not exist yet
    is_partial: bool = False  # write valid rows even if others are invalid


def stage_import(
    organization: Organization,
    by: User | None,
    file: BinaryIO,
    filename: str,
    source: ImportJob.ImportSource,
    options: ImportOptions = ImportOptions(),
    *,
    max_rows: int = MAX_ROWS,
    idempotency_key: str = "",
    seen: SeenRows | None = None,
    on_progress: Callable[[int], None] = lambda rows: None,
) -> ImportJob:
    """Read and validate a pack and store its rows with their outcomes. The library is not changed.

    Return the existing job if one was started with the same idempotency key. Files imported together share `seen`.
    Raise UnreadablePackError if the file cannot be read in full, ContextUnavailableError, or
    IdempotencyKeyReusedError. After an error, nothing is kept. Raise RateLimitExceededError, before the file is read,
    above the rate limit.
    """
    reject_oversized_file(file, MAX_BYTES)
    job = ImportJob(
        organization=organization,
        created_by=by,
        source=source,
        filename=clean_filename(filename, 255),
        sha256=_digest(file, options),
        idempotency_key=idempotency_key,
        **vars(options),
    )
    if existing := _insert_or_find(job):
        return existing
    try:
        if by is not None and source != ImportJob.ImportSource.COMMAND:
            spend(UsageKind.UPLOADS, by)
        _store_rows(job, file, max_rows, RowValidator(job, seen), on_progress)
    except BaseException:
        job.delete()
        raise
    return job


def _digest(file: BinaryIO, options: ImportOptions) -> str:
    account = options.account.pk if options.account else None
    digest = hashlib.sha256(repr(replace(options, account=None)).encode() + repr(account).encode())
    file.seek(0)
    for block in iter(lambda: file.read(1 << 16), b""):
        digest.update(block)
    file.seek(0)
    return digest.hexdigest()


def _insert_or_find(job: ImportJob) -> ImportJob | None:
    """Insert the job, or return the existing job with the same idempotency key. Raise IdempotencyKeyReusedError."""
    if not job.idempotency_key:
        job.save(force_insert=True)
        return None
    if existing := _find_existing(job):
        return existing
    try:
        # A savepoint: a request with the same key may insert its job first.
        with transaction.atomic():
            job.save(force_insert=True)
    except IntegrityError:
        if existing := _find_existing(job):
            return existing
        raise
    return None


def _find_existing(job: ImportJob) -> ImportJob | None:
    """Return the earlier job with the same idempotency key. Raise IdempotencyKeyReusedError if the request differs."""
    existing = ImportJob.objects.filter(organization=job.organization, idempotency_key=job.idempotency_key).first()
    if existing and _is_abandoned(existing) and discard_import(existing):
        return None
    if existing and existing.sha256 != job.sha256:
        raise IdempotencyKeyReusedError(
            _("This Idempotency-Key was already used with a different body. Send a new key with a new body.")
        )
    return existing


def _is_abandoned(job: ImportJob) -> bool:
    """Return True if the process that was reading or deleting the job has died."""
    is_old = job.created_at < timezone.now() - timedelta(seconds=settings.IMPORT_LOST_AFTER)
    return job.status == ImportJob.Status.FORGOTTEN or (job.status == ImportJob.Status.CHECKING and is_old)


def _store_rows(
    job: ImportJob, file: BinaryIO, max_rows: int, validator: RowValidator, on_progress: Callable[[int], None]
) -> None:
    unknown, new_categories = UnknownColumns(), dict[str, str]()
    rows: Iterator[PackRow] = read_pack(
        file, job.filename, unknown_columns=unknown, max_bytes=MAX_BYTES, max_rows=max_rows
    )
    while batch := list(islice(rows, _BATCH_SIZE)):
        validated = validator.validate(batch)
        ImportRow.objects.bulk_create(_as_row(job, row, validator) for row in validated)
        _collect_new_categories(new_categories, validator, validated)
        job.total += len(validated)
        job.invalid += sum(row.outcome == ImportRow.Outcome.INVALID for row in validated)
        job.to_write += sum(row.is_to_be_written for row in validated)
        on_progress(job.total)
    if not job.total:
        raise UnreadablePackError(Message(gettext_noop("The file has no rows.")))
    job.ignored_columns, job.new_categories = sorted(unknown.ignored_columns), list(new_categories.values())
    job.status = ImportJob.Status.CHECKED
    names = ("total", "invalid", "to_write", "ignored_columns", "new_categories", "status")
    fields = {name: getattr(job, name) for name in names}
    if not ImportJob.objects.filter(pk=job.pk, status=ImportJob.Status.CHECKING).update(**fields):
        raise UnreadablePackError(Message(gettext_noop("The import was discarded while the file was being read.")))


def _collect_new_categories(names: dict[str, str], validator: RowValidator, rows: Sequence[ValidatedRow]) -> None:
    """Add the rows' unknown categories to `names`, by normalized name, as first spelled."""
    for row in rows:
        name = str(row.values.get("category", "")).strip()
        if row.is_to_be_written and name and not validator.library.categories.find(name):
            names.setdefault(normalize_name(name), name)


def _as_row(job: ImportJob, validated: ValidatedRow, validator: RowValidator) -> ImportRow:
    is_waiting = needs_only_category(validated.values, validated.problems, validator.library.categories)
    return ImportRow(
        organization_id=job.organization_id,
        job=job,
        number=validated.row.number,
        line=validated.row.line,
        title=str(validated.values.get("title", ""))[:255],
        outcome=validated.outcome,
        values=validated.values if validated.is_to_be_written or is_waiting else {},
        problems=validated.problems,
    )


def start_import(job: ImportJob, *, queue: bool = True) -> bool:
    """Release a checked pack for writing. Return False if it was started before or invalid rows block it.

    A pack with nothing to write is completed at once. With `queue=False`, the caller runs `write_import`.
    """
    # A job that is still being checked has an incomplete row count.
    if job.status != ImportJob.Status.CHECKED or (job.invalid and not job.is_partial):
        return False
    checked = ImportJob.objects.filter(pk=job.pk, status=ImportJob.Status.CHECKED)
    if job.to_write:
        job.status = ImportJob.Status.QUEUED
        is_started = checked.requeue(status=job.status)
    else:
        job.status, job.finished_at = ImportJob.Status.COMPLETED, timezone.now()
        is_started = checked.settle(status=job.status, finished_at=job.finished_at)
    if not is_started:
        job.refresh_from_db()
        return False
    if job.to_write and queue:
        # Robust: if the broker is down, the sweep finds the import and queues it again.
        queue_on_commit(tasks.write_import, str(job.pk))
    return True


def allow_partial(job: ImportJob) -> None:
    """Allow the valid rows to be written even though others are invalid."""
    ImportJob.objects.filter(pk=job.pk, status=ImportJob.Status.CHECKED).update(is_partial=True)
    job.refresh_from_db()


def resume_import(job: ImportJob) -> bool:
    """Queue the unwritten rows of a failed import. Return False if it has not failed or was already resumed."""
    failed = ImportJob.objects.filter(pk=job.pk, status=ImportJob.Status.FAILED)
    resumed = failed.requeue(status=ImportJob.Status.QUEUED, failure="", finished_at=None)
    if resumed:
        queue_on_commit(tasks.write_import, str(job.pk))
    job.refresh_from_db()
    return bool(resumed)


def stop_import(job: ImportJob) -> None:
    """Stop an import that is under way. Rows already written stay."""
    ImportJob.objects.under_way().filter(pk=job.pk).settle(
        status=ImportJob.Status.FAILED, failure=gettext_noop("The import was stopped."), finished_at=timezone.now()
    )


def discard_import(job: ImportJob) -> bool:
    """Delete a pack whose import has not started. Return False if it has."""
    return discard_unstarted(ImportJob.objects.filter(pk=job.pk))
