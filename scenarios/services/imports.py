import hashlib
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, BinaryIO
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils import timezone

from accounts.models import Account, Organization, User
from scenarios import tasks
from scenarios.models import ImportJob, ImportJobQuerySet, ImportRow
from scenarios.packs.reading import Notes, read_pack, refuse_too_large
from scenarios.packs.rows import PackRefused, PackRow
from scenarios.services.import_checks import Checked, RowChecker, Seen
from scenarios.services.import_library import matching_name
from scenarios.services.import_writing import write_rows

logger = logging.getLogger(__name__)

MOST_ROWS = 20_000
MOST_BYTES = 32 * 1024**2
API_MOST_ROWS = 100
_CHECKED_AT_ONCE = 200
_TURN = 200  # seconds of writing until the task goes to the back of the queue, well before its time limit
_KEPT = timedelta(days=1)  # a checked pack that nobody began


class KeyReused(Exception):
    """This Idempotency-Key came before, with another body."""


@dataclass(frozen=True)
class ImportOptions:
    """How a pack is taken. `account` is for rows that name none; without one they are the organization's."""

    account: Account | None = None
    may_update: bool = False
    creates_categories: bool = False
    is_partial: bool = False


def check_pack(
    organization: Organization,
    by: User | None,
    file: BinaryIO,
    filename: str,
    source: ImportJob.Source,
    options: ImportOptions = ImportOptions(),
    *,
    most_rows: int = MOST_ROWS,
    idempotency_key: str = "",
    seen: Seen | None = None,
    on_progress: Callable[[int], None] = lambda rows: None,
) -> ImportJob:
    """Read a pack and keep every row with what would become of it. The library is not touched yet.

    Raises PackRefused for a file that cannot be read whole, ContextUnavailable (nothing is kept) and KeyReused. A job
    that was begun with the same key comes back as it is by now. Files that are imported one after another share `seen`.
    """
    refuse_too_large(file, MOST_BYTES)
    digest = _digest(file, options)
    if idempotency_key and (known := _known(organization, idempotency_key, digest)):
        return known
    # A savepoint where the key may be taken meanwhile.
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
        _keep_rows(job, file, most_rows, RowChecker(job, seen), on_progress)
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
    if job and _is_left(job) and forget_import(job):
        return None
    if job and job.sha256 != digest:
        raise KeyReused("This Idempotency-Key was sent before with another body. Send a new key with a new body.")
    return job


def _is_left(job: ImportJob) -> bool:
    """Whoever read or deleted it is gone."""
    is_old = job.created_at < _lost_before()
    return job.status == ImportJob.Status.FORGOTTEN or (job.status == ImportJob.Status.CHECKING and is_old)


def _keep_rows(
    job: ImportJob, file: BinaryIO, most_rows: int, checker: RowChecker, on_progress: Callable[[int], None]
) -> None:
    notes, new_categories = Notes(), dict[str, str]()
    rows: Iterator[PackRow] = read_pack(file, job.filename, notes=notes, most_bytes=MOST_BYTES, most_rows=most_rows)
    while some := list(islice(rows, _CHECKED_AT_ONCE)):
        checked = checker.check(some)
        ImportRow.objects.bulk_create(_as_row(job, one) for one in checked)
        _note_categories(new_categories, checker, checked)
        job.total += len(checked)
        job.invalid += sum(one.outcome == ImportRow.Outcome.INVALID for one in checked)
        job.to_write += sum(one.outcome in (ImportRow.Outcome.NEW, ImportRow.Outcome.CHANGED) for one in checked)
        on_progress(job.total)
    if not job.total:
        raise PackRefused("The file has no rows.")
    job.ignored_columns, job.new_categories = sorted(notes.ignored_columns), list(new_categories.values())
    job.status = ImportJob.Status.CHECKED
    found = ("total", "invalid", "to_write", "ignored_columns", "new_categories", "status")
    counted = {name: getattr(job, name) for name in found}
    if not ImportJob.objects.filter(pk=job.pk, status=ImportJob.Status.CHECKING).update(**counted):
        raise PackRefused("The import was discarded while the file was read.")


def _note_categories(names: dict[str, str], checker: RowChecker, checked: Sequence[Checked]) -> None:
    """Add what the rows bring that is no category yet, by what it comes to, as it is first written."""
    for one in checked:
        name = str(one.values.get("category", "")).strip()
        waits = one.outcome in (ImportRow.Outcome.NEW, ImportRow.Outcome.CHANGED)
        if waits and name and not checker.library.categories.find(name):
            names.setdefault(matching_name(name), name)


def _as_row(job: ImportJob, checked: Checked) -> ImportRow:
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


def begin_import(job: ImportJob, *, queue: bool = True) -> bool:
    """Let a checked pack be written. False when it was begun already, or when invalid rows stand in the way.

    With nothing to write it is over at once. Without `queue` the caller writes it: see `write_import`.
    """
    # What was read before it was checked whole counts no rows yet.
    if job.status != ImportJob.Status.CHECKED or (job.invalid and not job.is_partial):
        return False
    now = timezone.now()
    job.status = ImportJob.Status.QUEUED if job.to_write else ImportJob.Status.COMPLETED
    job.touched_at, job.finished_at = now, None if job.to_write else now
    checked = ImportJob.objects.filter(pk=job.pk, status=ImportJob.Status.CHECKED)
    if not checked.update(status=job.status, touched_at=job.touched_at, finished_at=job.finished_at):
        job.refresh_from_db()
        return False
    if job.to_write and queue:
        # Robust: a broker that is away loses nothing, the sweep finds the import.
        transaction.on_commit(lambda: tasks.write_import.delay(str(job.pk)), robust=True)
    return True


