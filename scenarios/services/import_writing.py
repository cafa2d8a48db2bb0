from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from accounts.models import Organization
from scenarios.models import Category, ImportJob, ImportRow, Scenario
from scenarios.services.contexts import remove_context_file, write_context_files
from scenarios.services.import_checks import Existing, Library, changes, plain_fields, row_key, skill_ids
from scenarios.services.library import update_scenario

_AT_ONCE = 100  # rows; a transaction of a moment, however long the pack is


class ClaimLost(Exception):
    """Another worker has the import meanwhile."""


def write_rows(job: ImportJob) -> int:
    """Write the next rows that wait: scenarios and what became of the rows in one transaction. Return how many.

    Rows are compared with the library once more: other imports and people write at the same time.
    """
    rows = list(job.rows.waiting().order_by("number")[:_AT_ONCE])
    try:
        for row in rows:
            if row.outcome == ImportRow.Outcome.CHANGED:
                _update(job, row)
        _write_new(job, [row for row in rows if row.outcome == ImportRow.Outcome.NEW])
    except ClaimLost:
        return 0
    return len(rows)


def _write_new(job: ImportJob, rows: list[ImportRow]) -> None:
    """Files first, then rows; the files of what did not become a scenario go again."""
    if not rows:
        return
    keys = write_context_files({row.pk: text for row in rows if (text := row.values.get("evaluator_context"))})
    made: set[UUID] = set()
    try:
        made = _create(job, rows, keys)
    finally:
        for scenario_id in keys.keys() - made:
            remove_context_file(keys[scenario_id])


@transaction.atomic
def _create(job: ImportJob, rows: list[ImportRow], keys: dict[UUID, str]) -> set[UUID]:
    """Scenarios for the rows that are still new. Return the rows that have become one."""
    # Imports of one organization take turns, or two of them would both find a title free.
    Organization.objects.select_for_update(no_key=True).get(pk=job.organization_id)
    if not job.mine().update(written=F("written") + len(rows), attempts=0, touched_at=timezone.now()):
        raise ClaimLost
    there = Existing.of(job.organization, [row.values for row in rows]).keys
    new = [row for row in rows if row_key(row.values) not in there]
    library = Library.of(job.organization)
    _add_categories(job, new, library)
    Scenario.objects.bulk_create(_as_scenario(job, row, library, keys.get(row.pk, "")) for row in new)
    through = Scenario.skills.through
    through.objects.bulk_create(
        through(scenario_id=row.pk, skill_id=skill) for row in new for skill in skill_ids(row.values, library)
    )
    made = {row.pk for row in new}
    _settle([row.pk for row in rows if row.pk in made], ImportRow.Outcome.CREATED)
    _settle([row.pk for row in rows if row.pk not in made], ImportRow.Outcome.DUPLICATE)
    return made


def _add_categories(job: ImportJob, rows: list[ImportRow], library: Library) -> None:
    for row in rows:
        name = row.values.get("category", "")
        if name and job.creates_categories and not library.categories.find(name):
            library.categories.add(name, Category.objects.create(organization=job.organization, name=name).pk)


def _as_scenario(job: ImportJob, row: ImportRow, library: Library, key: str) -> Scenario:
    return Scenario(
        id=row.pk,
        organization_id=job.organization_id,
        created_by_id=job.created_by_id,
        evaluator_context_file=key,
        **plain_fields(row.values, library, job),
    )


def _settle(row_ids: list[UUID], outcome: str) -> None:
    ImportRow.objects.filter(pk__in=row_ids).update(outcome=outcome, values={})


def _update(job: ImportJob, row: ImportRow) -> None:
    """Change the scenario of this row's title; done twice, it changes the same."""
    with transaction.atomic():
        library = Library.of(job.organization)
        _add_categories(job, [row], library)
    there = Existing.of(job.organization, [row.values], whole=True).scenarios.get(row_key(row.values), [])
    if len(there) == 1:
        changed = changes(there[0], row.values, library, job)
        fields = {name: value for name, value in plain_fields(row.values, library, job).items() if name in changed}
        skills = row.organization.skills.filter(pk__in=skill_ids(row.values, library)) if "skills" in changed else None
        update_scenario(there[0], fields, changed.get("evaluator_context"), skills)
    with transaction.atomic():
        if not job.mine().update(written=F("written") + 1, attempts=0, touched_at=timezone.now()):
            raise ClaimLost
        _settle([row.pk], ImportRow.Outcome.UPDATED if there else ImportRow.Outcome.DUPLICATE)
