"""Summaries of imports: counts, titles, and errors by row."""

from dataclasses import dataclass

from scenarios.models import ImportJob, ImportRow
from scenarios.services.import_errors import ErrorGroup, group_errors, list_missing_categories
from scenarios.services.import_validation import StoredProblem


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
    error_groups: list[ErrorGroup]
    new_categories: list[str]
    missing_categories: list[str]


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
        error_groups=group_errors((error["row"], error["field"], error["message"]) for error in errors),
        new_categories=job.new_categories,
        missing_categories=list_missing_categories(job) if errors else [],
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
