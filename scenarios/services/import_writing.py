from collections.abc import Mapping, Sequence
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from accounts.models import Organization
from scenarios.models import Category, ImportJob, ImportRow, Scenario
from scenarios.services.contexts import read_contexts, remove_context_file, write_context_files
from scenarios.services.import_checks import problem_of
from scenarios.services.import_library import (
    Existing,
    Library,
    Verdict,
    matching_name,
    plain_fields,
    row_key,
    skill_ids,
)

_AT_ONCE = 100  # rows; a transaction of a moment, however long the pack is


class ClaimLost(Exception):
    """Another worker has the import meanwhile."""


def write_rows(job: ImportJob) -> int:
    """Write the next rows that wait: scenarios and what became of the rows in one transaction. Return how many it took.

    Rows are compared with the library once more: other imports and people write at the same time. Files are written
    before; what fails leaves them to the sweep, because after a broken commit nobody knows whether a row uses them.
    """
    rows = list(job.rows.waiting().order_by("number")[:_AT_ONCE])
    changed = [row for row in rows if row.outcome == ImportRow.Outcome.CHANGED]
    new = [row for row in rows if row.outcome == ImportRow.Outcome.NEW]
    try:
        # A row whose scenario has gone meanwhile makes a new one.
        new += _write_changed(job, changed)
        _write_new(job, new)
    except ClaimLost:
        return 0
    return len(rows)


def _take_turn(job: ImportJob) -> None:
    """Imports of one organization take turns, or two of them would both find a title free."""
    Organization.objects.select_for_update(no_key=True).get(pk=job.organization_id)


def _keep_claim(job: ImportJob, settled: int) -> None:
    if not job.mine().update(written=F("written") + settled, attempts=0, touched_at=timezone.now()):
        raise ClaimLost


def _settle(row_ids: set[UUID], outcome: str) -> None:
    if row_ids:
        ImportRow.objects.filter(pk__in=row_ids).update(outcome=outcome, values={})


def _library(job: ImportJob, rows: Sequence[ImportRow]) -> Library:
    """The organization's names, with the categories that these rows bring."""
    library = Library(job.organization)
    unknown: dict[str, str] = {}
    for row in rows if job.creates_categories else ():
        name = row.values.get("category", "").strip()
        if name and not library.categories.find(name):
            unknown.setdefault(matching_name(name), name)
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
    made = _create(job, rows, keys)
    for scenario_id in keys.keys() - made:
        remove_context_file(keys[scenario_id])


@transaction.atomic
def _create(job: ImportJob, rows: Sequence[ImportRow], keys: Mapping[UUID, str]) -> set[UUID]:
    """Scenarios for the rows that are still new. Return the rows that have become one."""
    _take_turn(job)
    _keep_claim(job, len(rows))
    there = Existing.of(job.organization, [row.values for row in rows]).keys
    new = [row for row in rows if row_key(row.values) not in there]
    library = _library(job, new)
    Scenario.objects.bulk_create(_as_scenario(job, row, library, keys.get(row.pk, "")) for row in new)
    _add_skills({row.pk: skill_ids(row.values, library) for row in new})
    made = {row.pk for row in new}
    _settle(made, ImportRow.Outcome.CREATED)
    _settle({row.pk for row in rows} - made, ImportRow.Outcome.DUPLICATE)
    return made


def _as_scenario(job: ImportJob, row: ImportRow, library: Library, key: str) -> Scenario:
    return Scenario(
        id=row.pk,
        organization_id=job.organization_id,
        created_by_id=job.created_by_id,
        evaluator_context_file=key,
        **plain_fields(row.values, library, job),
    )


# ---- Changed rows


def _write_changed(job: ImportJob, rows: Sequence[ImportRow]) -> list[ImportRow]:
    """Update the scenarios of these rows' titles. Return the rows that found none."""
    if not rows:
        return []
    said = {row_key(row.values): row.values["evaluator_context"] for row in rows if "evaluator_context" in row.values}
    scenarios = list(Scenario.objects.filter(organization=job.organization).titled(said).library())
    contexts = read_contexts(scenarios)
    texts = {one.pk: said[one.title_key] for one in scenarios if said[one.title_key] != contexts[one.pk]}
    return _update(job, rows, contexts, write_context_files(texts))


@transaction.atomic
def _update(
    job: ImportJob, rows: Sequence[ImportRow], contexts: Mapping[UUID, str], keys: Mapping[UUID, str]
) -> list[ImportRow]:
    _take_turn(job)
    library = _library(job, rows)
    found = Existing.whole(job.organization, [row.values for row in rows], contexts)
    judged = {row: found.judge(row.values, library, job) for row in rows}
    for row in _unprepared(judged, keys):
        del judged[row]
    gone = _with(judged, ImportRow.Outcome.NEW)
    _keep_claim(job, len(judged) - len(gone))
    _change([verdict for verdict in judged.values() if verdict.scenario], library, keys)
    for row in _with(judged, ImportRow.Outcome.INVALID):
        ImportRow.objects.filter(pk=row.pk).update(problems=[problem_of(row, *(judged[row].why_not or ("", "")))])
    for judged_as, outcome in _BECOMES.items():
        _settle({row.pk for row in _with(judged, judged_as)}, outcome)
    return gone


def _unprepared(judged: Mapping[ImportRow, Verdict], keys: Mapping[UUID, str]) -> list[ImportRow]:
    """Rows whose scenario came after the texts were written; they wait for the next round."""
    return [
        row
        for row, verdict in judged.items()
        if verdict.scenario and "evaluator_context" in verdict.changed and verdict.scenario.pk not in keys
    ]


_BECOMES = {
    ImportRow.Outcome.CHANGED: ImportRow.Outcome.UPDATED,
    ImportRow.Outcome.DUPLICATE: ImportRow.Outcome.DUPLICATE,
    ImportRow.Outcome.INVALID: ImportRow.Outcome.INVALID,
}


def _with(judged: Mapping[ImportRow, Verdict], outcome: str) -> list[ImportRow]:
    return [row for row, verdict in judged.items() if verdict.outcome == outcome]


def _change(verdicts: Sequence[Verdict], library: Library, keys: Mapping[UUID, str]) -> None:
    """Write what the rows change of their scenarios, and nothing else of them: they are locked and just read."""
    scenarios: list[Scenario] = []
    skills: dict[UUID, list[int]] = {}
    columns = {"updated_at"}
    for verdict in verdicts:
        scenario, changed = verdict.scenario, dict(verdict.changed)
        assert scenario
        if "evaluator_context" in changed:
            del changed["evaluator_context"]
            changed["evaluator_context_file"] = _moved(scenario, keys[scenario.pk])
        if "skills" in changed:
            skills[scenario.pk] = skill_ids({"skills": changed.pop("skills")}, library)
        for name, value in changed.items():
            setattr(scenario, name, value)
        scenario.updated_at = timezone.now()
        scenarios.append(scenario)
        columns |= changed.keys()
    Scenario.objects.bulk_update(scenarios, columns)
    if skills:
        Scenario.skills.through.objects.filter(scenario_id__in=skills).delete()
        _add_skills(skills)


def _moved(scenario: Scenario, key: str) -> str:
    """The key of the text that the scenario uses from now on; the old file goes after the commit."""
    old_key = scenario.evaluator_context_file.name or ""
    transaction.on_commit(lambda: remove_context_file(old_key), robust=True)
    return key
