"""Writing of validated import rows to the library, by workers that claim the import."""

import time
from collections.abc import Callable, Mapping, Sequence
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext_noop

from accounts.models import Organization
from accounts.services.leases import RetryLaterError, fail_when_out_of_time, keep_claimed
from scenarios.models import Category, ImportJob, ImportRow, Scenario
from scenarios.services.evaluator_contexts import (
    read_evaluator_contexts,
    remove_context_file,
    remove_superseded_context,
    write_context_files,
)
from scenarios.services.import_matching import (
    ExistingScenarios,
    LibraryLookups,
    RowVerdict,
    normalize_name,
    plain_fields,
    row_key,
    skill_ids,
)
from scenarios.services.import_validation import build_problem

_MAX_WRITE_SECONDS = 200  # seconds of writing before the task queues itself again, well below its time limit
_FAILURE_MESSAGE = gettext_noop("Some rows could not be imported. The rows imported so far are kept.")
_BATCH_SIZE = 100  # rows per transaction, so that each one is short however long the pack is


class ImportClaimLostError(Exception):
    """A write by a worker whose claim on the import has passed to another worker."""


def write_import(
    job_id: UUID,
    *,
    on_progress: Callable[[int], None] = lambda written: None,
    seconds: float | None = _MAX_WRITE_SECONDS,
) -> None:
    """Write new and changed rows in batches, each row exactly once however often this is called.

    Nothing is lost if the worker is killed: rows and their outcomes are committed together, and the sweep resumes the
    import. Raise RetryLaterError if there are rows left after `seconds`.
    """
    failed = {"status": ImportJob.Status.FAILED, "failure": _FAILURE_MESSAGE, "finished_at": timezone.now()}
    lease = settings.IMPORT_LOST_AFTER
    job = ImportJob.objects.claim_or_fail(job_id, lease, failed, status=ImportJob.Status.RUNNING)
    if job is None:
        return
    with fail_when_out_of_time(lambda reason: _fail(job, reason)), keep_claimed(job, lease):
        _write_claimed(job, on_progress, seconds)


def _fail(job: ImportJob, failure: str) -> None:
    ImportJob.objects.fenced(job).settle(status=ImportJob.Status.FAILED, failure=failure, finished_at=timezone.now())


def _write_claimed(job: ImportJob, on_progress: Callable[[int], None], seconds: float | None) -> None:
    started = time.monotonic()
    while processed := write_rows(job):
        on_progress(processed)
        if seconds is not None and time.monotonic() - started > seconds:
            if ImportJob.objects.fenced(job).put_back(status=ImportJob.Status.QUEUED):
                raise RetryLaterError(0)
            return
    ImportJob.objects.fenced(job).settle(status=ImportJob.Status.COMPLETED, finished_at=timezone.now())


def write_rows(job: ImportJob) -> int:
    """Write the next batch of waiting rows and their outcomes in one transaction. Return the number of rows processed.

    Compare rows with the library again, because other imports and people may write at the same time. Files are written
    before the transaction. On failure they are left to the sweep, because after a failed commit it is unknown whether
    a row uses them.
    """
    rows = list(job.rows.unwritten().order_by("number")[:_BATCH_SIZE])
    changed = [row for row in rows if row.outcome == ImportRow.Outcome.CHANGED]
    new = [row for row in rows if row.outcome == ImportRow.Outcome.NEW]
    try:
        # A row whose scenario has been deleted in the meantime creates a new one.
        new += _write_changed(job, changed)
        _write_new(job, new)
    except ImportClaimLostError:
        return 0
    return len(rows)


def _lock_organization(job: ImportJob) -> None:
    """Lock the organization's row. Otherwise two concurrent imports could both use the same title."""
    job.organization = Organization.objects.select_for_update(no_key=True).get(pk=job.organization_id)


def _renew_claim(job: ImportJob, processed: int) -> None:
    claimed = ImportJob.objects.fenced(job)
    if not claimed.renew(settings.IMPORT_LOST_AFTER, written=F("written") + processed, attempts=0):
        raise ImportClaimLostError


def _settle(row_ids: set[UUID], outcome: str) -> None:
    if row_ids:
        ImportRow.objects.filter(pk__in=row_ids).update(outcome=outcome, values={})


def _prepare_lookups(job: ImportJob, rows: Sequence[ImportRow]) -> LibraryLookups:
    """Return the organization's lookups, extended by the categories that these rows create."""
    library = LibraryLookups(job.organization)
    unknown: dict[str, str] = {}
    for row in rows if job.creates_categories else ():
        name = row.values.get("category", "").strip()
        if name and not library.categories.find(name):
            unknown.setdefault(normalize_name(name), name)
    new = [Category(organization=job.organization, name=name) for name in unknown.values()]
    for category in Category.objects.bulk_create(new):
        library.categories.add(category.name, category.pk)
    return library


def _add_skills(skills: Mapping[UUID, list[int]]) -> None:
    through = Scenario.skills.through
    through.objects.bulk_create(
        through(scenario_id=scenario_id, skill_id=skill) for scenario_id, chosen in skills.items() for skill in chosen
    )


# ---- New rows


def _write_new(job: ImportJob, rows: Sequence[ImportRow]) -> None:
    if not rows:
        return
    keys = write_context_files({row.pk: text for row in rows if (text := row.values.get("evaluator_context"))})
    created = _create(job, rows, keys)
    for scenario_id in keys.keys() - created:
        remove_context_file(keys[scenario_id])