def write_import(
    job_id: UUID, *, on_progress: Callable[[int], None] = lambda written: None, seconds: float | None = _TURN
) -> None:
    """Write what is new or changed, some rows at a time, each exactly once however often this is called.

    A kill at any point loses nothing: rows and their outcome are committed together, and the sweep goes on.
    """
    job = _claim(job_id)
    if job is None:
        return
    begun = time.monotonic()
    while settled := write_rows(job):
        on_progress(settled)
        if seconds is not None and time.monotonic() - begun > seconds:
            if job.mine().update(status=ImportJob.Status.QUEUED):
                tasks.write_import.delay(str(job.pk))
            return
    job.mine().update(status=ImportJob.Status.COMPLETED, finished_at=timezone.now())


def _claim(job_id: UUID) -> ImportJob | None:
    """The conditional UPDATE is the lock; a claim older than the deadline belongs to a worker that is gone."""
    job = ImportJob.objects.select_related("organization").filter(pk=job_id).first()
    if job is None:
        return None
    rows = ImportJob.objects.filter(pk=job_id)
    lost = rows.lost(_lost_before())
    claimable = rows.filter(
        Q(status=ImportJob.Status.QUEUED)
        | Q(status=ImportJob.Status.RUNNING, touched_at__lt=_lost_before(), attempts__lt=settings.TASK_ATTEMPTS),
        claims=job.claims,  # two that come at once must not read the same number
    )
    claimed = claimable.update(
        status=ImportJob.Status.RUNNING,
        attempts=F("attempts") + 1,
        claims=job.claims + 1,
        touched_at=timezone.now(),
    )
    if claimed:
        job.status, job.claims = ImportJob.Status.RUNNING, job.claims + 1
        return job
    lost.filter(attempts__gte=settings.TASK_ATTEMPTS).update(
        status=ImportJob.Status.FAILED,
        failure="The rest could not be written. What was written stays.",
        finished_at=timezone.now(),
    )
    return None


def allow_partial(job: ImportJob) -> None:
    """Let the valid rows be written although others are not."""
    ImportJob.objects.filter(pk=job.pk, status=ImportJob.Status.CHECKED).update(is_partial=True)
    job.refresh_from_db()


def resume_import(job: ImportJob) -> bool:
    """Queue what a failed import has not written. False when it had not failed, or was resumed already."""
    failed = ImportJob.objects.filter(pk=job.pk, status=ImportJob.Status.FAILED)
    resumed = failed.update(
        status=ImportJob.Status.QUEUED, attempts=0, failure="", touched_at=timezone.now(), finished_at=None
    )
    if resumed:
        transaction.on_commit(lambda: tasks.write_import.delay(str(job.pk)), robust=True)
    job.refresh_from_db()
    return bool(resumed)


def abandon_import(job: ImportJob) -> None:
    """Whoever began it goes no further. What was written stays."""
    ImportJob.objects.under_way().filter(pk=job.pk).update(
        status=ImportJob.Status.FAILED, failure="It was stopped.", finished_at=timezone.now()
    )


def forget_import(job: ImportJob) -> bool:
    """Delete a pack that was not begun. False when it was."""
    return _forget(ImportJob.objects.filter(pk=job.pk))


def _forget(jobs: ImportJobQuerySet) -> bool:
    """Delete those that were not begun. They are marked before, because what is deleted may have begun meanwhile."""
    jobs.unbegun().update(status=ImportJob.Status.FORGOTTEN)
    return bool(jobs.filter(status=ImportJob.Status.FORGOTTEN).delete()[0])


def outcome_of(job: ImportJob, *, expected: bool = False) -> dict[str, Any]:
    """What became of a pack's rows: counts, titles, and for each refused row what is wrong with it.

    With `expected`, what waits to be written counts as written: what a dry run says.
    """
    titles: dict[str, list[str]] = {"created": [], "updated": [], "skipped": [], "invalid": []}
    errors: list[dict[str, Any]] = []
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
            errors += [{"row": number, "title": title, **problem} for problem in problems]
    counts: dict[str, Any] = {name: len(found) for name, found in titles.items()}
    lists = {f"{name}_titles": titles[name] for name in ("created", "updated", "skipped")}
    return counts | lists | {"errors": errors, "new_categories": job.new_categories}


def sweep_imports() -> int:
    """Queue again the imports whose task was lost, and forget packs that nobody began. Return how many were queued."""
    _forget(ImportJob.objects.filter(created_at__lt=timezone.now() - _KEPT))
    lost = list(ImportJob.objects.lost(_lost_before()).values_list("pk", flat=True))
    for job_id in lost:
        # Gone before the next sweep: where workers are behind, sweeps must not pile up on them.
        tasks.write_import.apply_async((str(job_id),), expires=settings.SWEEP_EVERY)
    return len(lost)


def _lost_before() -> datetime:
    return timezone.now() - timedelta(seconds=settings.IMPORT_LOST_AFTER)
