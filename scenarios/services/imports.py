"""Life cycle of imports: staging, start, stop, and discarding. A worker writes them in between."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
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
from scenarios import tasks
from scenarios.messages import Message
from scenarios.models import ImportJob, ImportRow
from scenarios.packs.reader import UnknownColumns, read_pack, reject_oversized_file
from scenarios.packs.rows import PackRow, UnreadablePackError
from scenarios.services.import_cleanup import discard_unstarted
from scenarios.services.import_matching import normalize_name
from scenarios.services.import_validation import RowValidator, SeenRows, StoredProblem, ValidatedRow

MAX_ROWS = 20_000  # rows of an uploaded pack
MAX_BYTES = 32 * 1024**2  # bytes
MAX_API_ROWS = 100  # rows of a pack sent to the API
_CHECKED_AT_ONCE = 200  # rows


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
    most_rows: int = MAX_ROWS,
    idempotency_key: str = "",
    seen: SeenRows | None = None,
    on_progress: Callable[[int], None] = lambda rows: None,
) -> ImportJob:
    """Read and validate a pack and store its rows with their outcomes. The library is not changed.

    Return the existing job if one was started with the same idempotency key. Files imported together share `seen`.
    Raise UnreadablePackError if the file cannot be read in full, ContextUnavailableError, or
    IdempotencyKeyReusedError. After an error, nothing is kept.
    """
    reject_oversized_file(file, MAX_BYTES)
    digest = _digest(file, options)
    if idempotency_key and (known := _known(organization, idempotency_key, digest)):
        return known
    # A savepoint: a request with the same key may insert its job first.
    try:
        with transaction.atomic() if idempotency_key else nullcontext():
            job = ImportJob.objects.create(
                organization=organization,
                created_by=by,
                source=source,
                filename=filename[-255:],
                sha256=digest,
                idempotency_key=idempotency_key,
                **vars(options),
            )
    except IntegrityError:
        known = _known(organization, idempotency_key, digest)
        if known is None:
            raise
        return known
    try:
        _store_rows(job, file, most_rows, RowValidator(job, seen), on_progress)
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


def _known(organization: Organization, key: str, digest: str) -> ImportJob | None:
    job = ImportJob.objects.filter(organization=organization, idempotency_key=key).first()
    if job and _is_abandoned(job) and discard_import(job):
        return None
    if job and job.sha256 != digest:
        raise IdempotencyKeyReusedError(
            _("This Idempotency-Key was already used with a different body. Send a new key with a new body.")
        )
    return job


def _is_abandoned(job: ImportJob) -> bool:
    """Return True if the process that was reading or deleting the job has died."""
    is_old = job.created_at < timezone.now() - timedelta(seconds=settings.IMPORT_LOST_AFTER)
    return job.status == ImportJob.Status.FORGOTTEN or (job.status == ImportJob.Status.CHECKING and is_old)


def _store_rows(
    job: ImportJob, file: BinaryIO, most_rows: int, checker: RowValidator, on_progress: Callable[[int], None]
) -> None:
    notes, new_categories = UnknownColumns(), dict[str, str]()
    rows: Iterator[PackRow] = read_pack(file, job.filename, notes=notes, most_bytes=MAX_BYTES, most_rows=most_rows)
    while some := list(islice(rows, _CHECKED_AT_ONCE)):
        checked = checker.validate(some)
        ImportRow.objects.bulk_create(_as_row(job, one) for one in checked)
        _collect_new_categories(new_categories, checker, checked)
        job.total += len(checked)
        job.invalid += sum(one.outcome == ImportRow.Outcome.INVALID for one in checked)
        job.to_write += sum(one.outcome in (ImportRow.Outcome.NEW, ImportRow.Outcome.CHANGED) for one in checked)
        on_progress(job.total)
    if not job.total:
        raise UnreadablePackError(Message(gettext_noop("The file has no rows.")))
    job.ignored_columns, job.new_categories = sorted(notes.ignored_columns), list(new_categories.values())
    job.status = ImportJob.Status.CHECKED
    found = ("total", "invalid", "to_write", "ignored_columns", "new_categories", "status")
    counted = {name: getattr(job, name) for name in found}
    if not ImportJob.objects.filter(pk=job.pk, status=ImportJob.Status.CHECKING).update(**counted):
        raise UnreadablePackError(Message(gettext_noop("The import was discarded while the file was being read.")))


def _collect_new_categories(names: dict[str, str], checker: RowValidator, checked: Sequence[ValidatedRow]) -> None:
    """Add the rows' unknown categories to `names`, by normalized name, as first spelled."""
    for one in checked:
        name = str(one.values.get("category", "")).strip()
        waits = one.outcome in (ImportRow.Outcome.NEW, ImportRow.Outcome.CHANGED)
        if waits and name and not checker.library.categories.find(name):
            names.setdefault(normalize_name(name), name)


def _as_row(job: ImportJob, checked: ValidatedRow) -> ImportRow:
    waits = checked.outcome in (ImportRow.Outcome.NEW, ImportRow.Outcome.CHANGED)
    return ImportRow(
        organization_id=job.organization_id,
        job=job,
        number=checked.row.number,
        line=checked.row.line,
        title=str(checked.values.get("title", ""))[:255],
        outcome=checked.outcome,
        values=checked.values if waits else {},
        problems=checked.problems,
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
        transaction.on_commit(lambda: tasks.write_import.delay(str(job.pk)), robust=True)
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
        transaction.on_commit(lambda: tasks.write_import.delay(str(job.pk)), robust=True)
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


class RowError(StoredProblem):
    """A problem of an invalid row, with the row's number and title."""

    row: int
    title: str


@dataclass(frozen=True)
class ImportSummary:
    """Counts, titles, and errors of a pack's rows."""

    created: int
    updated: int
    skipped: int
    invalid: int
    created_titles: list[str]
    updated_titles: list[str]
    skipped_titles: list[str]
    errors: list[RowError]
    new_categories: list[str]


def summarize_import(job: ImportJob, *, expected: bool = False) -> ImportSummary:
    """Return the outcome of a pack's rows so far.

    With `expected`, rows waiting to be written count as written. A dry run reports that.
    """
    titles: dict[str, list[str]] = {"created": [], "updated": [], "skipped": [], "invalid": []}
    errors: list[RowError] = []
    names: dict[str, str] = {
        ImportRow.Outcome.CREATED: "created",
        ImportRow.Outcome.UPDATED: "updated",
        ImportRow.Outcome.DUPLICATE: "skipped",
        ImportRow.Outcome.INVALID: "invalid",
    }
    if expected:
        names |= {ImportRow.Outcome.NEW: "created", ImportRow.Outcome.CHANGED: "updated"}
    rows = job.rows.order_by("number").values_list("number", "title", "outcome", "problems")
    for number, title, outcome, problems in rows.iterator():
        if outcome in names:
            titles[names[outcome]].append(title)
        if outcome == ImportRow.Outcome.INVALID:
            errors += [_row_error(number, title, problem) for problem in problems]
    return ImportSummary(
        created=len(titles["created"]),
        updated=len(titles["updated"]),
        skipped=len(titles["skipped"]),
        invalid=len(titles["invalid"]),
        created_titles=titles["created"],
        updated_titles=titles["updated"],
        skipped_titles=titles["skipped"],
        errors=errors,
        new_categories=job.new_categories,
    )


def _row_error(number: int, title: str, problem: StoredProblem) -> RowError:
    return {
        "row": number,
        "title": title,
        "field": problem["field"],
        "message": problem["message"],
        "line": problem["line"],
        "column": problem["column"],
    }