@transaction.atomic
def _create(job: ImportJob, rows: Sequence[ImportRow], keys: Mapping[UUID, str]) -> set[UUID]:
    """Create scenarios for the rows that are still new and return the ids of those rows."""
    _lock_organization(job)
    _renew_claim(job, len(rows))
    existing_keys = ExistingScenarios.load_keys(job.organization, [row.values for row in rows]).keys
    new = [row for row in rows if row_key(row.values) not in existing_keys]
    library = _prepare_lookups(job, new)
    Scenario.objects.bulk_create(_as_scenario(job, row, library, keys.get(row.pk, "")) for row in new)
    _add_skills({row.pk: skill_ids(row.values, library) for row in new})
    created = {row.pk for row in new}
    _settle(created, ImportRow.Outcome.CREATED)
    _settle({row.pk for row in rows} - created, ImportRow.Outcome.DUPLICATE)
    return created


def _as_scenario(job: ImportJob, row: ImportRow, library: LibraryLookups, key: str) -> Scenario:
    return Scenario(
        id=row.pk,
        organization_id=job.organization_id,
        created_by_id=job.created_by_id,
        evaluator_context_file=key,
        **plain_fields(row.values, library, job),
    )


# ---- Changed rows


def _write_changed(job: ImportJob, rows: Sequence[ImportRow]) -> list[ImportRow]:
    """Update the scenarios with these rows' titles. Return the rows whose scenario no longer exists."""
    if not rows:
        return []
    texts_by_key = {
        row_key(row.values): row.values["evaluator_context"] for row in rows if "evaluator_context" in row.values
    }
    scenarios = list(Scenario.objects.filter(organization=job.organization).with_title_keys(texts_by_key).library())
    contexts = read_evaluator_contexts(scenarios)
    texts = {
        scenario.pk: texts_by_key[scenario.title_key]
        for scenario in scenarios
        if texts_by_key[scenario.title_key] != contexts[scenario.pk]
    }
    return _update(job, rows, contexts, write_context_files(texts))


@transaction.atomic
def _update(
    job: ImportJob, rows: Sequence[ImportRow], contexts: Mapping[UUID, str], keys: Mapping[UUID, str]
) -> list[ImportRow]:
    _lock_organization(job)
    library = _prepare_lookups(job, rows)
    found = ExistingScenarios.load_scenarios(job.organization, [row.values for row in rows], contexts)
    verdicts = {row: found.compare(row.values, library, job) for row in rows}
    for row in _find_unprepared(verdicts, keys):
        del verdicts[row]
    orphaned = _rows_with_outcome(verdicts, ImportRow.Outcome.NEW)
    _renew_claim(job, len(verdicts) - len(orphaned))
    _apply_changes([verdict for verdict in verdicts.values() if verdict.scenario], library, keys, job)
    for row in _rows_with_outcome(verdicts, ImportRow.Outcome.INVALID):
        ImportRow.objects.filter(pk=row.pk).update(problems=[build_problem(row, *(verdicts[row].problem or ("", "")))])
    for compared, outcome in _FINAL_OUTCOMES.items():
        _settle({row.pk for row in _rows_with_outcome(verdicts, compared)}, outcome)
    return orphaned


def _find_unprepared(verdicts: Mapping[ImportRow, RowVerdict], keys: Mapping[UUID, str]) -> list[ImportRow]:
    """Return the rows whose scenario appeared after the texts were written. They wait for the next batch."""
    return [
        row
        for row, verdict in verdicts.items()
        if verdict.scenario and "evaluator_context" in verdict.changed and verdict.scenario.pk not in keys
    ]


_FINAL_OUTCOMES = {
    ImportRow.Outcome.CHANGED: ImportRow.Outcome.UPDATED,
    ImportRow.Outcome.DUPLICATE: ImportRow.Outcome.DUPLICATE,
    ImportRow.Outcome.INVALID: ImportRow.Outcome.INVALID,
}


def _rows_with_outcome(verdicts: Mapping[ImportRow, RowVerdict], outcome: str) -> list[ImportRow]:
    return [row for row, verdict in verdicts.items() if verdict.outcome == outcome]


def _apply_changes(
    verdicts: Sequence[RowVerdict], library: LibraryLookups, keys: Mapping[UUID, str], job: ImportJob
) -> None:
    """Write only the fields that the rows change. The scenarios are locked and freshly read."""
    scenarios: list[Scenario] = []
    skills: dict[UUID, list[int]] = {}
    columns = {"changed_by", "updated_at"}
    for verdict in verdicts:
        scenario, changed = verdict.scenario, dict(verdict.changed)
        assert scenario
        if "evaluator_context" in changed:
            del changed["evaluator_context"]
            changed["evaluator_context_file"] = _replace_context_key(scenario, keys[scenario.pk])
        if "skills" in changed:
            skills[scenario.pk] = skill_ids({"skills": changed.pop("skills")}, library)
        for name, value in changed.items():
            setattr(scenario, name, value)
        scenario.changed_by_id, scenario.updated_at = job.created_by_id, timezone.now()
        scenarios.append(scenario)
        columns |= changed.keys()
    Scenario.objects.bulk_update(scenarios, columns)
    if skills:
        Scenario.skills.through.objects.filter(scenario_id__in=skills).delete()
        _add_skills(skills)


def _replace_context_key(scenario: Scenario, key: str) -> str:
    """Return the key of the new text and delete the old file after the commit."""
    old_key = scenario.evaluator_context_file.name or ""
    transaction.on_commit(lambda: remove_superseded_context(old_key), robust=True)
    return key
