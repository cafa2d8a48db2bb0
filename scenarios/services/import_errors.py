"""Grouped problems of an import's rows, and the missing categories that cause some of them."""

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import F

from accounts.models import Organization
from scenarios.models import NAME_LIMIT, ImportJob, ImportRow
from scenarios.packs.rows import PackRow
from scenarios.services.import_matching import NameLookup, normalize_name, row_key
from scenarios.services.import_validation import RowValidator, StoredProblem

_BATCH_SIZE = 200  # rows
MAX_LISTED_ROWS = 20


@dataclass
class ErrorGroup:
    """One problem and all rows that have it."""

    field: str
    message: str
    rows: list[int] = dataclasses.field(default_factory=list)  # row numbers, from 1

    @property
    def count(self) -> int:
        return len(self.rows)

    @property
    def listed_rows(self) -> str:
        """The first row numbers, for display."""
        shown = ", ".join(map(str, self.rows[:MAX_LISTED_ROWS]))
        return f"{shown}, …" if self.count > MAX_LISTED_ROWS else shown


def group_errors(errors: Iterable[tuple[int, str, str]]) -> list[ErrorGroup]:
    """Group row numbers by field and message. The most frequent problem comes first."""
    groups: dict[tuple[str, str], ErrorGroup] = {}
    for number, field_name, message in errors:
        group = groups.setdefault((field_name, message), ErrorGroup(field_name, message))
        if number not in group.rows[-1:]:
            group.rows.append(number)
    return sorted(groups.values(), key=lambda group: -group.count)


def group_job_errors(job: ImportJob) -> list[ErrorGroup]:
    invalid = job.rows.filter(outcome=ImportRow.Outcome.INVALID).order_by("number").values_list("number", "problems")
    return group_errors(
        (number, problem["field"], problem["message"]) for number, problems in invalid for problem in problems
    )


def needs_only_category(values: dict[str, Any], problems: list[StoredProblem], categories: NameLookup) -> bool:
    """Return True if a missing category is a row's only problem."""
    name = str(values.get("category", ""))
    is_only = bool(problems) and all(problem["field"] == "category" for problem in problems)
    return is_only and 0 < len(name) <= NAME_LIMIT and not categories.find(name)


def list_missing_categories(job: ImportJob) -> list[str]:
    """Return the names of the missing categories of invalid rows, each as first spelled."""
    waiting = job.rows.filter(outcome=ImportRow.Outcome.INVALID).exclude(values={}).order_by("number")
    names: dict[str, str] = {}
    for values in waiting.values_list("values", flat=True):
        names.setdefault(normalize_name(values["category"]), values["category"])
    return list(names.values())


@transaction.atomic
def accept_missing_categories(job: ImportJob) -> None:
    """Let a checked import create the categories it needs, and recheck the rows that need them."""
    Organization.objects.select_for_update(no_key=True).get(pk=job.organization_id)
    checked = ImportJob.objects.filter(pk=job.pk, status=ImportJob.Status.CHECKED, creates_categories=False)
    names = list_missing_categories(job)
    if not names or not checked.update(creates_categories=True, new_categories=[*job.new_categories, *names]):
        return
    job.refresh_from_db()
    validator = RowValidator(job, {row_key(row.values): (job, row.number) for row in job.rows.unwritten()})
    waiting = job.rows.filter(outcome=ImportRow.Outcome.INVALID).exclude(values={}).order_by("number")
    solved = 0
    for row in list(waiting):
        [result] = validator.validate([PackRow(row.number, row.line, row.values)])
        row.outcome, row.problems = result.outcome, result.problems
        row.values = result.values if result.is_to_be_written else {}
        row.save(update_fields=["outcome", "problems", "values"])
        solved += result.outcome != ImportRow.Outcome.INVALID
        ImportJob.objects.filter(pk=job.pk).update(to_write=F("to_write") + int(result.is_to_be_written))
    ImportJob.objects.filter(pk=job.pk).update(invalid=F("invalid") - solved)
    job.refresh_from_db()
