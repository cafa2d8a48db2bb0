"""Previews of the checks that an import's scenarios will be graded on."""

from collections.abc import Sequence
from uuid import UUID

from scenarios.models import ContextUnavailableError, ImportJob, ImportRow, Scenario, title_key
from scenarios.services.check_previews import CheckPreview, preview_checks
from scenarios.services.evaluator_contexts import read_evaluator_contexts


def preview_import_checks(job: ImportJob, rows: Sequence[ImportRow]) -> dict[UUID, CheckPreview]:
    """Return the checks of the rows that will be written, by row id.

    An updated scenario keeps its edited checks, and its stored text if the file has none. The row is left out if that
    text cannot be read.
    """
    changed = _load_changed(job, [row for row in rows if row.outcome == ImportRow.Outcome.CHANGED])
    previews: dict[UUID, CheckPreview] = {}
    for row in rows:
        context = row.values.get("evaluator_context")
        if row.outcome == ImportRow.Outcome.NEW:
            previews[row.pk] = preview_checks([], str(context or ""))
        elif scenario := changed.get(title_key(row.title)):
            text = context if context is not None else _read_context(scenario)
            if text is not None:
                previews[row.pk] = preview_checks(scenario.checks, str(text))
    return previews


def _load_changed(job: ImportJob, rows: Sequence[ImportRow]) -> dict[str, Scenario]:
    if not rows:
        return {}
    keys = {title_key(row.title) for row in rows}
    found = Scenario.objects.filter(organization=job.organization_id).library().with_title_keys(keys)
    return {scenario.title_key: scenario for scenario in found}


def _read_context(scenario: Scenario) -> str | None:
    try:
        return read_evaluator_contexts([scenario])[scenario.pk]
    except ContextUnavailableError:
        return None
